/** The slowest pace at which a client may read. */
export type StallLimit = {
  /** Least bytes to read in each window, or all unread bytes if that is less. */
  readonly leastBytes: number;
  readonly windowMs: number;
};

/** Finds readers that do not read. Whoever waits for the slowest reader would wait for them for ever. */
export type StallWatch<K> = {
  /** The reader was handed this many bytes. */
  sent(reader: K, bytes: number): void;
  forget(reader: K): void;
  /** Readers that read too little, at `now` (ms); `buffered` returns the unread bytes of a reader. */
  stalled(now: number, buffered: (reader: K) => number): readonly K[];
};

type Window = { sinceMs: number; waiting: number };

export function createStallWatch<K>(limit: StallLimit): StallWatch<K> {
  const handed = new Map<K, number>();
  const windows = new Map<K, Window>();

  return {
    sent: (reader, bytes) => void handed.set(reader, (handed.get(reader) ?? 0) + bytes),
    forget(reader) {
      handed.delete(reader);
      windows.delete(reader);
    },
    stalled(now, buffered) {
      const found: K[] = [];
      for (const [reader, sent] of handed) {
        const waiting = buffered(reader);
        const window = windows.get(reader);
        handed.set(reader, 0);
        if (waiting === 0) windows.delete(reader);
        else if (window === undefined) windows.set(reader, { sinceMs: now, waiting });
        else {
          // All bytes sent since the window began are either read or buffered.
          window.waiting += sent;
          if (window.waiting - waiting >= limit.leastBytes) windows.set(reader, { sinceMs: now, waiting });
          else if (now - window.sinceMs >= limit.windowMs) found.push(reader);
        }
      }
      return found;
    },
  };
}
