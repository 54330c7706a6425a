/** One level as the exchange words it: price, quantity. */
export type WireLevel = readonly [price: string, quantity: string];

/** A frame of `<symbol>@depth`. */
export type Diff = {
  readonly U: number;
  readonly u: number;
  readonly b: readonly WireLevel[];
  readonly a: readonly WireLevel[];
};

/** A partial book or the REST book. */
export type BookImage = {
  readonly lastUpdateId: number;
  readonly bids: readonly WireLevel[];
  readonly asks: readonly WireLevel[];
};

export type LocalBook = {
  /** Takes the next diff: buffered until the snapshot is there. */
  receive(diff: Diff): void;
  /** Loads the REST book; false if it is older than the first buffered diff: then fetch it again. */
  load(snapshot: BookImage): boolean;
  /** Null until a snapshot was loaded. */
  lastUpdateId(): number | null;
  /** The best `n` levels of both sides, texts as received. */
  top(n: number): BookImage;
  /** Diffs applied, and how often an update id was missing between two of them. */
  counts(): { readonly applied: number; readonly breaks: number };
};

/**
 * A local order book kept as the exchange tells its clients to.
 * Source: binance-spot-api-docs, web-socket-streams.md, "How to manage a local order book correctly".
 */
export function createLocalBook(): LocalBook {
  const bids = new Map<string, string>();
  const asks = new Map<string, string>();
  let buffer: Diff[] | null = [];
  let id: number | null = null;
  let applied = 0;
  let breaks = 0;

  function apply(diff: Diff): void {
    if (id === null || diff.u <= id) return;
    // Only the first diff after the snapshot may reach back behind it.
    if (applied === 0 ? diff.U > id + 1 : diff.U !== id + 1) breaks += 1;
    setLevels(bids, diff.b);
    setLevels(asks, diff.a);
    id = diff.u;
    applied += 1;
  }

  return {
    receive(diff) {
      if (buffer === null) apply(diff);
      else buffer.push(diff);
    },
    load(snapshot) {
      const first = buffer?.[0];
      if (first !== undefined && snapshot.lastUpdateId < first.U) return false;
      setLevels(bids, snapshot.bids);
      setLevels(asks, snapshot.asks);
      id = snapshot.lastUpdateId;
      for (const diff of buffer ?? []) apply(diff);
      buffer = null;
      return true;
    },
    lastUpdateId: () => id,
    top: (n) => ({ lastUpdateId: id ?? 0, bids: best(bids, n, -1), asks: best(asks, n, 1) }),
    counts: () => ({ applied, breaks }),
  };
}

function setLevels(side: Map<string, string>, levels: readonly WireLevel[]): void {
  for (const [price, quantity] of levels) {
    if (Number(quantity) === 0) side.delete(price);
    else side.set(price, quantity);
  }
}

function best(side: Map<string, string>, n: number, direction: 1 | -1): WireLevel[] {
  return [...side].sort(([a], [b]) => (Number(a) - Number(b)) * direction).slice(0, n);
}
