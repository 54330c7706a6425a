import { join } from "node:path";
import { type Day, liveFolder, segmentOfPath } from "../../domain/day.ts";
import { existsSync, readdirSync } from "../../platform/files/files.ts";
import { type ReadLines, receiptsIn, storedDates } from "../../storage/list/stored-lines.ts";
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
    for (const path of segmentsOf(dataDir, day)) {
      const us = await lastOf(path, beforeUs, readLines);
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

/** Lists the segments of a day by name, newest first. If a segment is both raw and sealed, the raw file is listed. */
function segmentsOf(dataDir: string, day: Day): readonly string[] {
  const folder = liveFolder(dataDir, day);
  const found = namesIn(folder).flatMap((name) => segmentOfPath(join(folder, name)) ?? []);
  const byName = new Map(found.map(({ segment, state }) => [segment.name, state]));
  for (const { segment, state } of found) if (state === "open") byName.set(segment.name, state);
  return [...byName]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([name, state]) => join(folder, `${name}.jsonl${state === "open" ? "" : ".zst"}`));
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
