import { type Gap, isOpenHole } from "./gap.ts";
import type { MinuteSpan, MinuteState } from "./history.ts";
import { dateStartUs, dayUs } from "./segment.ts";

/** What is known of one stream's day. */
export type DayFacts = {
  readonly date: string;
  /** Gaps of the day in any order; those that were refetched in whole, or in which the exchange paused, miss nothing. */
  readonly gaps: readonly Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired">[];
  /** First and last record of the day, µs; null where there is none. */
  readonly firstUs: number | null;
  readonly lastUs: number | null;
  /** Until when the day can be judged, µs: now for today, anything later for a day that is over. */
  readonly untilUs: number;
};

/**
 * A quiet stream may begin late and end early in the day. Longer than this, µs, nothing vouches for the time before the first
 * and after the last record, and it counts as missing.
 */
export const quietUs = 5 * 60_000_000;

const minuteUs = 60_000_000;
const minutes = 1440;
const states: readonly MinuteState[] = ["recorded", "halted", "partial", "missing", "ahead"];
const [recorded, halted, partial, missing, ahead] = [0, 1, 2, 3, 4] as const;

type Span = { from: number; to: number };

/** The share of a day that was recorded, of what is over of it: 1 minus all that is missing; null where nothing is over yet. */
export function coverageOf(facts: DayFacts): number | null {
  const start = dateStartUs(facts.date);
  const elapsed = Math.min(facts.untilUs, start + dayUs) - start;
  if (!(elapsed > 0)) return null;
  const lost = missingSpans(facts).reduce((sum, { from, to }) => sum + to - from, 0);
  return Math.max(0, 1 - lost / elapsed);
}

/** The minutes of a day by their state, from 0 to 1440 without a hole between them. */
export function minuteSpans(facts: DayFacts): MinuteSpan[] {
  const start = dateStartUs(facts.date);
  const codes = new Uint8Array(minutes);
  for (const { from_us, to_us, cause } of facts.gaps)
    if (cause === "halted") mark(codes, from_us - start, to_us - start, halted);
  for (const { from, to } of missingSpans(facts)) markMissing(codes, from - start, to - start);
  const over = Math.max(0, Math.ceil((facts.untilUs - start) / minuteUs));
  if (over < minutes) codes.fill(ahead, over);
  const spans: MinuteSpan[] = [];
  for (let at = 0; at < minutes; ) {
    const from = at;
    const code = codes[at];
    while (at < minutes && codes[at] === code) at++;
    spans.push([from, at, states[code ?? recorded] ?? "recorded"]);
  }
  return spans;
}

/** Time spans that are missing, joined, in order, within the day and not after `untilUs`. */
function missingSpans({ date, gaps, firstUs, lastUs, untilUs }: DayFacts): Span[] {
  const start = dateStartUs(date);
  const end = Math.min(start + dayUs, untilUs);
  const all = gaps.filter(isOpenHole).map(({ from_us, to_us }) => ({ from: from_us, to: to_us }));
  if (firstUs === null || lastUs === null) all.push({ from: start, to: end });
  else {
    if (firstUs - start > quietUs) all.push({ from: start, to: firstUs });
    if (end - lastUs > quietUs) all.push({ from: lastUs, to: end });
  }
  const joined: Span[] = [];
  for (const span of all.sort((a, b) => a.from - b.from)) {
    const from = Math.max(span.from, start);
    const to = Math.min(span.to, end);
    if (from >= to) continue;
    const before = joined.at(-1);
    if (before !== undefined && from <= before.to) before.to = Math.max(before.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

function mark(codes: Uint8Array, from: number, to: number, code: number): void {
  codes.fill(code, Math.max(0, Math.floor(from / minuteUs)), Math.min(minutes, Math.ceil(to / minuteUs)));
}

/** Whole minutes are missing, those at the ends partly. */
function markMissing(codes: Uint8Array, from: number, to: number): void {
  mark(codes, from, to, partial);
  const [first, end] = [Math.ceil(from / minuteUs), Math.floor(to / minuteUs)];
  if (first < end) codes.fill(missing, Math.max(0, first), Math.min(minutes, end));
}
