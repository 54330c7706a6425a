import type { VerifiedDay } from "../../archive/verify/verify-stream.ts";
import { awaitsBackfill } from "../../domain/gap.ts";
import { formatTime, type TimeZone } from "../../platform/time/time-parser.ts";

/** Limit of gaps per day that are listed. */
const mostShown = 5;

/** Tells whether a day has no problems and no missing records. */
export function isComplete({ problems, gaps, silences, isInvented }: VerifiedDay): boolean {
  if (isInvented) return problems.length === 0;
  return problems.length === 0 && silences.length === 0 && !gaps.some(awaitsBackfill);
}

/** Formats the report: a line per day, with its problems below it. Consecutive days without any file share a line. */
export function reportLines(days: readonly VerifiedDay[], zone: TimeZone): string[] {
  const lines: string[] = [];
  for (let at = 0; at < days.length; at++) {
    const first = days[at] as VerifiedDay;
    let last = at;
    while (first.state === "absent" && !isComplete(first) && isAbsentAlike(first, days[last + 1])) last++;
    if (last > at) lines.push(absentLine(first, days[last] as VerifiedDay, last - at + 1));
    else lines.push(...linesOf(first, zone));
    at = last;
  }
  return lines;
}

function isAbsentAlike(first: VerifiedDay, next: VerifiedDay | undefined): boolean {
  return next?.state === "absent" && next.symbol === first.symbol && next.stream === first.stream && !isComplete(next);
}

function absentLine({ stream, symbol, date }: VerifiedDay, last: VerifiedDay, days: number): string {
  return `${"GAPS".padEnd(8)}  ${stream}  ${symbol}  ${date} to ${last.date}  absent: no files of ${days} days`;
}

function linesOf(day: VerifiedDay, zone: TimeZone): string[] {
  const { stream, symbol, date, state, rows, problems, gaps, silences, isInvented } = day;
  const verdict = problems.length > 0 ? "DAMAGED" : isComplete(day) ? "complete" : "GAPS";
  const counted = rows === null ? "" : `  ${rows.toLocaleString("en")} rows`;
  const spans = [
    ...gaps.filter(awaitsBackfill).map((gap) => ({ fromUs: gap.from_us, toUs: gap.to_us, text: gapText(gap) })),
    ...silences.map((span) => ({ ...span, text: "no records, and no gap that explains it" })),
  ].sort((a, b) => a.fromUs - b.fromUs);
  const clock = gaps.filter(({ cause }) => cause === "clock").length;
  const closed = gaps.filter((gap) => !awaitsBackfill(gap)).length - clock;
  return [
    `${verdict.padEnd(8)}  ${stream}  ${symbol}  ${date}  ${state}${counted}`,
    ...(isInvented ? ["          recorded by a wrong clock; it is kept but not counted"] : []),
    ...problems.map(({ kind, detail }) => `          ${kind}: ${detail}`),
    ...spans.slice(0, mostShown).map((span) => `          ${spanText(span, zone)}  ${span.text}`),
    ...(spans.length > mostShown ? [`          and ${spans.length - mostShown} more`] : []),
    ...(clock > 0 && !isInvented
      ? [`          the clock was wrong or was set ${clock} times; no record is missing because of it`]
      : []),
    ...(closed > 0
      ? [`          ${closed} gaps were completely backfilled, or the exchange had halted the symbol`]
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
