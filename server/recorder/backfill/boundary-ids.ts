import { dateOf } from "../../domain/day.ts";
import { decodeLine, recordId } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import {
  lastRecvUsOf,
  listAndRead,
  type ReadFile,
  type ReadLines,
  storedDates,
  storedFiles,
} from "../../storage/list/stored-lines.ts";
import type { IdFile, IdFiles } from "./id-files.ts";

/** The newest record of a stream on disk. */
export type LastRecorded = { readonly id: number; readonly recvUs: number };

/**
 * Finds the last record of a trade stream on disk before `belowId`. Ids between both may be missing.
 *
 * - It is the record with the highest id. If ids jumped within the last thousand records, it is the record before the jump: a single id may
 *   have been a glitch.
 * - Only ids decide, because the clock may have been wrong. Files with future dates are read too.
 * - Records received between `sinceUs` and `untilUs` do not count: some may have come late, with lower ids.
 *
 * Null if there is no id below `belowId`. "anew" if records from before `sinceUs` have higher ids: the ids have restarted.
 * Ask for one stream at a time.
 */
export function lastRecordedId(
  files: IdFiles,
  stream: Stream,
  options: { belowId: number; sinceUs: number; untilUs: number; readLines: ReadLines },
): Promise<LastRecorded | "anew" | null> {
  return listAndRead((readFile) => findLast(files, stream, { ...options, readFile }));
}

async function findLast(
  files: IdFiles,
  stream: Stream,
  options: { belowId: number; sinceUs: number; untilUs: number; readLines: ReadLines; readFile: ReadFile },
): Promise<LastRecorded | "anew" | null> {
  const isSince = ({ isBackfilled, last, firstUs }: IdFile) =>
    !isBackfilled && last === null && firstUs >= options.sinceUs && firstUs <= options.untilUs;
  const all = (await files.of(stream, options.readFile)).filter((file) => !isSince(file));
  const isAbove = (file: IdFile) =>
    !file.isBackfilled && file.firstId >= options.belowId && file.firstUs < options.sinceUs;
  if (all.some(isAbove)) return "anew";
  const older = all.filter(({ firstId }) => firstId < options.belowId);
  const segments = older.filter(({ last }) => last === null);
  const live = await lastOf(
    segments.filter(({ isBackfilled }) => !isBackfilled),
    stream,
    options,
  );
  const archived = await lastOf(
    older.filter(({ last }) => last !== null && last.id > (live?.id ?? -1)),
    stream,
    options,
  );
  const known = higher(live, archived);
  const backfilled = segments.filter(({ isBackfilled, firstId }) => isBackfilled && firstId > (known?.id ?? -1));
  return higher(known, await lastOf(backfilled, stream, options));
}

/** Returns the last record of a group of files. Files with the highest first ids are read first. */
async function lastOf(
  group: readonly IdFile[],
  stream: Stream,
  options: { belowId: number; readLines: ReadLines; readFile: ReadFile },
): Promise<LastRecorded | null> {
  for (const file of group.toSorted((a, b) => b.firstId - a.firstId)) {
    if (file.last !== null && file.last.id < options.belowId) return file.last;
    const lastOfThis = await lastOfFile(file, stream, options);
    if (lastOfThis !== null) return lastOfThis;
  }
  return null;
}

/** Records after a jump of ids that do not yet prove missing ids; more records prove them. */
const doubtfulRecords = 1000;

async function lastOfFile(
  { path }: IdFile,
  stream: Stream,
  { belowId, readLines, readFile }: { belowId: number; readLines: ReadLines; readFile: ReadFile },
): Promise<LastRecorded | null> {
  let highest: LastRecorded | null = null;
  /** Jumps of ids among the newest records: the record before the jump, and its number. */
  let jumps: { readonly before: LastRecorded; readonly at: number }[] = [];
  let records = 0;
  for await (const lines of readFile(path, readLines)) {
    for (const line of lines.toString("latin1").split("\n")) {
      const id = recordId(line, stream.type.kind);
      if (id === null || id >= belowId) continue;
      records++;
      if (highest !== null && id <= highest.id) continue;
      if (highest !== null && id > highest.id + 1) jumps.push({ before: highest, at: records });
      highest = { id, recvUs: decodeLine(line)?.recvUs ?? 0 };
    }
    jumps = jumps.filter(({ at }) => records - at < doubtfulRecords).slice(0, doubtfulRecords);
  }
  return jumps.find(({ at }) => records - at < doubtfulRecords)?.before ?? highest;
}

function higher(a: LastRecorded | null, b: LastRecorded | null): LastRecorded | null {
  if (a === null || b === null) return a ?? b;
  return a.id >= b.id ? a : b;
}

/**
 * Returns the id of a stream's first record that was received at `fromUs` or later; backfilled records do not count. Null without such a record.
 * Reads files in pieces. Ask for one stream at a time.
 */
export function firstRecordedId(
  dataDir: string,
  stream: Stream,
  options: { fromUs: number; readLines: ReadLines },
): Promise<number | null> {
  return listAndRead((readFile) => findFirst(dataDir, stream, { ...options, readFile }));
}

async function findFirst(
  dataDir: string,
  stream: Stream,
  options: { fromUs: number; readLines: ReadLines; readFile: ReadFile },
): Promise<number | null> {
  const { fromUs, readLines, readFile } = options;
  const dates = (await storedDates(dataDir, { stream: stream.type.folder, symbol: stream.symbol }))
    .filter((date) => date >= dateOf(fromUs))
    .sort();
  for (const date of dates) {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date };
    for (const { path } of await storedFiles(dataDir, day)) {
      for await (const lines of readFile(path, readLines)) {
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
