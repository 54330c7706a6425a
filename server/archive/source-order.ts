/**
 * Tells whether rows can come from so many recorders, each of whose ids rise. Rows are given one after another; each is put behind
 * the one below it that is highest, which needs as few rising sequences as there can be.
 */
export type SourceOrder = {
  /** From here on so many sequences are allowed. */
  allow(sources: number): void;
  /** A row with an id above all before it. */
  rise(id: number): void;
  /** A row with a lower id; false if there are not that many recorders. */
  fall(id: number): boolean;
  /** Was a row with this id among the last ones? */
  hasSeen(id: number): boolean;
  copy(): SourceOrder;
};

/** Rows that are remembered; a record that two recorders have lies as far apart as their delays differ. */
const rememberedRows = 32_768;

/** An order of no row yet, from one recorder. */
export function createSourceOrder(): SourceOrder {
  return orderOf(1, [], new Float64Array(rememberedRows).fill(-1), 0);
}

/** `ends` are the last ids of the sequences, highest first. */
function orderOf(allowed: number, ends: number[], seen: Float64Array, rows: number): SourceOrder {
  const note = (id: number) => {
    seen[rows % rememberedRows] = id;
    rows++;
  };
  return {
    allow(sources) {
      allowed = sources;
    },
    rise(id) {
      note(id);
      if (ends.length === 0) ends.push(id);
      else ends[0] = id;
    },
    fall(id) {
      note(id);
      const at = ends.findIndex((end) => end < id);
      if (at >= 0) ends[at] = id;
      else if (ends.length < allowed) ends.push(id);
      else return false;
      return allowed > 1;
    },
    hasSeen: (id) => seen.includes(id),
    copy: () => orderOf(allowed, [...ends], seen.slice(), rows),
  };
}
