import { type Day, dateStartUs, dayUs } from "../day.ts";
import { awaitsBackfill, type Gap } from "../gap.ts";
import type { MinuteSpan, MinuteState } from "../queries.ts";
import { streamTypeOfFolder } from "../stream.ts";
import { streamKinds } from "../stream-kinds.ts";
import { coverageOf, type ReceivedDay, silentSpans, type TimeSpan } from "./coverage.ts";

/** What is known of one stream's day. */
export type DayFacts = {
  readonly day: Day;
  readonly gaps: readonly Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired">[];
  /** First and last record of the day, µs; null where there is none. */
  readonly firstUs: number | null;
  readonly lastUs: number | null;
  /** 1440 counts. */
  readonly rowsPerMinute: ArrayLike<number>;
  /** Until when the day is judged, µs; of a running day the minutes that are over count. */
  readonly untilUs: number;
};

/**
 * Trades may rest over midnight. First and last ones that are this near to the day's ends, µs, leave nothing uncovered; a book's
 * must be in the first and last minute.
 */
const restUs = 5 * 60_000_000;

const minuteUs = 60_000_000;
const minutes = 1440;
const states: readonly MinuteState[] = ["recorded", "halted", "partial", "missing", "ahead"];
const [recorded, halted, partial, missing, ahead] = [0, 1, 2, 3, 4] as const;

/** The share of a day that was recorded (`coverageOf`), of the minutes of it that are over; null where none is. */
export function dayCoverage(facts: DayFacts): number | null {
  return coverageOf(kindOf(facts.day), received(facts), gapsOf(facts), judged(facts)).share;
}

/** The minutes of a day by their state, from 0 to 1440 without a hole between them. */
export function minuteSpans(facts: DayFacts): MinuteSpan[] {
  const start = dateStartUs(facts.day.date);
  const span = judged(facts);
  const gaps = gapsOf(facts);
  const codes = new Uint8Array(minutes);
  for (const { from_us, to_us, cause } of gaps)
    if (cause === "halted") codes.fill(halted, ...touched(from_us - start, to_us - start));
  const holes = gaps.filter(awaitsBackfill).map(({ from_us, to_us }) => ({ fromUs: from_us, toUs: to_us }));
  const silent = silentSpans(kindOf(facts.day), received(facts), gaps, span);
  for (const { fromUs, toUs } of [...holes, ...silent])
    markMissing(codes, fromUs - start, Math.min(toUs, span.toUs) - start);
  const over = Math.max(0, Math.ceil((span.toUs - start) / minuteUs));
  codes.fill(ahead, Math.min(minutes, over));
  const spans: MinuteSpan[] = [];
  for (let at = 0; at < minutes; ) {
    const from = at;
    const code = codes[at];
    while (at < minutes && codes[at] === code) at++;
    spans.push([from, at, states[code ?? recorded] ?? "recorded"]);
  }
  return spans;
}

function judged({ day, untilUs }: DayFacts): TimeSpan {
  const fromUs = dateStartUs(day.date);
  const toUs = Math.min(fromUs + dayUs, untilUs - (untilUs % minuteUs));
  return { fromUs, toUs: Math.max(fromUs, toUs) };
}

function received(facts: DayFacts): ReceivedDay[] {
  const { day, firstUs, lastUs } = facts;
  if (firstUs === null || lastUs === null) return [];
  const { fromUs, toUs } = judged(facts);
  const rests = !streamKinds[kindOf(day)].isSteady;
  // Only read by index: a typed array does as well.
  const rowsPerMinute = facts.rowsPerMinute as readonly number[];
  return [
    {
      date: day.date,
      firstUs: rests && firstUs - fromUs < restUs ? fromUs : firstUs,
      lastUs: rests && toUs - lastUs < restUs ? Math.max(lastUs, toUs - 1) : lastUs,
      rowsPerMinute,
    },
  ];
}

function gapsOf({ day, gaps }: DayFacts): Gap[] {
  return gaps.map((gap) => ({ stream: day.stream, symbol: day.symbol, ...gap }));
}

function kindOf(day: Day) {
  return streamTypeOfFolder(day.stream)?.kind ?? "aggTrade";
}

/** The minutes of the day that a span touches, from and to (excluded); its ends are µs since midnight. */
function touched(fromUs: number, toUs: number): readonly [from: number, to: number] {
  return [Math.max(0, Math.floor(fromUs / minuteUs)), Math.min(minutes, Math.ceil(toUs / minuteUs))];
}

/** Whole minutes are missing, those at the ends partly; what is missing already stays so. */
function markMissing(codes: Uint8Array, fromUs: number, toUs: number): void {
  if (fromUs >= toUs) return;
  const [first, end] = touched(fromUs, toUs);
  for (let n = first; n < end; n++) {
    const isWhole = fromUs <= n * minuteUs && toUs >= (n + 1) * minuteUs;
    if (isWhole || codes[n] !== missing) codes[n] = isWhole ? missing : partial;
  }
}
