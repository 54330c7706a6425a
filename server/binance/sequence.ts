import { createHoles, type Hole, type Holes } from "./holes.ts";
import { contentMark, createIdRing, type IdRing } from "./id-ring.ts";

/**
 * What a message is to its stream: the "next" one; a "late" one, which another socket has overtaken but which nobody had brought; the
 * first of a new "epoch", in which the exchange counts anew; or a "duplicate". All but the last are to be recorded.
 */
export type Verdict = "next" | "late" | "epoch" | "duplicate";

/** How far one connection has come in a stream. */
export type Cursor = {
  /** Highest id that this connection has brought in its epoch; NaN before the first. */
  highest: number;
  /** The first id, and the one just brought. */
  first: number;
  recent: number;
  /** Receipt of the first and of the newest message, µs; 0 before. */
  firstUs: number;
  lastUs: number;
  epoch: number;
};

/** The order of one stream, put together from any number of connections. */
export type Sequence = {
  /** A connection begins to bring this stream. */
  join(): Cursor;
  /** It does no more. */
  leave(cursor: Cursor): void;
  /** The newest two that have left, as far as they had come: others may lag behind them. */
  gone(): readonly Cursor[];
  /** `firstId` is the first id that the message covers (`U` of a diff), for others the same as `id`. */
  judge(cursor: Cursor, firstId: number, id: number, payload: string, recvUs: number): Verdict;
  /** A message that another process has recorded, with what it was there; `cursor` is that process's. */
  follow(cursor: Cursor, message: Followed): void;
  readonly holes: Holes | null;
  /** The newest of what has been recorded, for a process that is to go on with it. */
  trail(): Trail;
  /** Goes on where another process is, of which this is the trail; returns its cursor. To be called before anything is judged. */
  inherit(trail: Trail, lastUs: number): Cursor;
};

/** What another process tells of a message that it has recorded; `mark` is that of its content, `isEpoch`: the numbering began anew. */
export type Followed = {
  readonly firstId: number;
  readonly id: number;
  readonly mark: number;
  readonly recvUs: number;
  readonly isEpoch: boolean;
};

/** The newest ids of the current epoch with the marks of their content, oldest first, and the holes that are waited for. */
export type Trail = {
  readonly ids: readonly number[];
  readonly marks: readonly number[];
  readonly holes: readonly Hole[];
};

/** After a quick restart a server that lags behind repeats at most so many ids. */
const earlierIds = 1000;

/** A numbering: what has been recorded of it. */
type Epoch = { readonly ring: IdRing; first: number };

/**
 * The sequence of a stream. First arrival wins: an id that any connection has brought is a duplicate from every other. Ids that
 * start again lower are a new epoch, told from late messages by what the same connection brought before; a connection that lags
 * behind goes on in the old epoch until it, too, begins anew. `contiguous`: ids follow each other without a break (trades, diffs), so
 * that holes can be told. `mayVary`: connections may word one and the same event differently. `lastId` is that of an earlier run, or null.
 */
export function createSequence(options: { contiguous: boolean; mayVary: boolean; lastId: number | null }): Sequence {
  const cursors = new Set<Cursor>();
  let gone: readonly Cursor[] = [];
  const holes = options.contiguous ? createHoles(options.lastId) : null;
  let current: Epoch = { ring: createIdRing(), first: Number.NaN };
  /** The epoch before, as long as a connection may still be in it. */
  let previous: Epoch | null = null;
  let epoch = 0;
  if (options.lastId !== null) current.ring.add(options.lastId, 0);

  function decide(cursor: Cursor, firstId: number, id: number, mark: number, recvUs: number): Verdict {
    if (previous !== null) {
      const across = decideAcross(previous, cursor, id, mark);
      if (across !== null) return across;
    }
    const { ring } = current;
    if (id > ring.high()) return next(firstId, id, mark, recvUs);
    const repeats = id <= cursor.highest;
    if (mayBeOfEarlierRun(id)) return "duplicate";
    const known = ring.find(id);
    if (known !== null) {
      // The same diff may be cut differently for two connections; everything else of one id is the same everywhere.
      const isAnother = known !== mark && (repeats || cursors.size === 1 || !options.mayVary);
      return isAnother ? begin(cursor, id, mark, recvUs) : "duplicate";
    }
    if (holes?.fill(firstId, id)) return late(ring, id, mark);
    const isOld = holes !== null || id < ring.low();
    if (repeats) return isOld || isRising(cursor, id) ? begin(cursor, id, mark, recvUs) : late(ring, id, mark);
    if (!isOld) return late(ring, id, mark);
    const isBefore = id < current.first;
    if (isBefore && cursors.size > 1) return late(ring, id, mark);
    // A connection that goes on lags behind, whoever was ahead of it; one that begins so far back has another numbering.
    const isFresh = Number.isNaN(cursor.highest) || (!isBefore && cursor.first < current.first);
    return isBefore || (isFresh && !isBehind(cursor, id)) ? begin(cursor, id, mark, recvUs) : "duplicate";
  }

  /** While two epochs overlap; null where the current one decides alone. */
  function decideAcross(old: Epoch, cursor: Cursor, id: number, mark: number): Verdict | null {
    const isOld = cursor.epoch !== epoch;
    const [own, other] = isOld ? [old.ring, current.ring] : [current.ring, old.ring];
    const known = own.find(id);
    if (known !== null && (known === mark || !(id <= cursor.highest))) return "duplicate";
    if (other.find(id) === mark) {
      if (isOld) enter(cursor);
      return "duplicate";
    }
    if (!isOld) return null;
    if (!(id <= cursor.recent)) return late(old.ring, id, mark);
    enter(cursor);
    return null;
  }

  function next(firstId: number, id: number, mark: number, recvUs: number): Verdict {
    current.ring.add(id, mark);
    if (Number.isNaN(current.first)) current.first = firstId;
    holes?.advance(firstId, id, recvUs);
    return "next";
  }

  function begin(cursor: Cursor, id: number, mark: number, recvUs: number): Verdict {
    previous = cursors.size > 1 ? current : null;
    current = { ring: createIdRing(), first: id };
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

  /** A little below the last id of an earlier run, whose other ids nobody remembers. */
  function mayBeOfEarlierRun(id: number): boolean {
    const { lastId } = options;
    return lastId !== null && epoch === 0 && id <= lastId && id > lastId - earlierIds;
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
  }

  /** Another process has put several connections together, so that its order is none of a single one's. */
  function follow(cursor: Cursor, { firstId, id, mark, recvUs, isEpoch }: Followed): void {
    const isBehind = previous !== null && cursor.epoch !== epoch && !isEpoch;
    const { ring } = isBehind && previous !== null ? previous : current;
    const known = ring.find(id);
    if (isEpoch && known === mark) enter(cursor);
    else if (isEpoch) begin(cursor, id, mark, recvUs);
    else if (known === null && id > ring.high() && !isBehind) next(firstId, id, mark, recvUs);
    else if (known === null) {
      holes?.fill(firstId, id);
      ring.add(id, mark);
    }
    advance(cursor, id, recvUs);
  }

  return {
    holes,
    join,
    gone: () => gone,
    leave(cursor) {
      cursors.delete(cursor);
      gone = [...gone.slice(-1), cursor];
      if (previous !== null && [...cursors].every((one) => one.epoch === epoch)) previous = null;
    },
    judge(cursor, firstId, id, payload, recvUs) {
      const verdict = decide(cursor, firstId, id, contentMark(payload), recvUs);
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

function late(ring: IdRing, id: number, mark: number): Verdict {
  ring.add(id, mark);
  return "late";
}

/** The second of a rising row below what this connection has brought before: no swapped neighbours, but another numbering. */
function isRising(cursor: Cursor, id: number): boolean {
  return cursor.recent < cursor.highest && id > cursor.recent;
}
