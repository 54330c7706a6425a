import { windowOf } from "../../domain/day.ts";

/** Lines of one segment window that are in memory. */
export type LineBatch = {
  lines: string;
  records: number;
  /** Characters reserved in the memory limit. */
  held: number;
  readonly firstUs: number;
  lastUs: number;
  readonly windowEndUs: number;
  /** Increases when all segments are closed. Batches of different generations go to different files. */
  readonly generation: number;
};

/** Most characters of one batch. A write copies its batch, which must stay small compared with the memory limit. */
const largestBatch = 1024 * 1024;

/** Creates the queue of one stream's batches on their way to disk, oldest first. */
export function createLineBatches(segmentMinutes: number) {
  /** Holds several batches only around the end of a window, and while the disk is slow or fails. */
  const queue: LineBatch[] = [];
  /** The batch for the next record of the same window. */
  let current: LineBatch | null = null;
  let generation = 0;

  return {
    /** Returns the batch for a record of this time. Calls `onNew` if the batch is new. */
    batchFor(recvUs: number, onNew: () => void): LineBatch {
      if (current === null || recvUs >= current.windowEndUs || current.held >= largestBatch) {
        const windowEndUs = windowOf(recvUs, segmentMinutes).endUs;
        current = { lines: "", records: 0, held: 0, firstUs: recvUs, lastUs: recvUs, windowEndUs, generation };
        queue.push(current);
        onNew();
      }
      return current;
    },
    /** Later records start a new batch. */
    cut(): void {
      current = null;
    },
    /** Later records start a new batch in a new file. */
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
