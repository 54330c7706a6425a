/** Facts about the records written to one segment, needed to determine what a truncated file has lost. */
export type WrittenBytes = {
  /** A batch was written to the file. */
  add(records: number, firstUs: number, lastUs: number): void;
  /** A check has shown that the file holds all records. */
  confirm(): void;
  records(): number;
  /** Receipt of the first and the last record, µs. */
  firstUs(): number;
  lastUs(): number;
  /** Receipt of the first record of the batch that starts at record number `record`, µs; undefined if no batch since the last check does. */
  batchAt(record: number): number | undefined;
};

/** Records that a file has lost: their number, and the time from the last kept record before to the first kept record after, µs. */
export type Loss = { readonly fromUs: number; readonly toUs: number; readonly records: number };

/** Most batches remembered since the last check. Forgotten batches can only make a gap too wide. */
const mostBatches = 4096;

/** Creates the facts of an empty segment whose first record was received at `startUs`. */
export function createWrittenBytes(startUs: number): WrittenBytes {
  const batches = new Map<number, number>();
  let records = 0;
  let firstUs = startUs;
  let lastUs = startUs;
  return {
    add(count, from, to) {
      if (records === 0) firstUs = from;
      if (batches.size < mostBatches) batches.set(records, from);
      records += count;
      lastUs = to;
    },
    confirm: () => batches.clear(),
    records: () => records,
    firstUs: () => firstUs,
    lastUs: () => lastUs,
    batchAt: (record) => batches.get(record),
  };
}

/** Creates the facts of a repaired file that holds records received at `times`. */
export function writtenAt(times: readonly number[], startUs: number): WrittenBytes {
  const written = createWrittenBytes(times[0] ?? startUs);
  const [first, last] = [times[0], times.at(-1)];
  if (first !== undefined && last !== undefined) written.add(times.length, first, last);
  written.confirm();
  return written;
}

/** Returns the loss of all records; null without records. */
export function lossOfAll(written: WrittenBytes): Loss | null {
  const records = written.records();
  return records === 0 ? null : { fromUs: written.firstUs(), toUs: written.lastUs() + 1, records };
}

/**
 * Returns the loss if the file holds only records received at `times`; null if all records are there.
 *
 * A truncated file loses records at its end and then grows by later batches. So it holds a beginning and some whole batches of the end:
 *
 *     written:  | batch 1 | batch 2 | batch 3 | batch 4 |
 *     kept:     | batch 1 | ba                | batch 4 |      loss: from the last record of "ba" to the first of batch 4
 *
 * If the border between beginning and end is unclear, the loss spans the whole file.
 */
export function tamperLoss(written: WrittenBytes, times: readonly number[]): Loss | null {
  const records = written.records() - times.length;
  if (records <= 0) return null;
  const lastKept = times.at(-1);
  if (lastKept === undefined) return lossOfAll(written);
  for (const [index, us] of times.entries()) {
    if (written.batchAt(index + records) !== us) continue;
    return { fromUs: index === 0 ? written.firstUs() : (times[index - 1] ?? us), toUs: us, records };
  }
  const isEndKept = lastKept === written.lastUs();
  return { fromUs: isEndKept ? written.firstUs() : lastKept, toUs: written.lastUs() + 1, records };
}
