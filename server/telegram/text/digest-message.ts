import type { Incident } from "../../domain/incidents/incident.ts";
import { bytes, count, coverage, duration } from "../../text/amounts.ts";
import { dayName } from "../../text/dates.ts";
import { fill, type Language } from "../../text/language.ts";
import { cut, escapeHtml, fit, mostCaption } from "../api/html.ts";
import { mark, type Speech } from "./incident-phrases.ts";
import { overLine } from "./summary-message.ts";

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
  /** Incidents that overlap the day and are over, oldest first. */
  readonly incidents: readonly Incident[];
  /** Incidents that are open now, the most severe first. */
  readonly open: readonly Incident[];
  readonly archives: { readonly count: number; readonly rawBytes: number; readonly compressedBytes: number };
  readonly disk: { readonly freeBytes: number; readonly fullInS: number | null } | null;
};

const en = {
  head: "{day} (UTC): {coverage} recorded",
  headUnknown: "{day} (UTC): no records known",
  openNow: "{n} open now",
  records: "{n} {n|record|records} of {symbols} {symbols|symbol|symbols}",
  incomplete: "Incomplete: {list}",
  noGaps: "No gaps.",
  gaps: "Gaps: {n}, the longest {longest}.",
  openGap: "A gap of that day is not over yet.",
  repaired: "{n} {n|trade was|trades were} fetched again.",
  lost: "{n} {n|record is|records are} lost.",
  noIncidents: "No incidents.",
  incidents: "Incidents: {n}",
  incidentsNow: "Open now (/alerts):",
  archives: "Archives: {n}, {compressed} from {raw}",
  noArchives: "Archives: none yet",
  disk: "Disk: {free} free",
  full: "Disk: {free} free, full in {time} at this pace",
  more: "and {n} more {n|line|lines}; the page has them all",
};

const ko: typeof en = {
  head: "{day} UTC: 기록률 {coverage}",
  headUnknown: "{day} UTC: 기록 확인 불가",
  openNow: "진행 중인 문제 {n}건",
  records: "심볼 {symbols}개, 데이터 {n}건",
  incomplete: "빠진 심볼: {list}",
  noGaps: "공백 없음",
  gaps: "공백 {n}건, 최장 {longest}.",
  openGap: "그날의 공백이 아직 끝나지 않았습니다.",
  repaired: "체결 {n}건 복구.",
  lost: "데이터 {n}건 유실.",
  noIncidents: "문제 없음",
  incidents: "문제 {n}건",
  incidentsNow: "진행 중(/alerts):",
  archives: "아카이브 {n}개, {raw} → {compressed}",
  noArchives: "아카이브: 아직 없음",
  disk: "디스크 {free} 남음",
  full: "디스크 {free} 남음, 이 속도면 {time} 뒤 가득 참",
  more: "외 {n}줄은 대시보드에서 볼 수 있습니다",
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
    ...gapLines(facts, language),
    ...openLines(facts, speech),
    ...incidentLines(facts, speech),
    archiveLine(facts, language),
    ...diskLines(facts, language),
    `<i>${escapeHtml(cut(speech.host, 60))}</i>`,
  ];
  const [gravest] = facts.open;
  const title = [
    head,
    ...(gravest === undefined ? [] : [fill(texts.openNow, { n: count(facts.open.length, language) })]),
  ];
  const sign = gravest === undefined ? "📊" : mark(gravest);
  return fit(`${sign} <b>${escapeHtml(title.join(" · "))}</b>`, lines, mostCaption, (n) =>
    fill(texts.more, { n: count(n, language) }),
  );
}

function incompleteLines({ incomplete }: DigestFacts, language: Language): string[] {
  if (incomplete.length === 0) return [];
  const named = incomplete.slice(0, mostListed).map((row) => `${row.symbol} ${coverage(row.coverage, language)}`);
  const rest = incomplete.length - named.length;
  const list = [...named, ...(rest > 0 ? [`+${rest}`] : [])].join(", ");
  return [escapeHtml(fill(words[language].incomplete, { list }))];
}

/** Gaps are listed when they end: a day that is not complete without any has a gap that goes on. */
function gapLines({ gaps, coverage: share, open }: DigestFacts, language: Language): string[] {
  const texts = words[language];
  if (gaps.count === 0 && (share ?? 1) < 1) return [texts.openGap];
  if (gaps.count === 0) return open.length > 0 ? [] : [texts.noGaps];
  const lost = Math.max(0, gaps.missing - gaps.repaired);
  const parts = [
    fill(texts.gaps, { n: count(gaps.count, language), longest: duration(gaps.longestUs, language) }),
    ...(gaps.repaired > 0 ? [fill(texts.repaired, { n: count(gaps.repaired, language) })] : []),
    ...(lost > 0 ? [fill(texts.lost, { n: count(lost, language) })] : []),
  ];
  return [parts.join(" ")];
}

function openLines({ open }: DigestFacts, speech: Speech): string[] {
  if (open.length === 0) return [];
  const listed = open.slice(0, mostListed).map((incident) => overLine(incident, speech));
  const rest = open.length - listed.length;
  return [words[speech.language].incidentsNow, ...listed, ...(rest > 0 ? [`+${rest}`] : [])];
}

function incidentLines({ incidents, open }: DigestFacts, speech: Speech): string[] {
  const texts = words[speech.language];
  if (incidents.length === 0) return open.length > 0 ? [] : [texts.noIncidents];
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
