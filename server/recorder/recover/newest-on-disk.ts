import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { type Day, liveFolder } from "../../domain/day.ts";
import { decodeLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { readFileSync, statSync } from "../../platform/files/files.ts";
import { lastRecordUs } from "../../storage/list/last-record.ts";
import { datesOnDisk, segmentFiles } from "../../storage/list/listing.ts";
import { archivedUntilUs } from "./archived-until.ts";

/** A larger sealed segment is not read, bytes; the time of its last change is used. */
const mostBytes = 4 * 1024 * 1024;

/** Most bytes that a segment may unpack to. Segments are closed before this size, so a larger file is not ours. */
const mostUnpacked = 80 * 1024 * 1024;

/** Most dates and most segments of a date that are looked at: some hold only backfilled trades, which do not count. */
const mostDates = 3;
const mostSegments = 6;

/** Smaller segments without records received live do not count either, up to a number: a long backfill writes one for each window, bytes. */
const smallBytes = 64 * 1024;
const mostSmall = 1000;

/** Newest segments with records received live that are read. After a step of the clock the last name is not the newest segment. */
const mostRead = 2;

/**
 * Returns the receipt of the newest record of these streams from `afterUs` on, µs; 0 if there is none. Reads only the newest files of each
 * stream: its last segments and its last manifest. Sealed segments that were last changed before `afterUs` are not read. Never throws.
 */
export function newestOnDiskUs(dataDir: string, streams: readonly Stream[], afterUs = 0): number {
  let newest = 0;
  for (const stream of streams) newest = Math.max(newest, newestOf(dataDir, stream, afterUs));
  return newest < afterUs ? 0 : newest;
}

function newestOf(dataDir: string, { type, symbol }: Stream, afterUs: number): number {
  const series = { stream: type.folder, symbol };
  for (const date of datesOnDisk(dataDir, series).toReversed().slice(0, mostDates)) {
    const day = { ...series, date };
    const us = Math.max(newestOfSegments(dataDir, day, afterUs), archivedUntilUs(dataDir, day));
    if (us > 0) return us;
  }
  return 0;
}

function newestOfSegments(dataDir: string, day: Day, afterUs: number): number {
  const folder = liveFolder(dataDir, day);
  let newest = 0;
  let read = 0;
  let counted = 0;
  for (const name of segmentFiles(dataDir, day).reverse().slice(0, mostSmall)) {
    const path = join(folder, name);
    try {
      const us = name.endsWith(".zst") ? lastOfSealed(path, afterUs) : (lastRecordUs(path) ?? 0);
      newest = Math.max(newest, us);
      if (us > 0 && ++read === mostRead) break;
      if ((us > 0 || statSync(path).size > smallBytes) && ++counted === mostSegments) break;
    } catch {
      // The merge reports what is wrong with the segment.
    }
  }
  return newest;
}

function lastOfSealed(path: string, afterUs: number): number {
  const { size, mtimeMs } = statSync(path);
  if (mtimeMs * 1000 < afterUs) return 0;
  // A segment is sealed after its last record.
  if (size > mostBytes) return Math.floor(mtimeMs * 1000);
  const text = zstdDecompressSync(readFileSync(path), { maxOutputLength: mostUnpacked }).toString("latin1");
  let us = 0;
  for (const line of text.slice(-256 * 1024).split("\n")) {
    const record = decodeLine(line);
    if (record !== null && !record.repaired) us = Math.max(us, record.recvUs);
  }
  return us;
}
