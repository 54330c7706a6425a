import { createMissingIdsFinder, type MissingIds, type MissingIdsMark } from "./missing-ids.ts";
import {
  createEarlierEpochs,
  type Epoch,
  isBack,
  isLagging,
  isPassed,
  isRecent,
  isSure,
  longestHole,
  mayBeOfEarlierRun,
  type NumberingAttempt,
} from "./numbering.ts";
import { createRecentIds, type RecentIds } from "./recent-ids.ts";
import type { Arrived, Cursor, Followed, Glitch, IdOrder, Sequence, SequenceVerdict } from "./sequence-types.ts";

/**
 * The sequence of a stream. First arrival wins: an id that any connection has brought is a duplicate from every other. Ids that
 * start again lower are a new epoch, told from late messages by what the same connection brought before; a connection that lags
 * behind goes on in the old epoch until it, too, begins anew.
 */
export function createSequence(options: IdOrder): Sequence {
  const cursors = new Set<Cursor>();
  let gone: readonly Cursor[] = [];
  const holes = options.contiguous ? createMissingIdsFinder(options.lastId) : null;
  let current: Epoch = { ring: createRecentIds(), first: Number.NaN };
  /** The epoch before, as long as a connection may still be in it. */
  let previous: Epoch | null = null;
  const earlier = createEarlierEpochs(options.repeatedIds);
  let epoch = 0;
  let attempt: NumberingAttempt | null = null;
  let glitch: Glitch | null = null;
  if (options.lastId !== null) current.ring.add(options.lastId, 0);

  function decide(cursor: Cursor, firstId: number, id: number, mark: number, recvUs: number): SequenceVerdict {
    if (attempt !== null && cursor.epoch === epoch) look(attempt, { firstId, id, mark, recvUs });
    if (!earlier.isEmpty() && earlier.has(id, mark, recvUs, [current, previous])) return "duplicate";
    if (previous !== null) {
      const across = decideAcross(previous, cursor, id, mark);
      if (across !== null) return across;
    }
    const { ring } = current;
    if (id > ring.high()) {
      // Something that had been ahead of its turn comes again over another connection.
      if (id <= ring.top() && ring.find(id, mark) === mark) return "duplicate";
      const isFar = holes !== null && !options.mayVary && ring.high() >= 0 && firstId - ring.high() > longestHole;
      return isFar && cursors.size === 1 ? begin(cursor, id, mark, recvUs) : next(firstId, id, mark, recvUs);
    }
    const repeats = id <= cursor.highest;
    if (epoch === 0 && mayBeOfEarlierRun(options.lastId, id)) return "duplicate";
    const known = ring.find(id, mark);
    // What had jumped to this id was another record.
    if (known !== null && known !== mark && holes !== null && firstId === cursor.recent + 1)
      return late(ring, id, mark);
    if (known !== null) {
      // The same diff may be cut differently for two connections; everything else of one id is the same everywhere.
      const isAnother = known !== mark && (repeats || cursors.size === 1 || !options.mayVary);
      return isAnother ? begin(cursor, id, mark, recvUs) : "duplicate";
    }
    if (holes !== null && known === null && (repeats || (holes.isDoubtful(firstId, id) && !isBehind(cursor, id)))) {
      const found = holes.retract(firstId, id, recvUs);
      if (found !== null) return retract(cursor, { firstId, id, mark, recvUs }, found.given);
    }
    if (holes?.fill(firstId, id, recvUs)) return late(ring, id, mark);
    const isOld = holes !== null || id < ring.low();
    if (repeats) return isOld || isRising(cursor, id) ? begin(cursor, id, mark, recvUs) : late(ring, id, mark);
    if (!isOld) return late(ring, id, mark);
    // Of trades what is newer than the oldest that is remembered would be remembered, had anybody brought it.
    const isUnseen = holes !== null && !options.mayVary && id > ring.low() && firstId === cursor.recent + 1;
    if (isUnseen && Number.isFinite(ring.low())) return late(ring, id, mark);
    const isBefore = id < current.first;
    if (isBefore && cursors.size > 1) return late(ring, id, mark);
    // A connection that goes on lags behind, whoever was ahead of it; one that begins so far back has another numbering.
    const isFresh = Number.isNaN(cursor.highest) || (!isBefore && cursor.first < current.first);
    return isBefore || (isFresh && !isBehind(cursor, id)) ? begin(cursor, id, mark, recvUs) : "duplicate";
  }

  /** The ids had jumped ahead on this connection and are back. */
  function retract(cursor: Cursor, { firstId, id, mark, recvUs }: Arrived, given: MissingIds | null): SequenceVerdict {
    if (given !== null || cursor.highest - id > 1) glitch = { id: cursor.highest, notMissing: given };
    cursor.highest = Number.NaN;
    next(firstId, id, mark, recvUs);
    current.ring.setHigh(id);
    return "late";
  }

  function look(tried: NumberingAttempt, arrived: Arrived): void {
    if (isSure(tried, arrived.recvUs)) attempt = null;
    else if (isBack(tried, current, arrived)) goBack(tried, arrived.id);
  }

  function goBack(tried: NumberingAttempt, id: number): void {
    attempt = null;
    glitch = { id: tried.id, notMissing: null };
    const { ids, marks } = current.ring.entries();
    const high = tried.before.ring.high();
    current = tried.before;
    for (const [at, one] of ids.entries()) current.ring.add(one, marks[at] ?? 0);
    current.ring.setHigh(high);
    previous = null;
    for (const cursor of cursors) {
      if (cursor.epoch === epoch) cursor.highest = Math.min(id, high);
      cursor.epoch = epoch;
    }
    holes?.returnTo(tried.mark);
  }

  /** While two epochs overlap; null where the current one decides alone. */
  function decideAcross(old: Epoch, cursor: Cursor, id: number, mark: number): SequenceVerdict | null {
    const isOld = cursor.epoch !== epoch;
    const [own, other] = isOld ? [old.ring, current.ring] : [current.ring, old.ring];
    const known = own.find(id, mark);
    if (known !== null && (known === mark || !(id <= cursor.highest))) return "duplicate";
    if (other.find(id, mark) === mark) {
      if (isOld) enter(cursor);
      return "duplicate";
    }
    if (!isOld) return null;
    if (!(id <= cursor.recent)) return late(old.ring, id, mark);
    enter(cursor);
    return null;
  }

  function next(firstId: number, id: number, mark: number, recvUs: number): SequenceVerdict {
    current.ring.add(id, mark);
    if (Number.isNaN(current.first)) current.first = firstId;
    holes?.advance(firstId, id, recvUs, isRecorded);
    return "next";
  }

  const isRecorded = (id: number) => current.ring.find(id, 0) !== null;

  function begin(cursor: Cursor, id: number, mark: number, recvUs: number): SequenceVerdict {
    attempt = {
      ...{ before: current, mark: holes?.mark() ?? noMark, id, highest: cursor.highest },
      ...{ sinceUs: recvUs, records: 0 },
    };
    earlier.add(current, recvUs);
    previous = cursors.size > 1 ? current : null;
    current = { ring: createRecentIds(), first: id };
    current.ring.add(id, mark);
    epoch++;
    enter(cursor);
    holes?.restart(id, recvUs);
    return "epoch";
  }

  /** The connection is in the current epoch from now on. */
  function enter(cursor: Cursor): void {
    cursor.epoch = epoch;
    cursor.highest = Number.NaN;
    cursor.first = Number.NEGATIVE_INFINITY;
    if (previous !== null && [...cursors].every((one) => one.epoch === epoch)) previous = null;
  }

  /** Another connection is ahead of this one, so that what it brings has been there. */
  function isBehind(cursor: Cursor, id: number): boolean {
    for (const one of cursors) if (one !== cursor && one.epoch === epoch && one.highest > id) return true;
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
    holes?.pass(id, recvUs);
  }

  /** Another process has put several connections together, so that its order is none of a single one's. */
  function follow(cursor: Cursor, { firstId, id, mark, recvUs, isEpoch }: Followed): void {
    if (attempt !== null && !isEpoch && cursor.epoch === epoch) look(attempt, { firstId, id, mark, recvUs });
    const isBehind = previous !== null && cursor.epoch !== epoch && !isEpoch;
    const { ring } = isBehind && previous !== null ? previous : current;
    const known = ring.find(id, mark);
    if (isEpoch && known === mark) enter(cursor);
    else if (isEpoch) begin(cursor, id, mark, recvUs);
    else if (known === null && id > ring.high() && !isBehind) next(firstId, id, mark, recvUs);
    else if (known === null) {
      holes?.fill(firstId, id, recvUs);
      ring.add(id, mark);
    }
    advance(cursor, id, recvUs);
  }

  return {
    holes,
    takeHoles(beforeUs, connections = 0) {
      const mayFill = ({ toId, toUs }: MissingIds) =>
        isRecent(toUs, beforeUs) && isLagging(cursors, epoch, toId, connections);
      return holes?.take(beforeUs, (hole) => isPassed(cursors, epoch, hole.toId) && !mayFill(hole)) ?? [];
    },
    mayBeginEarlier: (sinceUs, beforeUs, connections) =>
      isRecent(sinceUs, beforeUs) && isLagging(cursors, epoch, current.first, connections),
    hasGlitch: () => glitch !== null,
    takeGlitch() {
      const found = glitch;
      glitch = null;
      return found;
    },
    join,
    ...{ gone: () => gone.slice(-2), cursors: () => [...gone, ...cursors] },
    leave(cursor) {
      cursors.delete(cursor);
      gone = [...gone.slice(-7), cursor];
      if (previous !== null && [...cursors].every((one) => one.epoch === epoch)) previous = null;
    },
    judge(cursor, { firstId, id, mark, recvUs }) {
      const verdict = decide(cursor, firstId, id, mark, recvUs);
      advance(cursor, id, recvUs);
      return verdict;
    },
    follow,
    trail: () => ({ ...current.ring.entries(), holes: holes?.open() ?? [] }),
    inherit({ ids, marks, holes: open }, lastUs) {
      const cursor = join();
      for (const [at, id] of ids.entries()) current.ring.add(id, marks[at] ?? 0);
      const highest = current.ring.high();
      if (highest < 0) return cursor;
      holes?.inherit(highest, lastUs, open);
      // How far back its numbering goes is not known; nothing of it is older than everything.
      current.first = Number.NEGATIVE_INFINITY;
      Object.assign(cursor, { highest, first: Number.NEGATIVE_INFINITY, recent: highest, firstUs: lastUs, lastUs });
      return cursor;
    },
  };
}

const noMark: MissingIdsMark = { expected: Number.NaN, lastUs: 0, fresh: [] };

function late(ring: RecentIds, id: number, mark: number): SequenceVerdict {
  ring.add(id, mark);
  return "late";
}

/** The second of a rising row below what this connection has brought before: no swapped neighbours, but another numbering. */
function isRising(cursor: Cursor, id: number): boolean {
  return cursor.recent < cursor.highest && id > cursor.recent;
}
