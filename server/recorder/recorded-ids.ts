import { recordId } from "../record.ts";
import { dateOf, dateStartUs, dayUs } from "../segment.ts";
import type { Stream } from "../stream.ts";
import { lastRecvUsOf, type ReadLines, readStored, recvUsOf, type StoredFile, storedFiles } from "./stored-lines.ts";

/** Receipt may be later than the trade by the delay, and earlier by what the local clock is slow, µs. */
const marginUs = 120_000_000;

/** Longest window that a segment may have been written with, µs. */
const longestWindowUs = 3_600_000_000;

/** Those of `ids` (of trades made in [fromUs, toUs]) that are on disk, in whatever file. */
export async function recordedIds(
  dataDir: string,
  stream: Stream,
  range: { ids: ReadonlySet<number>; fromUs: number; toUs: number },
  readLines: ReadLines,
): Promise<ReadonlySet<number>> {
  const [fromUs, toUs] = [range.fromUs - marginUs, range.toUs + marginUs];
  const found = new Set<number>();
  for (let us = fromUs; dateOf(us) <= dateOf(toUs); us += dayUs) {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(us) };
    for (const file of await storedFiles(dataDir, day)) {
      const startUs = startOf(file, day.date);
      if (startUs !== null && (startUs > toUs || startUs + longestWindowUs < fromUs)) continue;
      for await (const lines of readStored(file.path, readLines)) {
        if (recvUsOf(lines, 0) > toUs) break;
        if (lastRecvUsOf(lines) < fromUs) continue;
        for (const line of lines.toString().split("\n")) {
          const id = recordId(line, stream.type.kind);
          if (id !== null && range.ids.has(id)) found.add(id);
        }
      }
    }
  }
  return found;
}

/** µs; null for an archive, which covers the whole day. */
function startOf({ window }: StoredFile, date: string): number | null {
  if (window === null) return null;
  return dateStartUs(date) + (Number(window.slice(0, 2)) * 60 + Number(window.slice(3))) * 60_000_000;
}
