import { type Day, dateStartUs, dayUs } from "../day.ts";
import { awaitsBackfill, type Gap } from "../gap.ts";
import type { MinuteSpan, MinuteState } from "../queries.ts";
import { streamTypeOfFolder } from "../stream.ts";
import { streamKinds } from "../stream-kinds.ts";
import { type Coverage, coverageOf, dueSpan, type ReceivedDay, silentSpans, type TimeSpan } from "./coverage.ts";

/** Facts about one day of a stream, from which its coverage is computed. */
export type DayFacts = {
  readonly day: Day;
  readonly gaps: readonly Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired">[];
  /** `recv_us` of the first and last record of the day, µs; null if the day has no record. */
  readonly firstUs: number | null;
  readonly lastUs: number | null;
  /** 1440 counts, by UTC minute. */
  readonly rowsPerMinute: ArrayLike<number>;
  /** End of the time that may count, µs: for a running day, now. In its running minute only gaps count. */
  readonly untilUs: number;
  /** Receipt of the stream's very first record (`recordedSince`), µs; null if it has none. Time before it is not missing. */
  readonly sinceUs: number | null;
};

const minuteUs = 60_000_000;
const minutes = 1440;
const states: readonly MinuteState[] = ["recorded", "halted", "partial", "missing", "ahead", "before"];
const [recorded, halted, partial, missing, ahead, before] = [0, 1, 2, 3, 4, 5] as const;

/** Computes the coverage of a day from the stream's first record on (`countedSpan`). */
export function coverageOfDay(facts: DayFacts): Coverage {
  return coverageOf(kindOf(facts.day), received(facts), gapsOf(facts), countedSpan(facts), facts.sinceUs);
}

/** Computes the recorded share of a day (`coverageOfDay`); null if no minute has finished since the first record. */
export function dayCoverage(facts: DayFacts): number | null {
  return coverageOfDay(facts).share;
}

/** Lists the states of a day's minutes as contiguous spans from 0 to 1440. */
export function minuteSpans(facts: DayFacts): MinuteSpan[] {
  const start = dateStartUs(facts.day.date);
  const span = countedSpan(facts);
  const gaps = gapsOf(facts);
  const codes = new Uint8Array(minutes);
  for (const { from_us, to_us, cause } of gaps)
    if (cause === "halted") codes.fill(halted, ...minutesTouched(from_us - start, to_us - start));
  const open = gaps.filter(awaitsBackfill).map(({ from_us, to_us }) => ({ fromUs: from_us, toUs: to_us }));
  const due = dueSpan(span, facts.sinceUs);
  const silent = silentSpans(kindOf(facts.day), received(facts), gaps, due);
  for (const { fromUs, toUs } of [...open, ...silent])
    markMissing(codes, Math.max(fromUs, due.fromUs) - start, Math.min(toUs, due.toUs) - start);
  codes.fill(before, 0, Math.floor((due.fromUs - start) / minuteUs));
  const finishedMinutes = Math.max(0, Math.ceil((span.toUs - start) / minuteUs));
  codes.fill(ahead, Math.min(minutes, finishedMinutes));
  const spans: MinuteSpan[] = [];
  for (let at = 0; at < minutes; ) {
    const from = at;
    const code = codes[at];
    while (at < minutes && codes[at] === code) at++;
    spans.push([from, at, states[code ?? recorded] ?? "recorded"]);
  }
  return spans;
}

/** The finished minutes, and the running minute up to the end of a gap in it: a gap counts as soon as it is known. */
function countedSpan({ day, untilUs, gaps }: DayFacts): TimeSpan {
  const fromUs = dateStartUs(day.date);
  const finishedUs = untilUs - (untilUs % minuteUs);
  const gapEndUs = gaps.reduce((end, gap) => (awaitsBackfill(gap) ? Math.max(end, gap.to_us) : end), 0);
  const toUs = Math.min(fromUs + dayUs, Math.max(finishedUs, Math.min(gapEndUs, untilUs)));
  return { fromUs, toUs: Math.max(fromUs, toUs) };
}

function received(facts: DayFacts): ReceivedDay[] {
  const { day, untilUs } = facts;
  const startUs = dateStartUs(day.date);
  // On a running day, trades may still pause since midnight.
  const isPause = !streamKinds[kindOf(day)].isSteady && untilUs < startUs + dayUs;
  const [firstUs, lastUs] = [facts.firstUs ?? (isPause ? startUs : null), facts.lastUs ?? (isPause ? startUs : null)];
  if (firstUs === null || lastUs === null) return [];
  // It is only read by index, so a typed array will do.
  return [{ date: day.date, firstUs, lastUs, rowsPerMinute: facts.rowsPerMinute as readonly number[] }];
}

function gapsOf({ day, gaps }: DayFacts): Gap[] {
  return gaps.map((gap) => ({ stream: day.stream, symbol: day.symbol, ...gap }));
}

function kindOf(day: Day) {
  return streamTypeOfFolder(day.stream)?.kind ?? "aggTrade";
}

/** Returns the minutes of the day that a span touches: first, and last plus one. The span is in µs since midnight. */
function minutesTouched(fromUs: number, toUs: number): readonly [from: number, to: number] {
  return [Math.max(0, Math.floor(fromUs / minuteUs)), Math.min(minutes, Math.ceil(toUs / minuteUs))];
}

/** Marks fully covered minutes as missing and the minutes at the ends as partial. Minutes already missing stay missing. */
function markMissing(codes: Uint8Array, fromUs: number, toUs: number): void {
  if (fromUs >= toUs) return;
  const [first, end] = minutesTouched(fromUs, toUs);
  for (let n = first; n < end; n++) {
    const isWhole = fromUs <= n * minuteUs && toUs >= (n + 1) * minuteUs;
    if (isWhole || codes[n] !== missing) codes[n] = isWhole ? missing : partial;
  }
}
