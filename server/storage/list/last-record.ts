import { join } from "node:path";
import { decodeLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "../../platform/files/files.ts";

/** Far above any line. */
const window = 256 * 1024;

/**
 * `recv_us` of the last whole record in a raw segment, whose tail may be torn; null if it holds none, or refetched ones: those bear the
 * time of the trade, by the exchange's clock.
 */
export function lastRecordUs(path: string): number | null {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, window));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const lines = bytes.toString().split("\n");
    while (lines.length > 0) {
      const record = decodeLine(lines.pop() ?? "");
      if (record !== null) return record.repaired ? null : record.recvUs;
    }
    return null;
  } finally {
    closeSync(fd);
  }
}

/** True if the data folder holds anything of this stream. */
export function wasRecorded(dataDir: string, stream: Stream): boolean {
  const below = join(`stream=${stream.type.folder}`, `symbol=${stream.symbol}`);
  return existsSync(join(dataDir, "live", below)) || existsSync(join(dataDir, "archive", below));
}
