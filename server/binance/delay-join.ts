/** Dates the partial books of one symbol on one connection by its diffs, which carry an event time. */
export type DelayJoin = {
  /** A diff with its final update id. Returns the receipt time of the book of the same id if that came first, otherwise 0. */
  diff(id: number, eventMs: number): number;
  /** A book. Returns the event time of the diff of the same id if that came first, otherwise 0. */
  book(id: number, recvUs: number): number;
};

/** Either may come first, and a slow one a few ticks later. */
const remembered = 16;

/**
 * Partial depth has no event time; the diff that led to it has, and the same update id (490 of 490 pairs measured, either order).
 * Source: research on two captures, see the README's "Delay".
 */
export function createDelayJoin(): DelayJoin {
  const diffs = createPairs();
  const books = createPairs();
  return {
    diff(id, eventMs) {
      diffs.put(id, eventMs);
      return books.get(id);
    },
    book(id, recvUs) {
      books.put(id, recvUs);
      return diffs.get(id);
    },
  };
}

function createPairs() {
  const ids = new Float64Array(remembered);
  const values = new Float64Array(remembered);
  let at = 0;
  return {
    put(id: number, value: number): void {
      ids[at % remembered] = id;
      values[at % remembered] = value;
      at++;
    },
    get(id: number): number {
      const found = ids.lastIndexOf(id);
      return found < 0 ? 0 : (values[found] ?? 0);
    },
  };
}
