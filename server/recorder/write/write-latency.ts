/** How long the disk takes for what is asked of it, all files together. */
export type WriteLatency = {
  /** The disk has lately been so slow that nothing may wait for it in the calling thread. */
  isSlow(): boolean;
  /** Notes how long an operation took, ms. */
  note(tookMs: number): void;
  /** Does the work, notes how long it takes, and knows of it as long as it lasts. */
  timed<T>(operation: string, path: string, work: () => Promise<T>): Promise<T>;
  /** The same for opening and closing a file, of which more is expected. */
  turning<T>(operation: string, path: string, work: () => Promise<T>): Promise<T>;
  /** The operation that has been under way longest, if that is worth a word; in words. */
  stalled(): string | null;
};

/** From here on an operation is slow: far above what a busy disk takes, far below what a socket's buffer bridges, ms. */
const slowMs = 100;

/**
 * Opening and syncing files go one after another while many rotate at once, and wait for the platter: that they take long says
 * little of a write, which goes to memory, ms.
 */
const slowTurnMs = 1000;

/** The disk counts as slow for so long after its last slow operation, ms. */
const rememberMs = 60_000;

/** An operation that takes longer is told of, ms. */
const stalledMs = 1000;

/** A disk of which nothing is known yet; `nowMs` need only never run backwards. */
export function createWriteLatency(nowMs: () => number = () => performance.now()): WriteLatency {
  let slowUntilMs = Number.NEGATIVE_INFINITY;
  /** In the order in which they began. */
  const pending = new Map<symbol, { readonly operation: string; readonly path: string; readonly startedMs: number }>();

  function note(tookMs: number, slowFromMs: number): void {
    if (tookMs >= slowFromMs) slowUntilMs = nowMs() + rememberMs;
  }

  async function watched<T>(operation: string, path: string, work: () => Promise<T>, slowFromMs: number): Promise<T> {
    const key = Symbol();
    const startedMs = nowMs();
    pending.set(key, { operation, path, startedMs });
    try {
      return await work();
    } finally {
      pending.delete(key);
      note(nowMs() - startedMs, slowFromMs);
    }
  }

  return {
    isSlow: () => nowMs() < slowUntilMs,
    note: (tookMs) => note(tookMs, slowMs),
    timed: (operation, path, work) => watched(operation, path, work, slowMs),
    turning: (operation, path, work) => watched(operation, path, work, slowTurnMs),
    stalled() {
      const [oldest] = pending.values();
      if (oldest === undefined) return null;
      const ms = nowMs() - oldest.startedMs;
      if (ms < stalledMs) return null;
      return `${oldest.operation} ${oldest.path}: it has been taking ${Math.round(ms / 1000)} s`;
    },
  };
}
