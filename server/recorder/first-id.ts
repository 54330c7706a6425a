import { decodeLine, recordId } from "../record.ts";
import { dateOf } from "../segment.ts";
import type { Stream } from "../stream.ts";
import { lastRecvUsOf, type ReadLines, readStored, storedDates, storedFiles } from "./stored-lines.ts";

/**
 * The id of the first record of a stream that was received at `fromUs` or later, refetched ones left out; null if there is none.
 * Reads in pieces; ask for one stream at a time.
 */
export async function firstRecordedId(
  dataDir: string,
  stream: Stream,
  options: { fromUs: number; readLines: ReadLines },
): Promise<number | null> {
  const { fromUs, readLines } = options;
  const dates = (await storedDates(dataDir, stream)).filter((date) => date >= dateOf(fromUs)).sort();
  for (const date of dates) {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date };
    for (const { path } of await storedFiles(dataDir, day)) {
      for await (const lines of readStored(path, readLines)) {
        if (lastRecvUsOf(lines) < fromUs) continue;
        const id = firstOf(lines.toString().split("\n"), stream, fromUs);
        if (id !== null) return id;
      }
    }
  }
  return null;
}

function firstOf(lines: readonly string[], stream: Stream, fromUs: number): number | null {
  for (const line of lines) {
    const decoded = decodeLine(line);
    if (decoded !== null && !decoded.repaired && decoded.recvUs >= fromUs) return recordId(line, stream.type.kind);
  }
  return null;
}
