/** Ids that must exist and have not come: of trades each one, of diffs the update ids from the first to the last. */
export type Hole = {
  readonly fromId: number;
  readonly toId: number;
  /** Receipt of the record before and of the one after it, µs. */
  readonly fromUs: number;
  readonly toUs: number;
};

/** Watches a stream whose ids follow each other without a break. */
export type Holes = {
  /** A record that goes beyond all before it: ids `firstId` to `id`. */
  advance(firstId: number, id: number, recvUs: number): void;
  /** A record that comes late; false if none of its ids was missing. */
  fill(firstId: number, id: number): boolean;
  /** The numbering begins again. */
  restart(id: number, recvUs: number): void;
  /** Holes that were seen before `beforeUs`; they are given away and no longer waited for. */
  take(beforeUs: number): readonly Hole[];
  /** How many are waited for. */
  waiting(): number;
  /** Those that are waited for; they still are. */
  open(): readonly Hole[];
  /** Goes on where another process is: behind `lastId`, which came at `lastUs`, waiting for `open`. */
  inherit(lastId: number, lastUs: number, open: readonly Hole[]): void;
};

/** Beyond this many the last one grows instead, over what lies between: too large a hole is better than a forgotten one. */
const mostWaiting = 1000;

/** `lastId` is the last id of an earlier run, or null. */
export function createHoles(lastId: number | null): Holes {
  let expected = lastId === null ? Number.NaN : lastId + 1;
  let lastUs = 0;
  let holes: Hole[] = [];

  return {
    advance(firstId, id, recvUs) {
      if (firstId > expected) {
        const last = holes.length < mostWaiting ? undefined : holes.pop();
        const { fromId, fromUs } = last ?? { fromId: expected, fromUs: lastUs };
        holes.push({ fromId, toId: firstId - 1, fromUs, toUs: recvUs });
      }
      expected = id + 1;
      lastUs = recvUs;
    },
    fill(firstId, id) {
      const before = holes;
      holes = before.flatMap((hole) => {
        if (id < hole.fromId || firstId > hole.toId) return [hole];
        const left = { ...hole, toId: firstId - 1 };
        const right = { ...hole, fromId: id + 1 };
        return [left, right].filter(({ fromId, toId }) => fromId <= toId);
      });
      return holes.length !== before.length || holes.some((hole, n) => hole !== before[n]);
    },
    restart(id, recvUs) {
      expected = id + 1;
      lastUs = recvUs;
    },
    take(beforeUs) {
      if (holes.length === 0) return holes;
      const ripe = holes.filter(({ toUs }) => toUs < beforeUs);
      if (ripe.length > 0) holes = holes.filter(({ toUs }) => toUs >= beforeUs);
      return ripe;
    },
    waiting: () => holes.length,
    open: () => holes,
    inherit(lastId, atUs, open) {
      expected = lastId + 1;
      lastUs = atUs;
      holes = [...open];
    },
  };
}
