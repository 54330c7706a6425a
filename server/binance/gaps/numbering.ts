import type { MissingIdsMark } from "./missing-ids.ts";
import type { RecentIds } from "./recent-ids.ts";
import type { Arrived, Cursor } from "./sequence-types.ts";

/** A numbering: what has been recorded of it. */
export type Epoch = { readonly ring: RecentIds; first: number };

/** A numbering that has just begun, and the one before, to which the ids may be back with one of the next records. */
export type NumberingAttempt = {
  readonly before: Epoch;
  readonly mark: MissingIdsMark;
  /** How far its connection had come before, and the id with which it seemed to begin. */
  readonly highest: number;
  readonly id: number;
  readonly sinceUs: number;
  records: number;
};

/** A numbering has begun for good after so many records, or this time, µs. */
const surelyRecords = 20;
const surelyUs = 10_000_000;

/** No trades are missed in a row as long as this: it is another numbering. */
export const longestHole = 100_000_000;

/** After a quick restart a server that lags behind repeats at most so many ids. */
const repeatedIds = 1000;

/** A little below the last id of an earlier run, whose other ids nobody remembers. */
export function mayBeOfEarlierRun(lastId: number | null, id: number): boolean {
  return lastId !== null && id <= lastId && id > lastId - repeatedIds;
}

/** Counts a record; true once the numbering has begun for good. */
export function isSure(tried: NumberingAttempt, recvUs: number): boolean {
  return tried.records++ >= surelyRecords || recvUs - tried.sinceUs > surelyUs;
}

/** True if a record goes on in the numbering before rather than in the one that its connection seemed to begin. */
export function isBack(tried: NumberingAttempt, current: Epoch, { firstId, id, mark }: Arrived): boolean {
  if (id !== tried.id && tried.before.ring.find(id, mark) === mark) return true;
  return firstId > tried.highest && firstId - tried.highest <= Math.abs(firstId - current.ring.high());
}

/** Numberings that are over and may still be repeated from, and for how long, µs. */
const mostEarlier = 8;
const earlierUs = 10_000_000;

/**
 * Remembers the numberings of the last seconds. A glitch of ids makes several in a row, and a connection that lags behind repeats all.
 * `repeatedIds` are those that an earlier run has recorded last: the first messages may repeat them, and those of the seconds behind.
 */
export function createEarlierEpochs(repeatedIds: readonly number[] = []) {
  let earlier: readonly { readonly epoch: Epoch; readonly untilUs: number }[] = [];
  let repeated = repeatedIds;
  let repeatedUntilUs = Number.POSITIVE_INFINITY;

  function isRepeated(id: number, recvUs: number): boolean {
    if (recvUs >= repeatedUntilUs) repeated = [];
    if (repeated.includes(id)) return true;
    repeatedUntilUs = Math.min(repeatedUntilUs, recvUs + earlierUs);
    return false;
  }

  return {
    add(epoch: Epoch, recvUs: number): void {
      earlier = [{ epoch, untilUs: recvUs + earlierUs }, ...earlier].slice(0, mostEarlier);
    },
    isEmpty: () => earlier.length === 0 && repeated.length === 0,
    /** True if the record was recorded in one of those numberings, other than `except`. */
    has(id: number, mark: number, recvUs: number, except: readonly (Epoch | null)[]): boolean {
      if (repeated.length > 0 && isRepeated(id, recvUs)) return true;
      earlier = earlier.filter(({ untilUs }) => recvUs < untilUs);
      return earlier.some(({ epoch }) => !except.includes(epoch) && epoch.ring.find(id, mark) === mark);
    },
  };
}

/** A connection that lags behind others is waited for so much longer, µs: what it brings need not be refetched. */
const longestLagUs = 25_000_000;

/** True if a connection has brought something behind this id. */
export function isPassed(cursors: Iterable<Cursor>, epoch: number, id: number): boolean {
  for (const cursor of cursors) if (cursor.epoch === epoch && cursor.recent > id) return true;
  return false;
}

/** True if one of so many `connections` has not come as far as this id: what lies before it may still be on its way. */
export function isLagging(cursors: ReadonlySet<Cursor>, epoch: number, id: number, connections: number): boolean {
  if (cursors.size < connections) return true;
  for (const cursor of cursors) if (cursor.epoch === epoch && cursor.recent < id) return true;
  return false;
}

/** Seen so lately that a connection that lags behind is still waited for; `beforeUs`: others are not waited for since then. */
export function isRecent(us: number, beforeUs: number): boolean {
  return us > beforeUs - longestLagUs;
}
