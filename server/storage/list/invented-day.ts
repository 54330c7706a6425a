import type { ReceivedDay } from "../../domain/coverage/coverage.ts";
import { dateStartUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";

/** First and last record of a recorded day. */
export type DayEnds = {
  readonly date: string;
  /** `recv_us` of its first and last record; null if not yet read. */
  readonly received: { readonly firstUs: number; readonly lastUs: number } | null;
};

type ClockGap = Pick<Gap, "from_us" | "to_us" | "cause">;

const minuteUs = 60_000_000;

/** Earliest date with data: the exchange did not exist before. */
export const firstDate = "2017-07-14";

/** Longest span of an invented day, µs. A wrong clock misfiles records but does not invent a full day of them. */
const maxInventedUs = 43_200_000_000;

/**
 * Decides whether a day exists only because a clock was wrong. This is the only place that decides it.
 * A day is invented if it is before the exchange existed, after `today`, or if all its records are within a few hours and inside gaps of
 * cause "clock". Its records are kept and readable, but the day does not count: not in coverage, and not as the first or last day of a
 * stream.
 */
export function isInvented({ date, received }: DayEnds, gaps: readonly ClockGap[], today: string): boolean {
  if (isImpossible(date, today)) return true;
  if (received === null || received.lastUs - received.firstUs > maxInventedUs) return false;
  let reachedUs: number | null = null;
  for (const { from_us, to_us, cause } of gaps.toSorted((a, b) => a.from_us - b.from_us)) {
    if (cause !== "clock" || from_us > (reachedUs ?? received.firstUs) || to_us < received.firstUs) continue;
    reachedUs = Math.max(reachedUs ?? to_us, to_us);
  }
  return reachedUs !== null && reachedUs >= received.lastUs;
}

/**
 * Removes invented days, and limits each remaining day to records stamped by a correct clock.
 * No records are expected between the removed days and the others.
 */
export function trueDays(days: readonly ReceivedDay[], gaps: readonly ClockGap[], today: string): ReceivedDay[] {
  const clockGaps = gaps.filter(({ cause }) => cause === "clock").sort((a, b) => a.from_us - b.from_us);
  return days
    .filter(({ date, ...received }) => !isInvented({ date, received }, clockGaps, today))
    .map((day) => (clockGaps.length === 0 ? day : trimToClock(day, clockGaps)));
}

function trimToClock(day: ReceivedDay, clockGaps: readonly ClockGap[]): ReceivedDay {
  const startUs = dateStartUs(day.date);
  const rows = day.rowsPerMinute;
  const minuteOf = (us: number) => Math.floor((us - startUs) / minuteUs);
  let { firstUs, lastUs } = day;
  for (const { from_us, to_us } of clockGaps) {
    if (from_us > firstUs || to_us <= firstUs) continue;
    const minute = rows?.findIndex((count, n) => count > 0 && n > minuteOf(to_us)) ?? -1;
    firstUs = minute < 0 ? to_us : startUs + minute * minuteUs;
  }
  for (const { from_us, to_us } of clockGaps.toReversed()) {
    if (to_us < lastUs || from_us > lastUs) continue;
    const minute = rows?.findLastIndex((count, n) => count > 0 && n < minuteOf(from_us)) ?? -1;
    lastUs = minute < 0 ? from_us : startUs + (minute + 1) * minuteUs - 1;
  }
  return firstUs <= lastUs ? { ...day, firstUs, lastUs } : day;
}

/** Tests whether a correct clock cannot have recorded on this date. */
export function isImpossible(date: string, today: string): boolean {
  return date < firstDate || date > today;
}

/**
 * Returns the latest date on which records are possible.
 * The reader's own clock may be wrong too: if it is before the exchange existed, the date is unlimited.
 */
export function latestDate(nowMs: number): string {
  const date = new Date(nowMs).toISOString().slice(0, 10);
  return date < firstDate ? "9999-12-31" : date;
}
