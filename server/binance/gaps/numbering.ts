import { longestLagUs, usualLagUs } from "../../domain/ids/id-order.ts";
import { type MissingIdsMark, mostLeftOut } from "./missing-ids.ts";
import type { RecentIds } from "./recent-ids.ts";
import type { Arrived, Cursor } from "./sequence-types.ts";

/** An epoch: ids that rise until the exchange restarts them. `ring`: its newest recorded ids; `first`: its first id. */
export type Epoch = { readonly ring: RecentIds; first: number };

/** A new epoch that may be a glitch: the next records may return to the epoch before. */
export type NumberingAttempt = {
  readonly before: Epoch;
  readonly mark: MissingIdsMark;
  /** The connection's highest id in the epoch before, and the first id of the new epoch. */
  readonly highest: number;
  readonly id: number;
  readonly sinceUs: number;
  records: number;
};

/** Remembers a record that is kept although a higher id has arrived already. */
export function saveLate(ring: RecentIds, id: number, mark: number): "late" {
  ring.add(id, mark);
  return "late";
}

/** A new epoch is certain after this many records, or this time, µs. */
const surelyRecords = 20;
const surelyUs = 10_000_000;

/** Most ids that a lagging server repeats after a quick restart of this process. */
const repeatedIds = 1000;

/** True if the id is slightly below the last id of an earlier run. Other ids of that run are unknown. */
export function mayBeOfEarlierRun(lastId: number | null, id: number): boolean {
  return lastId !== null && id <= lastId && id > lastId - repeatedIds;
}

/** Counts a record; true once the new epoch is certain. */
export function countAndConfirm(attempt: NumberingAttempt, recvUs: number): boolean {
  return attempt.records++ >= surelyRecords || recvUs - attempt.sinceUs > surelyUs;
}

/**
 * True if a record continues the epoch before rather than the new epoch: the restart was a glitch. `isSingle`: each record has one id, so ids
 * that return go on behind those that the records of the glitch have taken.
 */
export function isBack(
  attempt: NumberingAttempt,
  current: Epoch,
  { firstId, id, mark }: Arrived,
  isSingle: boolean,
): boolean {
  if (id !== attempt.id && attempt.before.ring.find(id, mark) === mark) return true;
  const ahead = firstId - attempt.highest;
  if (isSingle && ahead > attempt.records + mostLeftOut) return false;
  return ahead > 0 && ahead <= Math.abs(firstId - current.ring.high());
}

/** Most earlier epochs whose records may still be repeated, and for how long, µs. */
const mostEarlier = 8;
const earlierUs = 10_000_000;

/**
 * Remembers the epochs of the last seconds. A glitch of ids causes several epochs in a row, and a lagging connection repeats all of them.
 * `repeatedIds`: the last ids that an earlier run has recorded. Messages of the first seconds may repeat them.
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
    /** True if the record was recorded in one of these epochs, other than `except`. */
    has(id: number, mark: number, recvUs: number, except: readonly (Epoch | null)[]): boolean {
      if (repeated.length > 0 && isRepeated(id, recvUs)) return true;
      earlier = earlier.filter(({ untilUs }) => recvUs < untilUs);
      return earlier.some(({ epoch }) => !except.includes(epoch) && epoch.ring.find(id, mark) === mark);
    },
  };
}

/**
 * True if a connection opened when the ids had restarted already, although another connection has shown the restart only since: its ids so far
 * are not in the old epoch, and nearer to the current epoch.
 */
export function beganBehind(old: Epoch, current: Epoch, cursor: Cursor, id: number): boolean {
  if (old.ring.find(cursor.recent, 0) !== null) return false;
  return Math.abs(id - current.ring.high()) < Math.abs(id - old.ring.high());
}

/** True if a connection has delivered for longer than it may lag: its rising ids are the newest, even if higher ids were recorded before. */
export function isAhead(cursor: Cursor, id: number, recvUs: number): boolean {
  return cursor.firstUs > 0 && recvUs - cursor.firstUs > longestLagUs && id > cursor.recent;
}

/** True for the second rising id below the connection's highest id: the ids have restarted, no neighbours were swapped. */
export function isRising(cursor: Cursor, id: number): boolean {
  return cursor.recent < cursor.highest && id > cursor.recent;
}

/** True if a connection has delivered a record behind this id. */
export function isPassed(cursors: Iterable<Cursor>, epoch: number, id: number): boolean {
  for (const cursor of cursors) if (cursor.epoch === epoch && cursor.recent > id) return true;
  return false;
}

/** True if one of the `connections` has not reached this id: earlier ids may still arrive on it. */
export function isLagging(cursors: ReadonlySet<Cursor>, epoch: number, id: number, connections: number): boolean {
  if (cursors.size < connections) return true;
  for (const cursor of cursors) if (cursor.epoch === epoch && cursor.recent < id) return true;
  return false;
}

/**
 * True if a lagging connection still gets time: records that it delivers need no backfill. `beforeUs`: other connections no longer get time
 * since then.
 */
export function isRecent(us: number, beforeUs: number): boolean {
  return us > beforeUs - (longestLagUs - usualLagUs);
}
