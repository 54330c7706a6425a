import type { InventoryDay, InventoryStream } from "../../archive/data-inventory.ts";
import { type Coverage, coverageOf, type ReceivedDay, type TimeSpan } from "../../domain/coverage/coverage.ts";
import { dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { awaitsBackfill, clipGap, type Gap } from "../../domain/gap.ts";
import { latestDate, trueDays } from "../../storage/list/invented-day.ts";

/** An entry of `rt-data ls`: a stream, or a day of a stream; also its JSON form. */
export type Listed = {
  readonly stream: string;
  readonly symbol: string;
  /** With `--days`. */
  readonly date?: string;
  readonly days: number;
  /** Null unless the rows of all days are counted. */
  readonly rows: number | null;
  readonly bytes: number;
  readonly first_us: number | null;
  readonly last_us: number | null;
  /** Share of the time in between, 0 to 1; null if unknown. */
  readonly coverage: number | null;
  readonly missing_us: number | null;
  /** Number of gaps with missing records, by cause; `gaps_repaired`: number of completely backfilled gaps. */
  readonly gaps: Readonly<Record<string, number>>;
  readonly gaps_repaired: number;
  /** Dates that come from a wrong clock only; they are not included in the other figures. */
  readonly invented: readonly string[];
  /** Number of days per state. */
  readonly states: Readonly<Partial<Record<InventoryDay["state"], number>>>;
  readonly problems: readonly string[];
};

/** Whether the stream has days before and after the selection. */
export type Surroundings = { readonly hasEarlier: boolean; readonly hasLater: boolean };

/** Returns an entry for a stream: from its first to its last record, or the whole range if there are records before and after it. */
export function listStream(track: InventoryStream, range: TimeSpan, around: Surroundings): Listed {
  const received = receivedDays(track);
  const [first, last] = [received[0], received.at(-1)];
  if (first === undefined || last === undefined) return entry(track, track.days, null, [], null);
  const span = {
    fromUs: around.hasEarlier ? range.fromUs : Math.max(range.fromUs, first.firstUs),
    toUs: around.hasLater ? range.toUs : Math.min(range.toUs, last.lastUs + 1),
  };
  const coverage = coverageOf(track.stream.type.kind, withNeighbours(received, around), track.gaps, span);
  return entry(track, track.days, coverage, clipped(track.gaps, span), {
    fromUs: Math.max(first.firstUs, range.fromUs),
    toUs: Math.min(last.lastUs, range.toUs),
  });
}

/** Returns an entry per day, with the coverage of the UTC day; for today, of the time until now. */
export function listDays(track: InventoryStream, range: TimeSpan, around: Surroundings, nowUs: number): Listed[] {
  const received = withNeighbours(receivedDays(track), around);
  return track.days.map((day) => {
    const startUs = dateStartUs(day.date);
    const endUs = Math.max(startUs, Math.min(startUs + dayUs, nowUs));
    const span = { fromUs: Math.max(range.fromUs, startUs), toUs: Math.min(range.toUs, endUs) };
    const coverage = coverageOf(track.stream.type.kind, received, track.gaps, span);
    const { firstUs, lastUs } = day.received ?? {};
    const ends = firstUs === undefined || lastUs === undefined ? null : { fromUs: firstUs, toUs: lastUs };
    return { ...entry(track, [day], coverage, clipped(track.gaps, span), ends), date: day.date };
  });
}

function entry(
  { stream, invented }: InventoryStream,
  days: readonly InventoryDay[],
  coverage: Coverage | null,
  gaps: readonly Gap[],
  ends: TimeSpan | null,
): Listed {
  const open = gaps.filter(awaitsBackfill);
  return {
    stream: stream.type.folder,
    symbol: stream.symbol,
    days: days.length,
    rows: days.some(({ rows }) => rows === null) ? null : days.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
    bytes: days.reduce((sum, { bytes }) => sum + bytes, 0),
    first_us: ends?.fromUs ?? null,
    last_us: ends?.toUs ?? null,
    coverage: coverage?.share ?? null,
    missing_us: coverage?.missingUs ?? null,
    gaps: countBy(open.map(({ cause }) => cause)),
    gaps_repaired: gaps.length - open.length,
    invented: invented.map(({ date }) => date),
    states: countBy(days.map(({ state }) => state)),
    problems: days.flatMap(({ date, problem }) => (problem === null ? [] : [`${date}: ${problem}`])),
  };
}

function receivedDays({ days, gaps }: InventoryStream): ReceivedDay[] {
  const received = days.flatMap(({ received }) => received ?? []);
  return trueDays(received, gaps, latestDate(Date.now()));
}

/** Adds a full day before and after the selection, if the stream has records there. */
function withNeighbours(days: readonly ReceivedDay[], { hasEarlier, hasLater }: Surroundings): ReceivedDay[] {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return [];
  const whole = (startUs: number): ReceivedDay => ({
    ...{ date: dateOf(startUs), firstUs: startUs, lastUs: startUs + dayUs - 1, rowsPerMinute: null },
  });
  return [
    ...(hasEarlier ? [whole(dateStartUs(first.date) - dayUs)] : []),
    ...days,
    ...(hasLater ? [whole(dateStartUs(last.date) + dayUs)] : []),
  ];
}

function clipped(gaps: readonly Gap[], { fromUs, toUs }: TimeSpan): Gap[] {
  return gaps.map((gap) => clipGap(gap, fromUs, toUs)).filter((gap) => gap !== null);
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
