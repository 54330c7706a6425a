/** Ids that must exist and have not come: of trades each one, of diffs the update ids from the first to the last. */
export type MissingIds = {
  readonly fromId: number;
  readonly toId: number;
  /** Receipt of the record before and of the one after it, µs. */
  readonly fromUs: number;
  readonly toUs: number;
};

/** Watches a stream whose ids follow each other without a break. */
export type MissingIdsFinder = {
  /** A record that goes beyond all before it: ids `firstId` to `id`; `isRecorded` tells of ids that had been ahead of their turn. */
  advance(firstId: number, id: number, recvUs: number, isRecorded: (id: number) => boolean): void;
  /** A record that comes late; false if none of its ids was missing. */
  fill(firstId: number, id: number, recvUs: number): boolean;
  /** A record has come, whatever it is: a hole that was filled up to its middle ends with the next one behind it. */
  pass(id: number, recvUs: number): void;
  /**
   * The connection that had brought what lies behind the hole which `id` lies in goes on in it: the ids had jumped and are back, and what
   * has not come yet is not missing. Ids are expected from the beginning of that hole on. Null if `id` lies in no hole, neither in one that
   * is waited for nor in one that was given away a moment ago; otherwise that which was given away and is not missing, if anything was.
   */
  retract(firstId: number, id: number, recvUs: number): { readonly given: MissingIds | null } | null;
  /** True if these ids lie in a hole that is waited for and that few records have come behind. */
  isDoubtful(firstId: number, id: number): boolean;
  /** The numbering begins again. */
  restart(id: number, recvUs: number): void;
  /** What is needed to go on in the numbering before a restart. */
  mark(): MissingIdsMark;
  returnTo(mark: MissingIdsMark): void;
  /**
   * Holes that were seen before `beforeUs`, that have been confirmed by a further record behind them, and that `isOver`. They are given away
   * and no longer waited for.
   */
  take(beforeUs: number, isOver: (hole: MissingIds) => boolean): readonly MissingIds[];
  /** How many are waited for. */
  waiting(): number;
  /** Those that are waited for; they still are. */
  open(): readonly MissingIds[];
  /** Goes on where another process is: behind `lastId`, which came at `lastUs`, waiting for `open`. */
  inherit(lastId: number, lastUs: number, open: readonly MissingIds[]): void;
};

/** Where a numbering was when another one began. */
export type MissingIdsMark = {
  readonly expected: number;
  readonly lastUs: number;
  readonly fresh: readonly MissingIds[];
};

/** Beyond this many the last one grows instead, over what lies between: too large a hole is better than a forgotten one. */
const mostWaiting = 1000;

/** How long ids may have jumped before they are back, µs, and holes given away that are remembered for it. */
const glitchUs = 10_000_000;
const mostGiven = 8;

/** Records behind a hole that may be a glitch. */
const fewRecords = 100;

/** A hole, and how many records had gone ahead when it was seen. `isOpen`: filled up to here, nothing has come behind it since. */
type Seen = MissingIds & { readonly at: number; readonly isOpen?: boolean };

/** A record that fills a hole so long after it was seen has not lagged behind: the ids had jumped, µs. */
const mostLagUs = 5_000_000;

/** Absent ids that are looked for one by one among those that had been ahead; beyond it a hole is one hole. */
const mostLookedFor = 256;

/** `lastId` is the last id of an earlier run, or null. */
export function createMissingIdsFinder(lastId: number | null): MissingIdsFinder {
  let expected = lastId === null ? Number.NaN : lastId + 1;
  let lastUs = 0;
  /** Those that a further record has confirmed, those of the newest record, and those of numberings that are over. */
  let holes: Seen[] = [];
  let fresh: Seen[] = [];
  let past: Seen[] = [];
  let given: readonly MissingIds[] = [];
  let records = 0;
  let hasOpen = false;

  function add(fromId: number, toId: number, toUs: number): void {
    const last = holes.length + fresh.length < mostWaiting ? undefined : (fresh.pop() ?? holes.pop());
    fresh.push({ fromId: last?.fromId ?? fromId, toId, fromUs: last?.fromUs ?? lastUs, toUs, at: records });
  }

  function without(all: Seen[], firstId: number, id: number, recvUs: number): Seen[] {
    if (!all.some((hole) => id >= hole.fromId && firstId <= hole.toId)) return all;
    return all.flatMap((hole) => {
      if (id < hole.fromId || firstId > hole.toId) return [hole];
      hasOpen = true;
      const fromUs = recvUs - hole.toUs > mostLagUs ? recvUs : hole.fromUs;
      const left = { ...hole, toId: firstId - 1, toUs: Math.max(hole.toUs, recvUs) };
      const right = { ...hole, fromId: id + 1, fromUs, toUs: Math.max(hole.toUs, fromUs), isOpen: true };
      return [left, right].filter(({ fromId, toId }) => fromId <= toId);
    });
  }

  return {
    advance(firstId, id, recvUs, isRecorded) {
      records++;
      if (fresh.length > 0) {
        holes.push(...fresh);
        fresh = [];
      }
      if (firstId > expected) {
        let from = expected;
        if (firstId - expected <= mostLookedFor) {
          for (let at = expected; at < firstId; at++) {
            if (!isRecorded(at)) continue;
            if (at > from) add(from, at - 1, recvUs);
            from = at + 1;
          }
        }
        if (firstId > from) add(from, firstId - 1, recvUs);
      }
      expected = id + 1;
      lastUs = recvUs;
    },
    fill(firstId, id, recvUs) {
      const [before, freshBefore] = [holes, fresh];
      holes = without(holes, firstId, id, recvUs);
      fresh = without(fresh, firstId, id, recvUs);
      return holes !== before || fresh !== freshBefore;
    },
    pass(id, recvUs) {
      if (!hasOpen) return;
      const end = (hole: Seen) =>
        hole.isOpen && id > hole.toId ? { ...hole, toUs: Math.max(hole.toUs, recvUs), isOpen: false } : hole;
      holes = holes.map(end);
      fresh = fresh.map(end);
      hasOpen = [...holes, ...fresh].some(({ isOpen }) => isOpen);
    },
    retract(firstId, id, recvUs) {
      const holds = (hole: MissingIds) => id >= hole.fromId && firstId <= hole.toId;
      const waiting = [...holes, ...fresh].find(holds);
      const before = waiting ?? given.findLast((hole) => holds(hole) && recvUs - hole.toUs < glitchUs);
      if (before === undefined) return null;
      // The part of the jump's hole that another connection has left behind is a hole, whatever comes of the rest.
      holes = [...holes, ...fresh].filter(({ toId }) => toId < before.fromId);
      fresh = [];
      lastUs = before.fromUs;
      // What was given away before this record stays missing.
      expected = waiting === undefined ? firstId : before.fromId;
      if (waiting !== undefined) return { given: null };
      given = given.filter((hole) => hole !== before);
      return { given: { ...before, fromId: Math.max(firstId, before.fromId) } };
    },
    isDoubtful: (firstId, id) =>
      [...holes, ...fresh].some(({ fromId, toId, at }) => id >= fromId && firstId <= toId && records - at < fewRecords),
    restart(id, recvUs) {
      past = [...past, ...holes, ...fresh];
      [holes, fresh] = [[], []];
      expected = id + 1;
      lastUs = recvUs;
    },
    mark: () => ({ expected, lastUs, fresh }),
    returnTo(mark) {
      ({ expected, lastUs } = mark);
      fresh = past.filter((hole) => mark.fresh.includes(hole));
      holes = past.filter((hole) => !mark.fresh.includes(hole));
      past = [];
    },
    take(beforeUs, isOver) {
      if (holes.length === 0 && past.length === 0) return none;
      const ripe = holes.filter((hole) => hole.toUs < beforeUs && isOver(hole));
      const over = past.filter(({ toUs }) => toUs < beforeUs);
      if (ripe.length > 0) {
        holes = holes.filter((hole) => !ripe.includes(hole));
        given = [...given, ...ripe].slice(-mostGiven);
      }
      if (over.length > 0) past = past.filter((hole) => !over.includes(hole));
      return [...over, ...ripe].map(plain);
    },
    waiting: () => holes.length + fresh.length + past.length,
    open: () => [...past, ...holes, ...fresh].map(plain),
    inherit(lastId, atUs, open) {
      expected = lastId + 1;
      lastUs = atUs;
      holes = open.map((hole) => ({ ...hole, at: 0 }));
    },
  };
}

const none: readonly MissingIds[] = [];

function plain({ fromId, toId, fromUs, toUs }: MissingIds): MissingIds {
  return { fromId, toId, fromUs, toUs };
}
