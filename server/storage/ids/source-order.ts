/**
 * Tells whether rows can come from so many recorders, each of whose ids rise. Rows are given one after another, in order of receipt; each is
 * put behind the one below it that is highest, which needs as few rising sequences as there can be. Rows that a slower connection of the
 * same recorder has brought late are in order as well.
 */
export type SourceOrder = {
  /** From here on so many sequences are allowed. */
  allow(sources: number): void;
  /** A row with an id above all before it; `us` is its receipt. */
  rise(id: number, us: number): void;
  /** A row with a lower id; false if neither a slower connection (`mayBeLate`) nor the number of recorders explains it. */
  fall(id: number, us: number, mayBeLate: boolean): boolean;
  /** Was a row with this id among the last ones? */
  hasSeen(id: number): boolean;
  copy(): SourceOrder;
};

/** Rows that are remembered; a record that two recorders have lies as far apart as their delays differ. */
const rememberedRows = 32_768;

/**
 * How long after a row with a higher id a row may be received, µs. While connections change, the new one may be quicker than the old one;
 * the recorder keeps what the old one then brings first. It remembers about as much of a stream of 100 ms (`binance/id-ring.ts`).
 */
const lateUs = 30_000_000;

/** `count` rows so far; the newest are remembered. `settled` of them came so long ago that nothing below `settledHigh` can be late. */
type Rows = {
  readonly ids: Float64Array;
  readonly times: Float64Array;
  count: number;
  settled: number;
  settledHigh: number;
};

/** An order of no row yet, from one recorder. */
export function createSourceOrder(): SourceOrder {
  const ids = new Float64Array(rememberedRows).fill(-1);
  const times = new Float64Array(rememberedRows);
  return orderOf(1, [], { ids, times, count: 0, settled: 0, settledHigh: -1 });
}

/** `ends` are the last ids of the sequences, highest first. */
function orderOf(allowed: number, ends: number[], rows: Rows): SourceOrder {
  return {
    allow(sources) {
      allowed = sources;
    },
    rise(id, us) {
      note(rows, id, us);
      if (ends.length === 0) ends.push(id);
      else ends[0] = id;
    },
    fall(id, us, mayBeLate) {
      const isLate = mayBeLate && isRecent(rows, id, us);
      note(rows, id, us);
      if (isLate) return true;
      const at = ends.findIndex((end) => end < id);
      if (at >= 0) ends[at] = id;
      else if (ends.length < allowed) ends.push(id);
      else return false;
      return allowed > 1;
    },
    hasSeen: (id) => rows.ids.includes(id),
    copy: () => orderOf(allowed, [...ends], { ...rows, ids: rows.ids.slice(), times: rows.times.slice() }),
  };
}

function note(rows: Rows, id: number, us: number): void {
  if (rows.count - rows.settled >= rememberedRows) settleOne(rows);
  rows.ids[rows.count % rememberedRows] = id;
  rows.times[rows.count % rememberedRows] = us;
  rows.count++;
}

/** True if no row with a higher id was received long before. */
function isRecent(rows: Rows, id: number, us: number): boolean {
  while (rows.settled < rows.count && (rows.times[rows.settled % rememberedRows] ?? 0) < us - lateUs) settleOne(rows);
  return id > rows.settledHigh;
}

function settleOne(rows: Rows): void {
  rows.settledHigh = Math.max(rows.settledHigh, rows.ids[rows.settled % rememberedRows] ?? 0);
  rows.settled++;
}
