/**
 * Remembers objects without a valid manifest. Another recorder may have uploaded its archive and not yet its manifest, so such an
 * object is left alone for a while. Each object is read only once.
 */
export type Unsettled = {
  /** Returns true if the object with this ETag has had no manifest for `settleMs`. The first call starts the time. */
  isOver(key: string, etag: string, settleMs: number): boolean;
  /** SHA-256 of the object; null if it was not read yet. */
  contentOf(key: string, etag: string): string | null;
  noteContent(key: string, etag: string, sha256: string): void;
  forget(key: string): void;
};

/** Limit of remembered objects; the oldest are forgotten and checked again. A normal bucket never has this many. */
const mostObjects = 10_000;

/** Creates an empty memory. `nowMs` must be monotonic. */
export function createUnsettled(nowMs: () => number): Unsettled {
  const objects = new Map<string, { readonly etag: string; readonly sinceMs: number; sha256: string | null }>();

  function entry(key: string, etag: string) {
    const known = objects.get(key);
    if (known?.etag === etag) return known;
    const fresh = { etag, sinceMs: nowMs(), sha256: null };
    objects.delete(key);
    if (objects.size >= mostObjects) for (const oldest of [...objects.keys()].slice(0, 1)) objects.delete(oldest);
    objects.set(key, fresh);
    return fresh;
  }

  return {
    isOver: (key, etag, settleMs) => nowMs() - entry(key, etag).sinceMs >= settleMs,
    contentOf: (key, etag) => entry(key, etag).sha256,
    noteContent(key, etag, sha256) {
      entry(key, etag).sha256 = sha256;
    },
    forget(key) {
      objects.delete(key);
    },
  };
}
