import { nullHigh, type RowGroup } from "./row-group.ts";
import { type Physical, physical } from "./schema.ts";
import { binary, i64, struct, type ThriftValue } from "./thrift.ts";

/** Least and greatest value, as the two halves of 64 bits. */
export type ValueRange = { readonly least: Halves; readonly greatest: Halves };
type Halves = readonly [low: number, high: number];

type Views = Pick<RowGroup, "doubles" | "words">;

/** The number of nulls among values, and the range of the others; null if all are null. */
export type ValueFacts = { readonly nulls: number; readonly range: ValueRange | null };

/** Looks through the values between two positions. */
export function valueFacts(views: Views, from: number, to: number, type: Physical): ValueFacts {
  return type === physical.int64 ? integerFacts(views, from, to) : doubleFacts(views, from, to);
}

function doubleFacts({ doubles }: Views, from: number, to: number): ValueFacts {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  let nulls = 0;
  for (let at = from; at < to; at++) {
    const value = doubles[at] as number;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
    if (Number.isNaN(value)) nulls++;
  }
  if (nulls === to - from) return { nulls, range: null };
  const [a = 0, b = 0, c = 0, d = 0] = new Int32Array(Float64Array.of(least, greatest).buffer);
  return { nulls, range: { least: [a, b], greatest: [c, d] } };
}

function integerFacts({ words }: Views, from: number, to: number): ValueFacts {
  let [leastLow, leastHigh, greatestLow, greatestHigh] = [-1, 0x7fffffff, 0, -0x80000000];
  let nulls = 0;
  for (let at = from; at < to; at++) {
    const low = words[2 * at] as number;
    const high = words[2 * at + 1] as number;
    if (high === nullHigh && low === 0) {
      nulls++;
      continue;
    }
    if (high < leastHigh || (high === leastHigh && low >>> 0 < leastLow >>> 0)) [leastLow, leastHigh] = [low, high];
    if (high > greatestHigh || (high === greatestHigh && low >>> 0 > greatestLow >>> 0))
      [greatestLow, greatestHigh] = [low, high];
  }
  if (nulls === to - from) return { nulls, range: null };
  return { nulls, range: { least: [leastLow, leastHigh], greatest: [greatestLow, greatestHigh] } };
}

/** Returns the statistics of a column's chunk as they are stored. */
export function statisticsOf(nulls: number, range: ValueRange | null, type: Physical): ThriftValue {
  const bytes = (half: Halves) =>
    binary(
      type === physical.boolean ? Uint8Array.of(half[1] === 0 ? 0 : 1) : new Uint8Array(Int32Array.from(half).buffer),
    );
  return struct({
    3: i64(nulls),
    5: range === null ? null : bytes(range.greatest),
    6: range === null ? null : bytes(range.least),
  });
}

/** The whole number of two halves; exact if a double can be. */
export function integerOf([low, high]: Halves): number {
  return high * 4_294_967_296 + (low >>> 0);
}
