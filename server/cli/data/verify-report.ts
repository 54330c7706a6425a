import type { VerifiedDay } from "../../archive/verify/verify-stream.ts";
import { clipSpan, type TimeSpan } from "../../domain/coverage/coverage.ts";
import { dateStartUs, dayUs } from "../../domain/day.ts";
import { awaitsBackfill, clipGap } from "../../domain/gap.ts";
import { formatTime, type TimeZone } from "../../platform/time/time-parser.ts";

/** Limit of gaps per day that are listed. */
const mostShown = 5;

/** Tells whether a day has no problems and no missing records. */
export function isComplete({ problems, gaps, silences, isInvented }: VerifiedDay): boolean {
  if (isInvented) return problems.length === 0;
  return problems.length === 0 && silences.length === 0 && !gaps.some(awaitsBackfill);
}

/** Leaves only the gaps and silences of the range, clipped to it. Problems of files stay: a file is checked as a whole. */
export function clipDay(day: VerifiedDay, range: TimeSpan): VerifiedDay {
  const gaps = day.gaps.map((gap) => clipGap(gap, range.fromUs, range.toUs)).filter((gap) => gap !== null);
  return { ...day, gaps, silences: day.silences.flatMap((span) => clipSpan(span, range)) };
}

/** Limit of listed entries. A longer list is folded: damaged days and days with gaps up to the limit each, and no complete days. */
const mostListed = 20;

/** Which days a report lists: all, or only those that make the check fail; and whether a long list is folded. */
export type ReportOptions = {
  readonly zone: TimeZone;
  readonly isShown: (day: VerifiedDay) => boolean;
  readonly isFolded: boolean;
  readonly range: TimeSpan;
};

/** Formats the report: the summary, then a line per day with its problems below it. Consecutive days without any file share a line. */
export function reportText(days: readonly VerifiedDay[], options: ReportOptions): string {
  const { zone, isShown, isFolded } = options;
  const entries = entriesOf(days.filter(isShown), zone);
  const sections = isFolded && entries.length > mostListed ? folded(entries) : [entries.flatMap(({ lines }) => lines)];
  return [[summaryOf(days), ...rangeLine(days, options)], ...sections]
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

function summaryOf(days: readonly VerifiedDay[]): string {
  const streams = new Set(days.map(({ stream, symbol }) => `${stream} ${symbol}`)).size;
  const counts = { complete: 0, gaps: 0, damaged: 0 };
  for (const day of days) counts[verdictOf(day)]++;
  const [complete, gapped, bad] = [counts.complete, counts.gaps, counts.damaged].map((count) =>
    count.toLocaleString("en"),
  );
  return `${withNoun(days.length, "day")} of ${withNoun(streams, "stream")}: ${complete} complete, ${gapped} with gaps, ${bad} damaged`;
}

/** Says which gaps count, if the range cuts a day. */
function rangeLine(days: readonly VerifiedDay[], { range, zone }: ReportOptions): string[] {
  const dates = days.map(({ date }) => dateStartUs(date));
  const cutsStart = range.fromUs > Math.min(...dates);
  const cutsEnd = range.toUs < Math.max(...dates) + dayUs;
  if (!cutsStart && !cutsEnd) return [];
  const from = cutsStart ? ` from ${formatTime(range.fromUs, zone)}` : "";
  const to = cutsEnd ? ` before ${formatTime(range.toUs, zone)}` : "";
  return [`only gaps${from}${to} count; the files of these days are checked as a whole`];
}

type Verdict = "complete" | "gaps" | "damaged";

function verdictOf(day: VerifiedDay): Verdict {
  return day.problems.length > 0 ? "damaged" : isComplete(day) ? "complete" : "gaps";
}

/** A day of the list, or several days without files. */
type Entry = { readonly verdict: Verdict; readonly days: number; readonly lines: readonly string[] };

function entriesOf(days: readonly VerifiedDay[], zone: TimeZone): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < days.length; at++) {
    const first = days[at] as VerifiedDay;
    let last = at;
    while (first.state === "absent" && !isComplete(first) && isAbsentAlike(first, days[last + 1])) last++;
    const lines = last > at ? [absentLine(first, days[last] as VerifiedDay, last - at + 1)] : linesOf(first, zone);
    entries.push({ verdict: verdictOf(first), days: last - at + 1, lines });
    at = last;
  }
  return entries;
}

/** Lists damaged days first, then days with gaps, and counts the rest. */
function folded(entries: readonly Entry[]): string[][] {
  const listed = (["damaged", "gaps"] as const).map((verdict) => {
    const found = entries.filter((entry) => entry.verdict === verdict);
    const more = dayCount(found.slice(mostListed));
    const name = verdict === "gaps" ? "with gaps" : verdict;
    const rest = more === 0 ? [] : [`          and ${withNoun(more, "more day")} ${name}; --all lists them`];
    return [...found.slice(0, mostListed).flatMap(({ lines }) => lines), ...rest];
  });
  const complete = dayCount(entries.filter(({ verdict }) => verdict === "complete"));
  return [...listed, complete === 0 ? [] : [`complete  ${withNoun(complete, "day")}; --all lists them`]];
}

function dayCount(entries: readonly Entry[]): number {
  return entries.reduce((sum, { days }) => sum + days, 0);
}

/** Formats a number with its noun: `1 day`, `2,000 days`. */
export function withNoun(count: number, word: string): string {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

function isAbsentAlike(first: VerifiedDay, next: VerifiedDay | undefined): boolean {
  return next?.state === "absent" && next.symbol === first.symbol && next.stream === first.stream && !isComplete(next);
}

function absentLine({ stream, symbol, date }: VerifiedDay, last: VerifiedDay, days: number): string {
  return `${"GAPS".padEnd(8)}  ${stream}  ${symbol}  ${date} to ${last.date}  absent: no files of ${days} days`;
}

function linesOf(day: VerifiedDay, zone: TimeZone): string[] {
  const { stream, symbol, date, state, rows, problems, gaps, silences, isInvented } = day;
  const verdict = { complete: "complete", gaps: "GAPS", damaged: "DAMAGED" }[verdictOf(day)];
  const inFiles = rows === null ? "" : `  ${withNoun(rows, "row")}`;
  const spans = [
    ...gaps.filter(awaitsBackfill).map((gap) => ({ fromUs: gap.from_us, toUs: gap.to_us, text: gapText(gap) })),
    ...silences.map((span) => ({ ...span, text: "no records, and no gap that explains it" })),
  ].sort((a, b) => a.fromUs - b.fromUs);
  const clock = gaps.filter(({ cause }) => cause === "clock").length;
  const closed = gaps.filter((gap) => !awaitsBackfill(gap)).length - clock;
  return [
    `${verdict.padEnd(8)}  ${stream}  ${symbol}  ${date}  ${state}${inFiles}`,
    ...(isInvented ? ["          recorded by a wrong clock; it is kept but not counted"] : []),
    ...problems.map(({ kind, detail }) => `          ${kind}: ${detail}`),
    ...spans.slice(0, mostShown).map((span) => `          ${spanText(span, zone)}  ${span.text}`),
    ...(spans.length > mostShown ? [`          and ${spans.length - mostShown} more`] : []),
    ...(clock > 0 && !isInvented
      ? [
          `          the clock was wrong or was set ${clock === 1 ? "once" : `${clock} times`}; no record is missing because of it`,
        ]
      : []),
    ...(closed > 0
      ? [
          `          ${closed} ${closed === 1 ? "gap was" : "gaps were"} completely backfilled, or the exchange had halted the symbol`,
        ]
      : []),
  ];
}

function gapText({ cause, missing, repaired }: VerifiedDay["gaps"][number]): string {
  return missing === null ? cause : `${cause}, ${missing - repaired} of ${missing} records absent`;
}

/** Formats a time span, e.g. `2026-11-22T15:04:05.250Z  3.2 s`. */
function spanText({ fromUs, toUs }: { fromUs: number; toUs: number }, zone: TimeZone): string {
  return `${formatTime(fromUs, zone)}  ${((toUs - fromUs) / 1e6).toLocaleString("en", { maximumFractionDigits: 3 })} s`;
}

/** Returns the JSON form of a day. */
export function verifiedJson(day: VerifiedDay) {
  const { silences, gaps, isInvented, ...rest } = day;
  return {
    ...rest,
    invented: isInvented,
    complete: isComplete(day),
    gaps: gaps.map(({ stream: _stream, symbol: _symbol, ...gap }) => gap),
    silences: silences.map(({ fromUs, toUs }) => ({ from_us: fromUs, to_us: toUs })),
  };
}
