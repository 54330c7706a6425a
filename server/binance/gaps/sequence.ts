import { isNewNumbering, type MissingIds } from "../../domain/ids/id-order.ts";
import { createMissingIdsFinder, noMark } from "./missing-ids.ts";
import {
  beganBehind,
  countAndConfirm,
  createEarlierEpochs,
  type Epoch,
  isAhead,
  isBack,
  isLagging,
  isPassed,
  isRecent,
  isRising,
  mayBeOfEarlierRun,
  type NumberingAttempt,
  saveLate,
} from "./numbering.ts";
import { createRecentIds } from "./recent-ids.ts";
import type { Arrived, Cursor, Followed, Glitch, IdOrder, Sequence, SequenceVerdict } from "./sequence-types.ts";

/**
 * Creates the sequence of a stream. The first arrival of an id wins. Lower ids are either late or a new epoch: the earlier ids of the same
 * connection decide. A lagging connection stays in the old epoch until its own ids restart. A new epoch is an attempt at first: if the ids
 * return, the restart was a glitch (`returnToBefore`).
 */
export function createSequence(options: IdOrder): Sequence {
  const cursors = new Set<Cursor>();
  let gone: readonly Cursor[] = [];
  const missingIds = options.contiguous ? createMissingIdsFinder(options.lastId) : null;
  let current: Epoch = { ring: createRecentIds(), first: Number.NaN };
  /** The epoch before, while a connection may still be in it. */
  let previous: Epoch | null = null;
  const earlier = createEarlierEpochs(options.repeatedIds);
  let epoch = 0;
  let attempt: NumberingAttempt | null = null;
  let glitch: Glitch | null = null;
  const isSingle = options.contiguous && !options.mayVary;
  const isRecorded = (id: number) => current.ring.find(id, 0) !== null;
  if (options.lastId !== null) current.ring.add(options.lastId, 0);

  function decide(cursor: Cursor, firstId: number, id: number, mark: number, recvUs: number): SequenceVerdict {
    if (attempt !== null && cursor.epoch === epoch) checkAttempt(attempt, { firstId, id, mark, recvUs });
    if (!earlier.isEmpty() && earlier.has(id, mark, recvUs, [current, previous])) return "duplicate";
    if (previous !== null) {
      const across = decideAcross(previous, cursor, id, mark);
      if (across !== null) return across;
    }
    const { ring } = current;
    if (id > ring.high()) {
      // A message that had arrived ahead of its turn comes again over another connection.
      if (id <= ring.top() && ring.find(id, mark) === mark) return "duplicate";
      const isFar = isSingle && ring.high() >= 0 && isNewNumbering(ring.high(), firstId);
      return isFar && cursors.size === 1 ? beginEpoch(cursor, id, mark, recvUs) : saveNext(firstId, id, mark, recvUs);
    }
    const isRepeated = id <= cursor.highest;
    if (epoch === 0 && mayBeOfEarlierRun(options.lastId, id)) return "duplicate";
    const known = ring.find(id, mark);
    // The record that had jumped to this id was a different record.
    const isOther = known !== null && known !== mark && missingIds !== null;
    if (isOther && firstId === cursor.recent + 1) return saveLate(ring, id, mark);
    if (known !== null) {
      // Two connections may cut the same diff differently. Other messages of an id are the same on all connections.
      const isAnother = known !== mark && (isRepeated || cursors.size === 1 || !options.mayVary);
      return isAnother ? beginEpoch(cursor, id, mark, recvUs) : "duplicate";
    }
    const mayReturn = isRepeated || (missingIds?.isDoubtful(firstId, id) && !isBehind(cursor, id));
    if (missingIds !== null && known === null && mayReturn) {
      const retracted = missingIds.retract(firstId, id, recvUs);
      if (retracted === "elsewhere") return beginEpoch(cursor, id, mark, recvUs);
      if (retracted !== null) return retract(cursor, { firstId, id, mark, recvUs }, retracted.given);
    }
    if (missingIds?.fill(firstId, id, recvUs)) return saveLate(ring, id, mark);
    if (cursors.size === 1 && isAhead(cursor, id, recvUs)) return beginEpoch(cursor, id, mark, recvUs);
    const isOld = missingIds !== null || id < ring.low();
    if (isRepeated)
      return isOld || isRising(cursor, id) ? beginEpoch(cursor, id, mark, recvUs) : saveLate(ring, id, mark);
    if (!isOld) return saveLate(ring, id, mark);
    // A recorded trade that is newer than the oldest remembered id would be remembered.
    const rememberedFrom = Math.max(ring.low(), current.first);
    const isUnseen = isSingle && id > rememberedFrom && firstId === cursor.recent + 1;
    // A connection that is alone cannot be behind others: its ids have restarted.
    if (isUnseen && Number.isFinite(rememberedFrom))
      return cursors.size === 1 ? beginEpoch(cursor, id, mark, recvUs) : saveLate(ring, id, mark);
    const isBefore = id < current.first;
    if (isBefore && cursors.size > 1) return saveLate(ring, id, mark);
    // A connection that continues at lower ids lags behind; a connection that starts there has a new epoch.
    const isFresh = Number.isNaN(cursor.highest) || (!isBefore && cursor.first < current.first);
    return isBefore || (isFresh && !isBehind(cursor, id)) ? beginEpoch(cursor, id, mark, recvUs) : "duplicate";
  }

  /** The ids had jumped ahead on this connection and have returned. */
  function retract(cursor: Cursor, { firstId, id, mark, recvUs }: Arrived, given: MissingIds | null): SequenceVerdict {
    if (given !== null || cursor.highest - id > 1) glitch = { id: cursor.highest, notMissing: given };
    cursor.highest = Number.NaN;
    saveNext(firstId, id, mark, recvUs);
    current.ring.setHigh(id);
    return "late";
  }

  function checkAttempt(tried: NumberingAttempt, arrived: Arrived): void {
    if (countAndConfirm(tried, arrived.recvUs)) attempt = null;
    else if (isBack(tried, current, arrived, isSingle)) returnToBefore(tried, arrived.id);
  }

  function returnToBefore(tried: NumberingAttempt, id: number): void {
    attempt = null;
    glitch = { id: tried.id, notMissing: null };
    const { ids, marks } = current.ring.entries();
    const high = tried.before.ring.high();
    current = tried.before;
    for (const [at, newId] of ids.entries()) current.ring.add(newId, marks[at] ?? 0);
    current.ring.setHigh(high);
    previous = null;
    for (const cursor of cursors) {
      if (cursor.epoch === epoch) cursor.highest = Math.min(id - 1, high);
      cursor.epoch = epoch;
    }
    missingIds?.returnTo(tried.mark);
  }

  /** Decides while two epochs overlap; null if the current epoch decides alone. */
  function decideAcross(old: Epoch, cursor: Cursor, id: number, mark: number): SequenceVerdict | null {
    const isOld = cursor.epoch !== epoch;
    const [ownRing, otherRing] = isOld ? [old.ring, current.ring] : [current.ring, old.ring];
    const known = ownRing.find(id, mark);
    if (known !== null && (known === mark || !(id <= cursor.highest))) return "duplicate";
    if (otherRing.find(id, mark) === mark) {
      if (isOld) enter(cursor);
      return "duplicate";
    }
    if (!isOld) return null;
    if (!(id <= cursor.recent) && !beganBehind(old, current, cursor, id)) return saveLate(old.ring, id, mark);
    enter(cursor);
    return null;
  }

  function saveNext(firstId: number, id: number, mark: number, recvUs: number): SequenceVerdict {
    current.ring.add(id, mark);
    if (Number.isNaN(current.first)) current.first = firstId;
    missingIds?.advance(firstId, id, recvUs, isRecorded);
    return "next";
  }

  function beginEpoch(cursor: Cursor, id: number, mark: number, recvUs: number): SequenceVerdict {
    attempt = {
      ...{ before: current, mark: missingIds?.mark() ?? noMark, id, highest: cursor.highest },
      ...{ sinceUs: recvUs, records: 0 },
    };
    earlier.add(current, recvUs);
    previous = cursors.size > 1 ? current : null;
    current = { ring: createRecentIds(), first: id };
    current.ring.add(id, mark);
    epoch++;
    enter(cursor);
    missingIds?.restart(id, recvUs);
    return "epoch";
  }

  /** Moves the connection to the current epoch. */
  function enter(cursor: Cursor): void {
    cursor.epoch = epoch;
    cursor.highest = Number.NaN;
    cursor.first = Number.NEGATIVE_INFINITY;
    if (previous !== null && [...cursors].every((other) => other.epoch === epoch)) previous = null;
  }

  /** True if another connection is ahead, so that this id must have been delivered. */
  function isBehind(cursor: Cursor, id: number): boolean {
    for (const other of cursors) if (other !== cursor && other.epoch === epoch && other.highest > id) return true;
    return false;
  }

  function join(): Cursor {
    const cursor = { highest: Number.NaN, first: Number.NaN, recent: Number.NaN, firstUs: 0, lastUs: 0, epoch };
    cursors.add(cursor);
    return cursor;
  }

  function advance(cursor: Cursor, id: number, recvUs: number): void {
    if (!(id <= cursor.highest)) cursor.highest = id;
    if (cursor.firstUs === 0) {
      cursor.first = id;
      cursor.firstUs = recvUs;
    }
    cursor.recent = id;
    cursor.lastUs = recvUs;
    missingIds?.pass(id, recvUs);
  }

  /** The parent process merges several connections, so its order is not that of a single connection. */
  function follow(cursor: Cursor, { firstId, id, mark, recvUs, isEpoch }: Followed): void {
    if (attempt !== null && !isEpoch && cursor.epoch === epoch) checkAttempt(attempt, { firstId, id, mark, recvUs });
    const isBehind = previous !== null && cursor.epoch !== epoch && !isEpoch;
    const { ring } = isBehind && previous !== null ? previous : current;
    const known = ring.find(id, mark);
    if (isEpoch && known === mark) enter(cursor);
    else if (isEpoch) beginEpoch(cursor, id, mark, recvUs);
    else if (known === null && id > ring.high() && !isBehind) saveNext(firstId, id, mark, recvUs);
    else if (known === null) {
      missingIds?.fill(firstId, id, recvUs);
      ring.add(id, mark);
    }
    advance(cursor, id, recvUs);
  }

  return {
    missingIds,
    takeMissingIds(beforeUs, connections = 0) {
      const mayFill = ({ toId, toUs }: MissingIds) =>
        isRecent(toUs, beforeUs) && isLagging(cursors, epoch, toId, connections);
      return missingIds?.take(beforeUs, (range) => isPassed(cursors, epoch, range.toId) && !mayFill(range)) ?? [];
    },
    mayBeginEarlier: (sinceUs, beforeUs, connections) =>
      isRecent(sinceUs, beforeUs) && isLagging(cursors, epoch, current.first, connections),
    hasGlitch: () => glitch !== null,
    takeGlitch() {
      const taken = glitch;
      glitch = null;
      return taken;
    },
    join,
    gone: () => gone.slice(-2),
    cursors: () => [...gone, ...cursors],
    leave(cursor) {
      cursors.delete(cursor);
      gone = [...gone.slice(-7), cursor];
      if (previous !== null && [...cursors].every((other) => other.epoch === epoch)) previous = null;
    },
    judge(cursor, { firstId, id, mark, recvUs }) {
      const verdict = decide(cursor, firstId, id, mark, recvUs);
      advance(cursor, id, recvUs);
      return verdict;
    },
    follow,
    trail: () => ({ ...current.ring.entries(), holes: missingIds?.open() ?? [] }),
    inherit({ ids, marks, holes: open }, lastUs) {
      const cursor = join();
      for (const [at, id] of ids.entries()) current.ring.add(id, marks[at] ?? 0);
      const highest = current.ring.high();
      if (highest < 0) return cursor;
      missingIds?.inherit(highest, lastUs, open);
      // The start of the parent's epoch is unknown, so no id counts as older than the epoch.
      current.first = Number.NEGATIVE_INFINITY;
      Object.assign(cursor, { highest, first: Number.NEGATIVE_INFINITY, recent: highest, firstUs: lastUs, lastUs });
      return cursor;
    },
  };
}
