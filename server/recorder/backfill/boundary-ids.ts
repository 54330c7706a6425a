import { dateOf } from "../../domain/day.ts";
import { decodeLine, recordId } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { lastRecvUsOf, type ReadLines, readStored, storedDates, storedFiles } from "../../storage/list/stored-lines.ts";
import type { IdFile, IdFiles } from "./id-files.ts";

/** The newest record of a stream on disk. */
export type LastRecorded = { readonly id: number; readonly recvUs: number };

/**
 * The record of a stream of trades on disk behind which ids up to `belowId` may be missing: the highest id, or the one before a jump
 * among the last thousand records, since one id alone may have been a glitch. Ids alone tell, since the clock may have been wrong: files
 * of the future are looked at as well. What was received between `sinceUs` and `untilUs` is not asked for: some of it may have come late, with
 * lower ids. Null if no id below it is there; "anew" if what was recorded before `sinceUs` had higher ids. Ask for one stream at a time.
 */
export async function lastRecordedId(
  files: IdFiles,
  stream: Stream,
  options: { belowId: number; sinceUs: number; untilUs: number; readLines: ReadLines },
): Promise<LastRecorded | "anew" | null> {
  const isSince = ({ isRefetched, last, firstUs }: IdFile) =>
    !isRefetched && last === null && firstUs >= options.sinceUs && firstUs <= options.untilUs;
  const all = (await files.of(stream)).filter((file) => !isSince(file));
  const isAbove = (file: IdFile) =>
    !file.isRefetched && file.firstId >= options.belowId && file.firstUs < options.sinceUs;
  if (all.some(isAbove)) return "anew";
  const older = all.filter(({ firstId }) => firstId < options.belowId);
  const segments = older.filter(({ last }) => last === null);
  const live = await lastOf(
    segments.filter(({ isRefetched }) => !isRefetched),
    stream,
    options,
  );
  const archived = await lastOf(
    older.filter(({ last }) => last !== null && last.id > (live?.id ?? -1)),
    stream,
    options,
  );
  const known = higher(live, archived);
  const refetched = segments.filter(({ isRefetched, firstId }) => isRefetched && firstId > (known?.id ?? -1));
  return higher(known, await lastOf(refetched, stream, options));
}

/** Files that begin at the highest ids are read first. */
async function lastOf(
  group: readonly IdFile[],
  stream: Stream,
  options: { belowId: number; readLines: ReadLines },
): Promise<LastRecorded | null> {
  for (const file of group.toSorted((a, b) => b.firstId - a.firstId)) {
    if (file.last !== null && file.last.id < options.belowId) return file.last;
    const found = await lastOfFile(file, stream, options);
    if (found !== null) return found;
  }
  return null;
}

/** Records behind a jump that are not believed to prove that it was a hole. */
const doubtful = 1000;

async function lastOfFile(
  { path }: IdFile,
  stream: Stream,
  { belowId, readLines }: { belowId: number; readLines: ReadLines },
): Promise<LastRecorded | null> {
  let highest: LastRecorded | null = null;
  /** Jumps among the newest records: the record before, and its number. */
  let jumps: { readonly before: LastRecorded; readonly at: number }[] = [];
  let records = 0;
  for await (const lines of readStored(path, readLines)) {
    for (const line of lines.toString("latin1").split("\n")) {
      const id = recordId(line, stream.type.kind);
      if (id === null || id >= belowId) continue;
      records++;
      if (highest !== null && id <= highest.id) continue;
      if (highest !== null && id > highest.id + 1) jumps.push({ before: highest, at: records });
      highest = { id, recvUs: decodeLine(line)?.recvUs ?? 0 };
    }
    jumps = jumps.filter(({ at }) => records - at < doubtful).slice(0, doubtful);
  }
  return jumps.find(({ at }) => records - at < doubtful)?.before ?? highest;
}

function higher(a: LastRecorded | null, b: LastRecorded | null): LastRecorded | null {
  if (a === null || b === null) return a ?? b;
  return a.id >= b.id ? a : b;
}

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
