/** Something that is to happen at a time. */
export type Entry = { readonly atMs: number; readonly order: number; run: (() => void) | null };

/** True time and its scheduled events; the only source of order in a run. */
export type Scheduler = {
  /** True time, ms since the Unix epoch. */
  nowMs(): number;
  at(ms: number, run: () => void): Entry;
  after(ms: number, run: () => void): Entry;
  cancel(entry: Entry): void;
  /** Time passes within a turn: whoever runs is held up. */
  block(ms: number): void;
  /** Takes the next entry that is due by `endMs` and moves time to it; null if no entry is due. */
  take(endMs: number): (() => void) | null;
  /** Moves time on to `ms`. */
  moveTo(ms: number): void;
};

/** Begins at `startMs`. */
export function createScheduler(startMs: number): Scheduler {
  const heap: Entry[] = [];
  let nowMs = startMs;
  let order = 0;

  const isBefore = (a: Entry, b: Entry) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  function push(entry: Entry): void {
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  function pop(): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Entry, heap[below] as Entry)) below++;
      if (!isBefore(heap[below] as Entry, last)) break;
      heap[at] = heap[below] as Entry;
      at = below;
    }
    heap[at] = last;
  }

  function at(ms: number, run: () => void): Entry {
    const entry = { atMs: Math.max(ms, nowMs), order: order++, run };
    push(entry);
    return entry;
  }

  return {
    nowMs: () => nowMs,
    at,
    after: (ms, run) => at(nowMs + Math.max(0, ms), run),
    cancel(entry) {
      entry.run = null;
    },
    block(ms) {
      nowMs += ms;
    },
    take(endMs) {
      for (let first = heap[0]; first !== undefined; first = heap[0]) {
        if (first.run === null) {
          pop();
          continue;
        }
        if (first.atMs > endMs) return null;
        pop();
        nowMs = Math.max(nowMs, first.atMs);
        return first.run;
      }
      return null;
    },
    moveTo(ms) {
      nowMs = Math.max(nowMs, ms);
    },
  };
}
