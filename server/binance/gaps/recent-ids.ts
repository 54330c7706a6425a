/** The newest ids of a stream, each with a mark of its content. */
export type RecentIds = {
  /** Highest id added, or set since; -Infinity while empty. */
  high(): number;
  /** Highest id ever added, also where it had jumped; -Infinity while empty. */
  top(): number;
  /** The next ids are expected behind this one, although some above it are remembered. */
  setHigh(id: number): void;
  /** The oldest id that is still remembered; -Infinity as long as nothing has been forgotten. */
  low(): number;
  add(id: number, mark: number): void;
  /** The mark of a remembered id, or null; of one that came with several contents `mark` if it is among them. */
  find(id: number, mark: number): number | null;
  /** What is remembered, oldest first. */
  entries(): { readonly ids: readonly number[]; readonly marks: readonly number[] };
};

/** Half a minute of a 100 ms stream. */
const size = 256;

/** An empty ring. Looking up costs what lies between the newest id and the wanted one. */
export function createRecentIds(): RecentIds {
  const ids = new Float64Array(size);
  const marks = new Int32Array(size);
  let count = 0;
  let high = Number.NEGATIVE_INFINITY;
  let top = Number.NEGATIVE_INFINITY;

  return {
    top: () => top,
    high: () => high,
    setHigh(id) {
      high = id;
    },
    low: () => (count < size ? Number.NEGATIVE_INFINITY : (ids[count % size] ?? 0)),
    add(id, mark) {
      ids[count % size] = id;
      marks[count % size] = mark;
      count++;
      if (id > high) high = id;
      if (id > top) top = id;
    },
    find(id, mark) {
      const oldest = Math.max(0, count - size);
      let found: number | null = null;
      for (let at = count - 1; at >= oldest; at--) {
        if (ids[at % size] !== id) continue;
        if (marks[at % size] === mark) return mark;
        found ??= marks[at % size] ?? 0;
      }
      return found;
    },
    entries() {
      const kept = Array.from({ length: Math.min(count, size) }, (_, n) => (Math.max(0, count - size) + n) % size);
      return { ids: kept.map((at) => ids[at] ?? 0), marks: kept.map((at) => marks[at] ?? 0) };
    },
  };
}

/** Event names and times stand in front of this, and differ between sockets for one and the same event. */
const contentFrom = 40;
/** Trades and the like are looked at in whole, books at so many places. */
const wholeUpTo = 512;
const samples = 48;

/** A number that two payloads of different content hardly share: their length and what stands in them, or in long ones here and there. */
export function contentMark(payload: string): number {
  const { length } = payload;
  const step = length <= wholeUpTo ? 1 : Math.ceil((length - contentFrom) / samples);
  let mark = length;
  for (let at = contentFrom; at < length; at += step) mark = (mark * 31 + payload.charCodeAt(at)) | 0;
  return mark;
}
