import { join } from "node:path";
import { decodeLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "../../platform/files/files.ts";

/** Bytes read from the end of a file. Far longer than any line. */
const tailBytes = 256 * 1024;

/** Returns `recv_us` of the last whole record in an open segment; null without whole record, or if it holds backfilled records. */
export function lastRecordUs(path: string): number | null {
  const lastUs = endOf(path)?.lastUs ?? 0;
  return lastUs === 0 ? null : lastUs;
}

/**
 * Reads the end of an open segment: its last whole record, the `recv_us` of it (0 without record) and whether a torn record follows.
 * Null if the segment is empty or holds backfilled records, whose `recv_us` is the time of the trade by the exchange's clock.
 */
export function endOf(
  path: string,
): { readonly last: string; readonly lastUs: number; readonly isTorn: boolean } | null {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const lines = bytes.toString().split("\n");
    const isTorn = lines.at(-1) !== "";
    while (lines.length > 0) {
      const last = lines.pop() ?? "";
      const record = decodeLine(last);
      if (record !== null) return record.repaired ? null : { last, lastUs: record.recvUs, isTorn };
    }
    return isTorn ? { last: "", lastUs: 0, isTorn } : null;
  } finally {
    closeSync(fd);
  }
}

/** Tests whether the data folder holds files of this stream. */
export function wasRecorded(dataDir: string, stream: Stream): boolean {
  const below = join(`stream=${stream.type.folder}`, `symbol=${stream.symbol}`);
  return existsSync(join(dataDir, "live", below)) || existsSync(join(dataDir, "archive", below));
}
