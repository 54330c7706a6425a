import { dateOf, dateStartUs, dayStartUs, dayUs } from "../day.ts";
import { awaitsBackfill, type Gap } from "../gap.ts";
import { type StreamKind, streamKinds } from "../stream-kinds.ts";

/** A time span, µs; `toUs` is exclusive. */
export type TimeSpan = { readonly fromUs: number; readonly toUs: number };

/** What is known of a day of a stream on which something was received. */
export type ReceivedDay = {
  readonly date: string;
  /** `recv_us` of its first and last record. */
  readonly firstUs: number;
  readonly lastUs: number;
  /** 1440 counts, by UTC minute of `recv_us`; null where nobody has counted. */
  readonly rowsPerMinute: readonly number[] | null;
};

/** How much of a span was received; `share` is null for a span of no length. */
export type Coverage = { readonly spanUs: number; readonly missingUs: number; readonly share: number | null };

const minuteUs = 60_000_000;

/**
 * The coverage of a stream in a span: the share of the time in which it was received. Not received are
 *
 * 1. recorded gaps of which something is still absent: one that was refetched in full, or in which the exchange had halted the
 *    symbol, takes nothing away;
 * 2. UTC minutes without any record outside of every recorded gap (`silentSpans`);
 * 3. days without any record, and the time before the stream's first and after its last record.
 *
 * Time counts once. Gaps count by the µs, silence by whole minutes. `days` are all days of the stream, `gaps` all its gaps, also
 * those outside of the span.
 */
export function coverageOf(
  kind: StreamKind,
  days: readonly ReceivedDay[],
  gaps: readonly Gap[],
  span: TimeSpan,
): Coverage {
  const open = gaps.filter(awaitsBackfill).map(({ from_us, to_us }) => ({ fromUs: from_us, toUs: to_us }));
  const missing = [...open, ...silentSpans(kind, days, gaps, span)];
  const missingUs = lengthOf(union(missing.flatMap((one) => clipSpan(one, span))));
  const spanUs = Math.max(0, span.toUs - span.fromUs);
  return { spanUs, missingUs, share: spanUs === 0 ? null : (spanUs - missingUs) / spanUs };
}

/**
 * Stretches of whole UTC minutes without any record and without a recorded gap: nobody knows why. A book says something at least
 * every 20 s while its symbol trades, so that each such minute counts. Trades may rest: of them, and of REST books, only days without any
 * record and the time before the first and after the last record count.
 */
export function silentSpans(
  kind: StreamKind,
  days: readonly ReceivedDay[],
  gaps: readonly Gap[],
  span: TimeSpan,
): TimeSpan[] {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return subtract([span], gaps);
  const silent: TimeSpan[] = [
    { fromUs: span.fromUs, toUs: minuteOf(first.firstUs) },
    { fromUs: minuteOf(last.lastUs) + minuteUs, toUs: span.toUs },
  ].filter(({ fromUs, toUs }) => fromUs < toUs);
  const byDate = new Map(days.map((day) => [day.date, day]));
  for (let us = dayStartUs(first.firstUs); us <= last.lastUs; us += dayUs) {
    if (us + dayUs <= span.fromUs || us >= span.toUs) continue;
    const day = byDate.get(dateOf(us));
    if (day === undefined) silent.push({ fromUs: us, toUs: us + dayUs });
    else if (streamKinds[kind].isSteady) silent.push(...emptyMinutes(day));
  }
  return subtract(union(silent.flatMap((one) => clipSpan(one, span))), gaps);
}

/** Where the minutes were not counted, only those before the first and after the last record are known to be empty. */
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

/** The part of a span that lies within another: one span or none. */
export function clipSpan(span: TimeSpan, within: TimeSpan): TimeSpan[] {
  const fromUs = Math.max(span.fromUs, within.fromUs);
  const toUs = Math.min(span.toUs, within.toUs);
  return fromUs < toUs ? [{ fromUs, toUs }] : [];
}

/** The same time as spans that are in order and apart from each other. */
function union(spans: readonly TimeSpan[]): TimeSpan[] {
  const joined: TimeSpan[] = [];
  for (const span of spans.toSorted((a, b) => a.fromUs - b.fromUs)) {
    const before = joined.at(-1);
    if (before === undefined || before.toUs < span.fromUs) joined.push(span);
    else if (before.toUs < span.toUs) joined[joined.length - 1] = { fromUs: before.fromUs, toUs: span.toUs };
  }
  return joined;
}

/** What of the spans lies in no gap; `spans` are in order and apart. */
function subtract(spans: readonly TimeSpan[], gaps: readonly Gap[]): TimeSpan[] {
  const taken = union(gaps.map(({ from_us, to_us }) => ({ fromUs: from_us, toUs: to_us })));
  return spans.flatMap((span) => {
    const left: TimeSpan[] = [];
    let fromUs = span.fromUs;
    for (const gap of taken) {
      if (gap.toUs <= fromUs || gap.fromUs >= span.toUs) continue;
      if (gap.fromUs > fromUs) left.push({ fromUs, toUs: gap.fromUs });
      fromUs = Math.max(fromUs, gap.toUs);
    }
    return fromUs < span.toUs ? [...left, { fromUs, toUs: span.toUs }] : left;
  });
}

function lengthOf(spans: readonly TimeSpan[]): number {
  return spans.reduce((sum, { fromUs, toUs }) => sum + toUs - fromUs, 0);
}
