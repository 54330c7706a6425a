import type { InventoryDay, InventoryStream } from "../../archive/data-inventory.ts";
import {
  type Coverage,
  clipSpan,
  coverageOf,
  dueSpan,
  type ReceivedDay,
  recordedSince,
  type TimeSpan,
} from "../../domain/coverage/coverage.ts";
import { dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { awaitsBackfill, clipGap, type Gap } from "../../domain/gap.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import type { Instrument } from "../../domain/symbols/instrument.ts";
import { instrumentOfDay } from "../../storage/instrument-facts.ts";
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
  /** Facts about the symbol on the last of these days; only in JSON, absent if unknown. */
  readonly instrument?: Instrument;
  readonly problems: readonly string[];
};

/** Whether the stream has days before and after the selection. */
export type Surroundings = { readonly hasEarlier: boolean; readonly hasLater: boolean };

/** Returns an entry for a stream: the part of the range in which its records were due (`dueTime`). */
export function listStream(track: InventoryStream, range: TimeSpan, around: Surroundings, nowUs: number): Listed {
  const received = receivedDays(track);
  const [first, last] = [received[0], received.at(-1)];
  if (first === undefined || last === undefined) return entry(track, track.days, null, [], null);
  const span = dueTime(track, received, range, around, nowUs);
  return entry(track, track.days, covered(track, received, span), clipped(track.gaps, span), {
    fromUs: Math.max(first.firstUs, range.fromUs),
    toUs: Math.min(last.lastUs, range.toUs),
  });
}

/** Returns an entry per day; their spans and missing times add up to those of the stream. Days without files have entries too. */
export function listDays(track: InventoryStream, range: TimeSpan, around: Surroundings, nowUs: number): Listed[] {
  const received = receivedDays(track);
  const whole = dueTime(track, received, range, around, nowUs);
  return withAbsentDays(track, received).map((day) => {
    const startUs = dateStartUs(day.date);
    const [span = { fromUs: startUs, toUs: startUs }] = clipSpan(whole, { fromUs: startUs, toUs: startUs + dayUs });
    const { firstUs, lastUs } = day.received ?? {};
    const ends = firstUs === undefined || lastUs === undefined ? null : { fromUs: firstUs, toUs: lastUs };
    return {
      ...entry(track, [day], covered(track, received, span), clipped(track.gaps, span), ends),
      date: day.date,
    };
  });
}

/** Adds the facts about each entry's symbol, as far as they are recorded. */
export function withInstruments(listed: readonly Listed[], dataDir: string): Listed[] {
  return listed.map((row) => {
    const date = row.date ?? (row.last_us === null ? null : dateOf(row.last_us));
    const instrument = date === null ? null : instrumentOfDay(dataDir, { ...row, date });
    return instrument === null ? row : { ...row, instrument };
  });
}

/**
 * Returns the time that counts: from the stream's very first record to its last record, or to the end of a recorded gap after it. The
 * whole range counts if there are records before and after it.
 */
function dueTime(
  { gaps }: InventoryStream,
  received: readonly ReceivedDay[],
  range: TimeSpan,
  { hasEarlier, hasLater }: Surroundings,
  nowUs: number,
): TimeSpan {
  const [first, last] = [received[0], received.at(-1)];
  if (first === undefined || last === undefined) return { fromUs: 0, toUs: 0 };
  const openUs = gaps.map(({ cause, to_us }) => (cause === "not_configured" ? 0 : Math.min(to_us, nowUs)));
  const toUs = hasLater ? range.toUs : Math.min(range.toUs, Math.max(last.lastUs + 1, ...openUs));
  const fromUs = Math.max(range.fromUs, hasEarlier ? range.fromUs : dateStartUs(first.date));
  return dueSpan({ fromUs, toUs }, hasEarlier ? fromUs : recordedSince(received, gaps));
}

function covered({ stream, gaps }: InventoryStream, received: readonly ReceivedDay[], span: TimeSpan): Coverage {
  return coverageOf(stream.type.kind, received, gaps, span, span.fromUs);
}

/** Adds the days without files between the first and the last day. Facts about a symbol are not due on each day. */
function withAbsentDays({ stream, days }: InventoryStream, received: readonly ReceivedDay[]): readonly InventoryDay[] {
  const [first, last] = [received[0], received.at(-1)];
  if (first === undefined || last === undefined || streamKinds[stream.type.kind].isFacts) return days;
  const known = new Set(days.map(({ date }) => date));
  const absent: InventoryDay[] = [];
  for (let us = dateStartUs(first.date); us < last.lastUs; us += dayUs) {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(us) };
    if (known.has(day.date)) continue;
    absent.push({ ...day, state: "absent", rows: 0, bytes: 0, received: null, problem: null });
  }
  return [...days, ...absent].sort((a, b) => (a.date < b.date ? -1 : 1));
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

function clipped(gaps: readonly Gap[], { fromUs, toUs }: TimeSpan): Gap[] {
  return gaps.map((gap) => clipGap(gap, fromUs, toUs)).filter((gap) => gap !== null);
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
