import type { Incident } from "../../domain/incidents/incident.ts";
import { bytes, count, coverage, duration } from "../../text/amounts.ts";
import { dayName } from "../../text/dates.ts";
import { fill, type Language } from "../../text/language.ts";
import { cut, escapeHtml, fit, mostCaption } from "../api/html.ts";
import { overLine } from "./incident-message.ts";
import type { Speech } from "./incident-phrases.ts";

/** The facts about a finished UTC day. */
export type DigestFacts = {
  readonly date: string;
  readonly symbols: number;
  /** Mean over the symbols, 0 to 1; null if unknown. */
  readonly coverage: number | null;
  /** Incomplete symbols, the worst first. */
  readonly incomplete: readonly { readonly symbol: string; readonly coverage: number }[];
  readonly records: number;
  readonly gaps: {
    readonly count: number;
    readonly longestUs: number;
    readonly missing: number;
    readonly repaired: number;
  };
  /** Incidents that overlap the day, oldest first. */
  readonly incidents: readonly Incident[];
  readonly archives: { readonly count: number; readonly rawBytes: number; readonly compressedBytes: number };
  readonly disk: { readonly freeBytes: number; readonly fullInS: number | null } | null;
};

const en = {
  head: "{day} (UTC): {coverage} recorded",
  headUnknown: "{day} (UTC): no records known",
  records: "{n} {n|record|records} of {symbols} {symbols|symbol|symbols}",
  incomplete: "Incomplete: {list}",
  noGaps: "No gaps.",
  gaps: "Gaps: {n}, the longest {longest}.",
  repaired: "{n} {n|trade was|trades were} fetched again.",
  lost: "{n} {n|record is|records are} lost.",
  noIncidents: "No incidents.",
  incidents: "Incidents: {n}",
  archives: "Archives: {n}, {compressed} from {raw}",
  noArchives: "Archives: none yet",
  disk: "Disk: {free} free",
  full: "Disk: {free} free, full in {time} at this pace",
  more: "and {n} more {n|line|lines}; the page has them all",
};

const ko: typeof en = {
  head: "{day} (UTC): {coverage} 기록됨",
  headUnknown: "{day} (UTC): 기록된 내용을 확인할 수 없음",
  records: "심볼 {symbols}개, 레코드 {n}건",
  incomplete: "빠진 구간이 있는 심볼: {list}",
  noGaps: "공백 없음",
  gaps: "공백 {n}건, 가장 긴 것 {longest}.",
  repaired: "체결 {n}건을 다시 받아 왔습니다.",
  lost: "레코드 {n}건은 유실되었습니다.",
  noIncidents: "알림 없음",
  incidents: "알림 {n}건",
  archives: "아카이브 {n}개, {raw} → {compressed}",
  noArchives: "아카이브: 아직 없음",
  disk: "디스크 여유 {free}",
  full: "디스크 여유 {free}, 이 속도면 {time} 뒤 가득 참",
  more: "외 {n}줄은 페이지에서 볼 수 있습니다",
};

const words: Record<Language, typeof en> = { en, ko };

/** Upper bound for listed incidents and for listed symbols. */
const mostListed = 5;

/** Formats the digest as HTML, short enough for a caption. */
export function digestHtml(facts: DigestFacts, speech: Speech): string {
  const { language } = speech;
  const texts = words[language];
  const head =
    facts.coverage === null
      ? fill(texts.headUnknown, { day: dayName(facts.date, language) })
      : fill(texts.head, { day: dayName(facts.date, language), coverage: coverage(facts.coverage, language) });
  const lines = [
    fill(texts.records, { n: count(facts.records, language), symbols: count(facts.symbols, language) }),
    ...incompleteLines(facts, language),
    gapLine(facts, language),
    ...incidentLines(facts, speech),
    archiveLine(facts, language),
    ...diskLines(facts, language),
    `<i>${escapeHtml(cut(speech.host, 60))}</i>`,
  ];
  return fit(`📊 <b>${escapeHtml(head)}</b>`, lines, mostCaption, (n) => fill(texts.more, { n: count(n, language) }));
}

function incompleteLines({ incomplete }: DigestFacts, language: Language): string[] {
  if (incomplete.length === 0) return [];
  const named = incomplete.slice(0, mostListed).map((row) => `${row.symbol} ${coverage(row.coverage, language)}`);
  const rest = incomplete.length - named.length;
  const list = [...named, ...(rest > 0 ? [`+${rest}`] : [])].join(", ");
  return [escapeHtml(fill(words[language].incomplete, { list }))];
}

function gapLine({ gaps }: DigestFacts, language: Language): string {
  const texts = words[language];
  if (gaps.count === 0) return texts.noGaps;
  const lost = Math.max(0, gaps.missing - gaps.repaired);
  return [
    fill(texts.gaps, { n: count(gaps.count, language), longest: duration(gaps.longestUs, language) }),
    ...(gaps.repaired > 0 ? [fill(texts.repaired, { n: count(gaps.repaired, language) })] : []),
    ...(lost > 0 ? [fill(texts.lost, { n: count(lost, language) })] : []),
  ].join(" ");
}

function incidentLines({ incidents }: DigestFacts, speech: Speech): string[] {
  const texts = words[speech.language];
  if (incidents.length === 0) return [texts.noIncidents];
  const listed = incidents.slice(0, mostListed).map((incident) => overLine(incident, speech));
  const rest = incidents.length - listed.length;
  const head = fill(texts.incidents, { n: count(incidents.length, speech.language) });
  return [head, ...listed, ...(rest > 0 ? [`+${rest}`] : [])];
}

function archiveLine({ archives }: DigestFacts, language: Language): string {
  const texts = words[language];
  if (archives.count === 0) return texts.noArchives;
  const [raw, compressed] = [bytes(archives.rawBytes, language), bytes(archives.compressedBytes, language)];
  return fill(texts.archives, { n: count(archives.count, language), raw, compressed });
}

function diskLines({ disk }: DigestFacts, language: Language): string[] {
  if (disk === null) return [];
  const texts = words[language];
  const free = bytes(disk.freeBytes, language);
  if (disk.fullInS === null) return [fill(texts.disk, { free })];
  return [fill(texts.full, { free, time: duration(disk.fullInS * 1e6, language) })];
}
