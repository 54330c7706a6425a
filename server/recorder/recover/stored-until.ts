import { type Day, segmentPath } from "../../domain/day.ts";
import { type ReadLines, receiptsIn, segmentsOfDay, storedDates } from "../../storage/list/stored-lines.ts";
import { archivedUntilUs } from "./archived-until.ts";

/** Most segments of earlier runs that are read. After a step of the clock the last name is not the newest segment. */
const mostRead = 2;

/**
 * Returns the receipt of a stream's newest record before `beforeUs`, µs; 0 if there is none on disk. Backfilled trades do not count, because
 * they carry the exchange's time. Reads files in pieces.
 */
export async function storedUntilUs(
  dataDir: string,
  series: Pick<Day, "stream" | "symbol">,
  { beforeUs, readLines }: { readonly beforeUs: number; readonly readLines: ReadLines },
): Promise<number> {
  for (const date of await storedDates(dataDir, series)) {
    const day = { ...series, date };
    let newestUs = archivedUntilUs(dataDir, day);
    let read = 0;
    for (const { segment, state } of segmentsOfDay(dataDir, day).toReversed()) {
      const us = await lastOf(segmentPath(dataDir, segment, state), beforeUs, readLines);
      newestUs = Math.max(newestUs, us);
      if (us > 0 && ++read === mostRead) break;
    }
    if (newestUs > 0) return newestUs;
  }
  return 0;
}

async function lastOf(path: string, beforeUs: number, readLines: ReadLines): Promise<number> {
  let lastUs = 0;
  for await (const receipts of receiptsIn(path, readLines)) {
    for (const recvUs of receipts) {
      if (recvUs >= beforeUs) return lastUs;
      lastUs = recvUs;
    }
  }
  return lastUs;
}
