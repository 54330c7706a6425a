import { longestLagUs } from "../../domain/ids/id-order.ts";

/**
 * Tests whether rows can come from the allowed number of recorders, given that the ids of each recorder rise.
 * Rows are added in order of receipt. Each row continues the sequence with the highest last id below its own, which needs the fewest
 * rising sequences. Late rows from a slower connection of the same recorder also count as in order.
 */
export type SourceOrder = {
  /** Sets the number of sequences that are allowed from here on. */
  allow(sources: number): void;
  /** Adds a row with an id above all earlier ids. `us` is its receipt time. */
  rise(id: number, us: number): void;
  /** Adds a row with a lower id. False if neither a slower connection (`mayBeLate`) nor the number of recorders explains it. */
  fall(id: number, us: number, mayBeLate: boolean): boolean;
  /** Tests whether a recent row has this id. */
  hasSeen(id: number): boolean;
  copy(): SourceOrder;
};

/** Number of rows remembered. Copies of a record from two recorders are as far apart as their delays differ. */
const rememberedRows = 32_768;

/**
 * The rows so far (`count`), of which the latest are remembered.
 * The first `settled` rows are so old that no row with an id below `settledHigh` can still be late.
 */
type Rows = {
  readonly ids: Float64Array;
  readonly times: Float64Array;
  count: number;
  settled: number;
  settledHigh: number;
};

/** Creates the order without rows, for one recorder. */
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
      saveRow(rows, id, us);
      if (ends.length === 0) ends.push(id);
      else ends[0] = id;
    },
    fall(id, us, mayBeLate) {
      const isLate = mayBeLate && isRecent(rows, id, us);
      saveRow(rows, id, us);
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

function saveRow(rows: Rows, id: number, us: number): void {
  if (rows.count - rows.settled >= rememberedRows) settleOldest(rows);
  rows.ids[rows.count % rememberedRows] = id;
  rows.times[rows.count % rememberedRows] = us;
  rows.count++;
}

/**
 * Tests that no row with a higher id was received long before. During a rollover the new connection may be faster than the old connection,
 * and the recorder keeps late records of the old connection. It remembers about as much of a 100 ms stream (`binance/gaps/recent-ids.ts`).
 */
function isRecent(rows: Rows, id: number, us: number): boolean {
  while (rows.settled < rows.count && (rows.times[rows.settled % rememberedRows] ?? 0) < us - longestLagUs)
    settleOldest(rows);
  return id > rows.settledHigh;
}

function settleOldest(rows: Rows): void {
  rows.settledHigh = Math.max(rows.settledHigh, rows.ids[rows.settled % rememberedRows] ?? 0);
  rows.settled++;
}
