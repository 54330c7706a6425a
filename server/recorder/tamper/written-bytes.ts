/** What has been written to one segment, as far as it must be known to tell what a truncated file has lost. */
export type WrittenBytes = {
  /** A batch is in the file. */
  note(records: number, firstUs: number, lastUs: number): void;
  /** The file was found to hold all of it. */
  confirm(): void;
  records(): number;
  /** Receipt of the first and the last record, µs. */
  firstUs(): number;
  lastUs(): number;
  /** Receipt of the first record of the batch that begins with record number `record`, µs; undefined if none does since the last look. */
  batchAt(record: number): number | undefined;
};

/** Records that are gone from a file, and the time from the last one kept before to the first one kept after, µs. */
export type Loss = { readonly fromUs: number; readonly toUs: number; readonly records: number };

/** Batches since the last look; older ones are forgotten, which can only make a gap too wide. */
const mostBatches = 4096;

/** Nothing has been written; the first record was received at `startUs`. */
export function createWrittenBytes(startUs: number): WrittenBytes {
  const batches = new Map<number, number>();
  let records = 0;
  let firstUs = startUs;
  let lastUs = startUs;
  return {
    note(count, from, to) {
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

/** What a file holds after it was mended: records received at `times`. */
export function writtenAt(times: readonly number[], startUs: number): WrittenBytes {
  const written = createWrittenBytes(times[0] ?? startUs);
  const [first, last] = [times[0], times.at(-1)];
  if (first !== undefined && last !== undefined) written.note(times.length, first, last);
  written.confirm();
  return written;
}

/** All of it. */
export function lossOfAll(written: WrittenBytes): Loss | null {
  const records = written.records();
  return records === 0 ? null : { fromUs: written.firstUs(), toUs: written.lastUs() + 1, records };
}

/**
 * What is lost if the file holds records received at `times` and no others. A file is cut at its end and goes on with later batches, so what
 * is left is the beginning and some whole batches of the end. If it is not clear where one ends and the other begins, the loss spans all.
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
