import type { ReceivedDay } from "../../domain/coverage/coverage.ts";
import { dateStartUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";

/** What is known of a day on which something is recorded. */
export type DayEnds = {
  readonly date: string;
  /** `recv_us` of its first and last record; null while nobody has looked. */
  readonly received: { readonly firstUs: number; readonly lastUs: number } | null;
};

type ClockGap = Pick<Gap, "from_us" | "to_us" | "cause">;

const minuteUs = 60_000_000;

/** Before it there was no exchange to record. */
const firstDate = "2017-07-14";

/** A clock that is wrong for days files them elsewhere, but invents none of them: a day that holds more than this, µs, is one. */
const mostUs = 43_200_000_000;

/**
 * Whether only a wrong clock has made this day: before the exchange existed, after `today`, or with all its records within a few hours
 * and inside of gaps of cause "clock". Its records are kept and can be read, but it does not count as a day that was recorded: not in coverage, and not as the first
 * or last day of a stream. This is the one place that decides it.
 */
export function isInvented({ date, received }: DayEnds, gaps: readonly ClockGap[], today: string): boolean {
  if (isImpossible(date, today)) return true;
  if (received === null || received.lastUs - received.firstUs > mostUs) return false;
  let reachedUs: number | null = null;
  for (const { from_us, to_us, cause } of gaps.toSorted((a, b) => a.from_us - b.from_us)) {
    if (cause !== "clock" || from_us > (reachedUs ?? received.firstUs) || to_us < received.firstUs) continue;
    reachedUs = Math.max(reachedUs ?? to_us, to_us);
  }
  return reachedUs !== null && reachedUs >= received.lastUs;
}

/**
 * The days without those that a wrong clock has invented, each from the first to the last record that a right clock has stamped: nothing
 * is to be expected between those and the others.
 */
export function trueDays(days: readonly ReceivedDay[], gaps: readonly ClockGap[], today: string): ReceivedDay[] {
  const wrong = gaps.filter(({ cause }) => cause === "clock").sort((a, b) => a.from_us - b.from_us);
  return days
    .filter(({ date, ...received }) => !isInvented({ date, received }, wrong, today))
    .map((day) => (wrong.length === 0 ? day : trimmed(day, wrong)));
}

function trimmed(day: ReceivedDay, wrong: readonly ClockGap[]): ReceivedDay {
  const startUs = dateStartUs(day.date);
  const rows = day.rowsPerMinute;
  const minuteOf = (us: number) => Math.floor((us - startUs) / minuteUs);
  let { firstUs, lastUs } = day;
  for (const { from_us, to_us } of wrong) {
    if (from_us > firstUs || to_us <= firstUs) continue;
    const minute = rows?.findIndex((count, n) => count > 0 && n > minuteOf(to_us)) ?? -1;
    firstUs = minute < 0 ? to_us : startUs + minute * minuteUs;
  }
  for (const { from_us, to_us } of wrong.toReversed()) {
    if (to_us < lastUs || from_us > lastUs) continue;
    const minute = rows?.findLastIndex((count, n) => count > 0 && n < minuteOf(from_us)) ?? -1;
    lastUs = minute < 0 ? from_us : startUs + (minute + 1) * minuteUs - 1;
  }
  return firstUs <= lastUs ? { ...day, firstUs, lastUs } : day;
}

/** Nothing can have been recorded on this date by a right clock. */
export function isImpossible(date: string, today: string): boolean {
  return date < firstDate || date > today;
}

/**
 * The latest date on which something can have been recorded, as far as a reader can tell whose own clock may be wrong: a clock from
 * before the exchange existed says nothing.
 */
export function latestDate(nowMs: number): string {
  const date = new Date(nowMs).toISOString().slice(0, 10);
  return date < firstDate ? "9999-12-31" : date;
}
