/** Measures how long the disk takes for operations, over all files. */
export type WriteLatency = {
  /** True if the disk was slow lately: then the calling thread must not wait for it. */
  isSlow(): boolean;
  /** Records how long an operation took, ms. */
  record(tookMs: number): void;
  /** Runs the work, records how long it takes, and counts it as pending meanwhile. */
  timed<T>(operation: string, path: string, work: () => Promise<T>): Promise<T>;
  /** As `timed`, for opening and closing a file, which may take longer. */
  timedRotation<T>(operation: string, path: string, work: () => Promise<T>): Promise<T>;
  /** Returns the longest pending operation, in words; null if it has not taken long. */
  stalled(): string | null;
};

/** Duration from which on an operation is slow, ms: far above a busy disk, far below what a socket's buffer bridges. */
const slowMs = 100;

/**
 * Duration from which on opening or syncing a file is slow, ms. Many files rotate at once, one after another, and wait for the platter.
 * A write only goes to memory, so slow rotations say little about writes.
 */
const slowRotationMs = 1000;

/** Time after the last slow operation during which the disk counts as slow, ms. */
const rememberMs = 60_000;

/** An operation that takes longer is reported as stalled, ms. */
const stalledMs = 1000;

/** Creates the measurement without observations. `nowMs`: a monotonic clock. */
export function createWriteLatency(nowMs: () => number = () => performance.now()): WriteLatency {
  let slowUntilMs = Number.NEGATIVE_INFINITY;
  /** In the order in which they began. */
  const pending = new Map<symbol, { readonly operation: string; readonly path: string; readonly startedMs: number }>();

  function record(tookMs: number, slowFromMs: number): void {
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
      record(nowMs() - startedMs, slowFromMs);
    }
  }

  return {
    isSlow: () => nowMs() < slowUntilMs,
    record: (tookMs) => record(tookMs, slowMs),
    timed: (operation, path, work) => watched(operation, path, work, slowMs),
    timedRotation: (operation, path, work) => watched(operation, path, work, slowRotationMs),
    stalled() {
      const [oldest] = pending.values();
      if (oldest === undefined) return null;
      const ms = nowMs() - oldest.startedMs;
      if (ms < stalledMs) return null;
      return `${oldest.operation} ${oldest.path}: it has been taking ${Math.round(ms / 1000)} s`;
    },
  };
}
