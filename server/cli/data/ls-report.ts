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
  /** Rows of the range, by whole UTC minutes; null unless the rows of all days are counted. */
  readonly rows: number | null;
  /** Size of the days' files, with rows outside the range too. */
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
  if (first === undefined || last === undefined) return entry(track, track.days, range, null, []);
  const span = dueTime(track, received, range, around, nowUs);
  return entry(track, track.days, range, covered(track, received, span), clipped(track.gaps, span));
}

/** Returns an entry per day; their spans and missing times add up to those of the stream. Days without files have entries too. */
export function listDays(track: InventoryStream, range: TimeSpan, around: Surroundings, nowUs: number): Listed[] {
  const received = receivedDays(track);
  const whole = dueTime(track, received, range, around, nowUs);
  return withAbsentDays(track, received).map((day) => {
    const startUs = dateStartUs(day.date);
    const [span = { fromUs: startUs, toUs: startUs }] = clipSpan(whole, { fromUs: startUs, toUs: startUs + dayUs });
    return {
      ...entry(track, [day], range, covered(track, received, span), clipped(track.gaps, span)),
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
  range: TimeSpan,
  coverage: Coverage | null,
  gaps: readonly Gap[],
): Listed {
  const open = gaps.filter(awaitsBackfill);
  const parts = days.map((day) => partWithin(day, range));
  const ends = parts.flatMap(({ ends }) => ends ?? []);
  return {
    stream: stream.type.folder,
    symbol: stream.symbol,
    days: days.length,
    rows: parts.some(({ rows }) => rows === null) ? null : parts.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
    bytes: days.reduce((sum, { bytes }) => sum + bytes, 0),
    first_us: ends.length === 0 ? null : Math.min(...ends.map(({ fromUs }) => fromUs)),
    last_us: ends.length === 0 ? null : Math.max(...ends.map(({ toUs }) => toUs)),
    coverage: coverage?.share ?? null,
    missing_us: coverage?.missingUs ?? null,
    gaps: countBy(open.map(({ cause }) => cause)),
    gaps_repaired: gaps.length - open.length,
    invented: invented.map(({ date }) => date),
    states: countBy(days.map(({ state }) => state)),
    problems: days.flatMap(({ date, problem }) => (problem === null ? [] : [`${date}: ${problem}`])),
  };
}

/**
 * Returns the rows of a day in the range, and the times of the first and last of them; `ends` is null without rows. If the range cuts the
 * day, each UTC minute that it touches counts whole, because a manifest counts rows by minute.
 */
function partWithin({ date, rows, received }: InventoryDay, range: TimeSpan) {
  if (received === null) return { rows, ends: null };
  const { firstUs, lastUs, rowsPerMinute } = received;
  const [ends = null] = clipSpan({ fromUs: firstUs, toUs: lastUs + 1 }, range);
  if (ends === null) return { rows: 0, ends: null };
  if (range.fromUs <= firstUs && range.toUs > lastUs) return { rows, ends: { fromUs: firstUs, toUs: lastUs } };
  if (rowsPerMinute === null) return { rows: null, ends };
  const minuteUs = 60_000_000;
  const startUs = dateStartUs(date);
  const from = Math.floor((ends.fromUs - startUs) / minuteUs);
  const touched = rowsPerMinute.slice(from, Math.ceil((ends.toUs - startUs) / minuteUs));
  const [first, last] = [touched.findIndex((count) => count > 0), touched.findLastIndex((count) => count > 0)];
  if (first < 0) return { rows: 0, ends: null };
  const minutes = { fromUs: startUs + (from + first) * minuteUs, toUs: startUs + (from + last + 1) * minuteUs };
  const [recorded = ends] = clipSpan(ends, minutes);
  return {
    rows: touched.reduce((sum, count) => sum + count, 0),
    ends: { ...recorded, toUs: Math.min(recorded.toUs, lastUs) },
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
