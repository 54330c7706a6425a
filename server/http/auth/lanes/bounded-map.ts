/** A map with an upper bound. A new entry then replaces the entry with the oldest `put`. */
export type BoundedMap<V> = {
  get(key: string): V | undefined;
  put(key: string, value: V): void;
  delete(key: string): void;
  /** Oldest first. */
  keys(): IterableIterator<string>;
  size(): number;
};

export function createBoundedMap<V>(most: number): BoundedMap<V> {
  const entries = new Map<string, V>();
  return {
    get: (key) => entries.get(key),
    put(key, value) {
      entries.delete(key);
      entries.set(key, value);
      const oldest = entries.keys().next().value;
      if (entries.size > most && oldest !== undefined) entries.delete(oldest);
    },
    delete: (key) => void entries.delete(key),
    keys: () => entries.keys(),
    size: () => entries.size,
  };
}
