/** How long the disk takes for what is asked of it, all files together. */
export type DiskPace = {
  /** The disk has lately been so slow that nothing may wait for it in the calling thread. */
  isSlow(): boolean;
  /** Notes how long an operation took, ms. */
  note(tookMs: number): void;
  /** Does the work, notes how long it takes, and knows of it as long as it lasts. */
  timed<T>(operation: string, path: string, work: () => Promise<T>): Promise<T>;
  /** The operation that has been under way longest, if that is worth a word; in words. */
  stalled(): string | null;
};

/** From here on an operation is slow: far above what a busy disk takes, far below what a socket's buffer bridges, ms. */
const slowMs = 100;

/** The disk counts as slow for so long after its last slow operation, ms. */
const rememberMs = 60_000;

/** An operation that takes longer is told of, ms. */
const stalledMs = 1000;

/** A disk of which nothing is known yet; `nowMs` need only never run backwards. */
export function createDiskPace(nowMs: () => number = () => performance.now()): DiskPace {
  let slowUntilMs = Number.NEGATIVE_INFINITY;
  /** In the order in which they began. */
  const pending = new Map<symbol, { readonly operation: string; readonly path: string; readonly startedMs: number }>();

  function note(tookMs: number): void {
    if (tookMs >= slowMs) slowUntilMs = nowMs() + rememberMs;
  }

  return {
    isSlow: () => nowMs() < slowUntilMs,
    note,
    async timed(operation, path, work) {
      const key = Symbol();
      const startedMs = nowMs();
      pending.set(key, { operation, path, startedMs });
      try {
        return await work();
      } finally {
        pending.delete(key);
        note(nowMs() - startedMs);
      }
    },
    stalled() {
      const [oldest] = pending.values();
      if (oldest === undefined) return null;
      const ms = nowMs() - oldest.startedMs;
      if (ms < stalledMs) return null;
      return `${oldest.operation} ${oldest.path}: it has been taking ${Math.round(ms / 1000)} s`;
    },
  };
}
