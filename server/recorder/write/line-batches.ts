import { windowOf } from "../../domain/day.ts";

/** Lines of one window that are still in memory. */
export type LineBatch = {
  lines: string;
  records: number;
  /** Characters that count against the memory bound. */
  held: number;
  readonly firstUs: number;
  lastUs: number;
  readonly windowEndUs: number;
  /** Goes up when all segments are closed: batches of different ones do not share a file. */
  readonly generation: number;
};

/** Characters of one batch: what is written at once is copied, and must stay small beside what may be held. */
const largestBatch = 1024 * 1024;

/** The lines of one stream on their way to the disk, oldest first. */
export function createLineBatches(segmentMinutes: number) {
  /** More than one only around a window's border and while the disk is slow or fails. */
  const queue: LineBatch[] = [];
  /** Where the next record goes, if it is of the same window. */
  let current: LineBatch | null = null;
  let generation = 0;

  return {
    /** The batch that takes a record of this time, and whether it is new. */
    batchFor(recvUs: number, onNew: () => void): LineBatch {
      if (current === null || recvUs >= current.windowEndUs || current.held >= largestBatch) {
        const windowEndUs = windowOf(recvUs, segmentMinutes).endUs;
        current = { lines: "", records: 0, held: 0, firstUs: recvUs, lastUs: recvUs, windowEndUs, generation };
        queue.push(current);
        onNew();
      }
      return current;
    },
    /** What arrives from here on joins no batch of before. */
    cut(): void {
      current = null;
    },
    /** The same, and goes to another file. */
    nextGeneration(): void {
      current = null;
      generation++;
    },
    generation: () => generation,
    oldest: (): LineBatch | undefined => queue[0],
    newest: (): LineBatch | undefined => queue.at(-1),
    shift: (): LineBatch | undefined => queue.shift(),
    records: () => queue.reduce((sum, batch) => sum + batch.records, 0),
  };
}
