/**
 * Objects for which no manifest vouches. Another recorder may be between its archive and its manifest, so that such an object is left
 * alone for a while; then it is taken for what it is. Each is read once, not at every look.
 */
export type Unsettled = {
  /** Has this very object (its ETag) been without a manifest for `settleMs`? The first call begins to count. */
  isOver(key: string, etag: string, settleMs: number): boolean;
  /** SHA-256 of the object, if it was read; only for an ETag that is a checksum. */
  contentOf(key: string, etag: string): string | null;
  noteContent(key: string, etag: string, sha256: string): void;
  forget(key: string): void;
};

/** More at once are not what a bucket of ours looks like; the oldest are looked at again then. */
const mostObjects = 10_000;

/** Of nothing yet. `nowMs` never goes back. */
export function createUnsettled(nowMs: () => number): Unsettled {
  const objects = new Map<string, { readonly etag: string; readonly sinceMs: number; sha256: string | null }>();

  function entry(key: string, etag: string) {
    const known = objects.get(key);
    if (known?.etag === etag) return known;
    const begun = { etag, sinceMs: nowMs(), sha256: null };
    objects.delete(key);
    if (objects.size >= mostObjects) for (const oldest of [...objects.keys()].slice(0, 1)) objects.delete(oldest);
    objects.set(key, begun);
    return begun;
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
