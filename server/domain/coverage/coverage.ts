import { dateOf, dateStartUs, dayStartUs, dayUs } from "../day.ts";
import { awaitsBackfill, type Gap, provesEarlierRecords } from "../gap.ts";
import { type StreamKind, streamKinds } from "../stream-kinds.ts";

/** A time span, µs; `toUs` is exclusive. */
export type TimeSpan = { readonly fromUs: number; readonly toUs: number };

/** Facts about a day of a stream on which records were received. */
export type ReceivedDay = {
  readonly date: string;
  /** `recv_us` of the first record of the day; `lastUs` that of the last. */
  readonly firstUs: number;
  readonly lastUs: number;
  /** 1440 counts, by UTC minute of `recv_us`; null if the rows were not counted. */
  readonly rowsPerMinute: readonly number[] | null;
  /** Since when the stream had been recorded by then, µs, as the day's manifest says; null or absent if unknown. */
  readonly sinceUs?: number | null;
};

/** How much of a time span was received. `share` is null if the span is empty. */
export type Coverage = { readonly spanUs: number; readonly missingUs: number; readonly share: number | null };

const minuteUs = 60_000_000;

/**
 * Returns since when a stream is recorded, µs: the receipt of its very first record, or the start of a gap in which its first records
 * were lost (`provesEarlierRecords`). Null without records.
 * Records are due from this time on; earlier time counts as "not yet", not as missing. `days` are days by a correct clock only
 * (`trueDays`), so records of a wrong clock do not begin a stream. If retention removed the first days, a later manifest still knows.
 */
export function recordedSince(
  days: readonly Pick<ReceivedDay, "firstUs" | "sinceUs">[],
  gaps: readonly Pick<Gap, "cause" | "from_us">[],
): number | null {
  if (days.length === 0) return null;
  const times = days.map(({ firstUs, sinceUs }) => Math.min(firstUs, sinceUs ?? firstUs));
  const firstUs = Math.min(...times);
  // Only on the day of the first record: an earlier gap may have been stamped by a wrong clock.
  const losses = gaps.filter((gap) => provesEarlierRecords(gap) && gap.from_us >= dayStartUs(firstUs));
  return Math.min(firstUs, ...losses.map(({ from_us }) => from_us));
}

/** Returns the part of a span in which records are due: from the stream's first record on; empty without a record. */
export function dueSpan({ fromUs, toUs }: TimeSpan, sinceUs: number | null): TimeSpan {
  return { fromUs: sinceUs === null ? toUs : Math.min(toUs, Math.max(fromUs, sinceUs)), toUs };
}

/**
 * Computes the coverage of a stream: the share of a time span in which it was received. Time before `sinceUs` belongs to no span
 * (`dueSpan`). Not received are
 *
 * 1. recorded gaps with records that are still absent (not gaps that were backfilled in full, or in which the exchange had halted the
 *    symbol);
 * 2. UTC minutes without a record and outside every recorded gap (`silentSpans`);
 * 3. days without a record.
 *
 * Overlapping time counts once. Gaps count by the µs, silence by whole minutes. `days` are all days in the span and `gaps` all gaps of
 * the stream, including those outside the span.
 */
export function coverageOf(
  kind: StreamKind,
  days: readonly ReceivedDay[],
  gaps: readonly Gap[],
  span: TimeSpan,
  sinceUs: number | null = recordedSince(days, gaps),
): Coverage {
  const due = dueSpan(span, sinceUs);
  const open = gaps.filter(awaitsBackfill).map(({ from_us, to_us }) => ({ fromUs: from_us, toUs: to_us }));
  const missing = [...open, ...silentSpans(kind, days, gaps, due)];
  const missingUs = lengthOf(union(missing.flatMap((piece) => clipSpan(piece, due))));
  const spanUs = Math.max(0, due.toUs - due.fromUs);
  return { spanUs, missingUs, share: spanUs === 0 ? null : (spanUs - missingUs) / spanUs };
}

/**
 * Finds time without a record and without a recorded gap, whose absence has no known cause.
 * While its symbol trades, a book changes at least every 20 s, so each UTC minute without a record counts. Trades and REST books may
 * pause: for them only days without a record count. Facts about a symbol are never due. Give a due span (`dueSpan`) that ends at the latest known time.
 */
export function silentSpans(
  kind: StreamKind,
  days: readonly ReceivedDay[],
  gaps: readonly Gap[],
  span: TimeSpan,
): TimeSpan[] {
  if (streamKinds[kind].isFacts) return [];
  const silent: TimeSpan[] = [];
  const byDate = new Map(days.map((day) => [day.date, day]));
  for (let us = dayStartUs(span.fromUs); us < span.toUs; us += dayUs) {
    const day = byDate.get(dateOf(us));
    if (day === undefined) silent.push({ fromUs: us, toUs: us + dayUs });
    else if (streamKinds[kind].isSteady) silent.push(...emptyMinutes(day));
  }
  return subtract(union(silent.flatMap((silence) => clipSpan(silence, span))), gaps);
}

/** Lists the empty minutes of a day. Without counts, only the time before the first and after the last record is known to be empty. */
function emptyMinutes({ date, firstUs, lastUs, rowsPerMinute }: ReceivedDay): TimeSpan[] {
  const startUs = dateStartUs(date);
  if (rowsPerMinute === null) {
    return [
      { fromUs: startUs, toUs: minuteOf(firstUs) },
      { fromUs: minuteOf(lastUs) + minuteUs, toUs: startUs + dayUs },
    ];
  }
  const spans: TimeSpan[] = [];
  for (let minute = 0; minute < 1440; minute++) {
    if (rowsPerMinute[minute] !== 0) continue;
    const from = minute;
    while (minute < 1440 && rowsPerMinute[minute] === 0) minute++;
    spans.push({ fromUs: startUs + from * minuteUs, toUs: startUs + minute * minuteUs });
  }
  return spans;
}

function minuteOf(us: number): number {
  return us - (us % minuteUs);
}

/** Clips a time span to another. Returns a list with the overlap, empty if the spans do not overlap. */
export function clipSpan(span: TimeSpan, within: TimeSpan): TimeSpan[] {
  const fromUs = Math.max(span.fromUs, within.fromUs);
  const toUs = Math.min(span.toUs, within.toUs);
  return fromUs < toUs ? [{ fromUs, toUs }] : [];
}

/** Merges spans so that they are in order and do not touch each other. */
function union(spans: readonly TimeSpan[]): TimeSpan[] {
  const joined: TimeSpan[] = [];
  for (const span of spans.toSorted((a, b) => a.fromUs - b.fromUs)) {
    const before = joined.at(-1);
    if (before === undefined || before.toUs < span.fromUs) joined.push(span);
    else if (before.toUs < span.toUs) joined[joined.length - 1] = { fromUs: before.fromUs, toUs: span.toUs };
  }
  return joined;
}

/** Removes the gaps from the spans, which are in order and do not overlap. */
function subtract(spans: readonly TimeSpan[], gaps: readonly Gap[]): TimeSpan[] {
  const gapSpans = union(gaps.map(({ from_us, to_us }) => ({ fromUs: from_us, toUs: to_us })));
  return spans.flatMap((span) => {
    const rest: TimeSpan[] = [];
    let fromUs = span.fromUs;
    for (const gap of gapSpans) {
      if (gap.toUs <= fromUs || gap.fromUs >= span.toUs) continue;
      if (gap.fromUs > fromUs) rest.push({ fromUs, toUs: gap.fromUs });
      fromUs = Math.max(fromUs, gap.toUs);
    }
    return fromUs < span.toUs ? [...rest, { fromUs, toUs: span.toUs }] : rest;
  });
}

function lengthOf(spans: readonly TimeSpan[]): number {
  return spans.reduce((sum, { fromUs, toUs }) => sum + toUs - fromUs, 0);
}
