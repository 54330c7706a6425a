/** Watches which readers lag, so that a source which may wait does. */
export type Backpressure<K> = {
  /** The reader has this many bytes before it. */
  update(reader: K, bufferedBytes: number): void;
  /** The reader is gone. */
  forget(reader: K): void;
  /** Null while all readers keep up; otherwise resolves once they do again. */
  wait(): Promise<void> | null;
};

/** A reader lags from `high` bytes on until it is below `low`; in between its state does not change. */
export function createBackpressure<K>(high = 1024 * 1024, low = 256 * 1024): Backpressure<K> {
  const lagging = new Set<K>();
  let waiting: PromiseWithResolvers<void> | null = null;

  function settle(): void {
    if (lagging.size > 0) return;
    waiting?.resolve();
    waiting = null;
  }

  return {
    update(reader, bufferedBytes) {
      if (bufferedBytes >= high) lagging.add(reader);
      else if (bufferedBytes <= low && lagging.delete(reader)) settle();
    },
    forget(reader) {
      if (lagging.delete(reader)) settle();
    },
    wait() {
      if (lagging.size === 0) return null;
      waiting ??= Promise.withResolvers<void>();
      return waiting.promise;
    },
  };
}
