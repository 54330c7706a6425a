import type { RecordTimes } from "../market/market-record.ts";

/** The times of a day's records, from a first reading. They decide how the second reading corrects and orders the events. */
export type TimeSurvey = {
  readonly records: number;
  /** Receipt of the last record, µs. */
  readonly lastUs: number;
  /** Median of the recorded delays, µs; null if no record has a delay. */
  readonly medianDelayUs: number | null;
  /** Added to each receipt time, so that no event arrives sooner than `leastLatencyUs` after it happened, µs. */
  readonly addedUs: number;
  /** Exchange time of a record, µs: its own, or its receipt less the delay. `localUs` is on the exchange's clock. */
  exchangeUs(localUs: number, timeUs: number | null, delayMs: number | null): number;
  /** No record that was received at this time or later has an earlier exchange time, µs. */
  earliestFrom(recvUs: number): number;
};

/** Least latency of an event, µs. */
export const leastLatencyUs = 1000;

const bucketUs = 1_000_000;

/**
 * Surveys the times of records that are passed to `add` in order of receipt. `offsetUs`: how far the machine's clock was ahead of the
 * exchange's.
 */
export function createTimeSurvey(fromUs: number, offsetUs: number) {
  /** Earliest exchange time in each second of receipt, and earliest receipt of records whose time and delay are both unknown. */
  const earliest: number[] = [];
  const earliestUnknown: number[] = [];
  const delays = new Map<number, number>();
  let records = 0;
  let lastUs = fromUs;
  let leastLatency = Number.POSITIVE_INFINITY;
  let hasUnknown = false;

  function note(list: number[], recvUs: number, us: number): void {
    const at = Math.max(0, Math.floor((recvUs - fromUs) / bucketUs));
    list[at] = Math.min(list[at] ?? Number.POSITIVE_INFINITY, us);
  }

  return {
    add({ recvUs, timeUs, delayMs, isBackfilled }: RecordTimes): void {
      records++;
      lastUs = Math.max(lastUs, recvUs);
      if (delayMs !== null) delays.set(delayMs, (delays.get(delayMs) ?? 0) + 1);
      const localUs = lastUs - offsetUs;
      if (timeUs === null && delayMs === null) {
        hasUnknown = true;
        note(earliestUnknown, lastUs, localUs);
        return;
      }
      const exchangeUs = timeUs ?? localUs - microseconds(delayMs);
      note(earliest, lastUs, exchangeUs);
      if (!isBackfilled) leastLatency = Math.min(leastLatency, localUs - exchangeUs);
    },
    finish(): TimeSurvey {
      const medianDelayUs = medianOf(delays);
      const unknownUs = medianDelayUs ?? 0;
      if (hasUnknown) leastLatency = Math.min(leastLatency, unknownUs);
      const from: number[] = new Array(Math.max(earliest.length, earliestUnknown.length));
      let least = Number.POSITIVE_INFINITY;
      for (let at = from.length - 1; at >= 0; at--) {
        const unknown = (earliestUnknown[at] ?? Number.POSITIVE_INFINITY) - unknownUs;
        least = Math.min(least, earliest[at] ?? Number.POSITIVE_INFINITY, unknown);
        from[at] = least;
      }
      return {
        ...{ records, lastUs, medianDelayUs },
        addedUs: Number.isFinite(leastLatency) ? Math.max(0, leastLatencyUs - leastLatency) : 0,
        exchangeUs: (localUs, timeUs, delayMs) =>
          timeUs ?? localUs - (delayMs === null ? unknownUs : microseconds(delayMs)),
        earliestFrom(recvUs) {
          const at = Math.max(0, Math.floor((recvUs - fromUs) / bucketUs));
          return from[at] ?? Number.POSITIVE_INFINITY;
        },
      };
    },
  };
}

function microseconds(ms: number | null): number {
  return Math.round((ms ?? 0) * 1000);
}

/** The median in µs of counted delays in ms; null without any. */
function medianOf(delays: ReadonlyMap<number, number>): number | null {
  const sorted = [...delays].sort(([a], [b]) => a - b);
  let left = sorted.reduce((sum, [, count]) => sum + count, 0) / 2;
  for (const [delay, count] of sorted) {
    left -= count;
    if (left <= 0) return microseconds(delay);
  }
  return null;
}
