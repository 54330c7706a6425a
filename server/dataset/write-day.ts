import { basename, dirname, join } from "node:path";
import { archivePath, type Day, dayBefore, manifestPath } from "../domain/day.ts";
import { codeOf, FileError } from "../platform/errors.ts";
import { removeIfThere, syncFolder } from "../platform/files/durable-files.ts";
import { existsSync, readFileSync, statSync } from "../platform/files/files.ts";
import { namesIn } from "../platform/files/names-in.ts";
import { archiveEndsInGap } from "../storage/day-end.ts";
import { type Manifest, parseManifest } from "../storage/manifest.ts";
import { datasetFolder, isDataFile, newDayFile, partitionPath, tableOf } from "./dataset-paths.ts";
import { commitDay, dataFilesOf, isCurrent, type ManifestDay, markOf } from "./day-commit.ts";
import type { Table } from "./delta/commit.ts";
import type { Snapshot } from "./delta/table-state.ts";
import { readParquetFacts } from "./parquet-facts.ts";

/** Storage types of decimals in the dataset. */
export const datasetNumbers = ["float64", "decimal"] as const;
export type DatasetNumbers = (typeof datasetNumbers)[number];

/** Writes an archived day to a Parquet file that appears when it is complete and synced. `server/export` has it. */
export type WriteParquet = (
  source: {
    readonly path: string;
    readonly manifest: Manifest;
    readonly gaps: Manifest["gaps"];
    readonly startsAfterGap: boolean;
  },
  target: string,
  numbers: DatasetNumbers,
) => Promise<{ readonly rows: number; readonly sha256: string }>;

export type WriteDayDeps = {
  readonly dataDir: string;
  readonly numbers: DatasetNumbers;
  readonly table: Table;
  readonly writeParquet: WriteParquet;
  readonly nowMs: () => number;
};

/** "current": the table already has the day as it is. "gone": the day has no archive. */
export type WrittenDay =
  | { readonly kind: "current" | "gone" }
  | { readonly kind: "written"; readonly rows: number; readonly bytes: number };

/**
 * Writes an archived day to the table of its stream, unless the table has it already. Crash protocol:
 *
 *   1. files of this day that no version of the table names are removed    left by a crash before step 3
 *   2. the Parquet file is written, synced and named                       the table has the old file, or no file
 *   3. one commit adds the file and removes the old file                   the table has the new file
 *   4. the old file stays for readers of the old version (sweep.ts)
 *
 * The archive is only read. A full disk stops step 2 or 3, and the table stays as it was.
 *
 * @throws FileError if the archive cannot be read, or the file or the commit cannot be written
 */
export async function writeDay(day: Day, deps: WriteDayDeps): Promise<WrittenDay> {
  const { dataDir, numbers, table, writeParquet, nowMs } = deps;
  const archived = readArchivedDay(dataDir, day);
  if (archived === null) return { kind: "gone" };
  const { manifest, startsAfterGap } = archived;
  const mark = markOf(archived, numbers);
  const snapshot = await table.newest();
  const root = join(datasetFolder(dataDir), tableOf(day));
  const isThere = dataFilesOf(snapshot, day).every((file) => existsSync(join(root, file.path)));
  if (isThere && isCurrent(snapshot, day, mark)) return { kind: "current" };
  removeUnnamed(root, day, snapshot);
  const path = newDayFile(day);
  const source = { path: archivePath(dataDir, day), manifest, gaps: manifest.gaps, startsAfterGap };
  const { rows, sha256 } = await writeParquet(source, join(root, path), numbers);
  const facts = readParquetFacts(join(root, path));
  if (rows !== manifest.rows || facts.rows !== manifest.rows)
    throw new FileError("write", join(root, path), `it has ${facts.rows} rows, its manifest ${manifest.rows}`);
  syncFolders(root, dirname(join(root, path)));
  const file = { path, facts, mark, archiveSha256: manifest.compressed_sha256, sha256 };
  // During an upgrade the other process may have taken the file for a leftover.
  const mayCommit = async () => existsSync(join(root, path));
  if ((await commitDay(table, day, file, { nowMs, mayCommit })) === null)
    throw new FileError("commit", join(root, path), "it was removed before its commit");
  return { kind: "written", rows, bytes: facts.bytes };
}

/** Reads an archived day from its manifest on this disk; null without one. @throws FileError */
export function readArchivedDay(dataDir: string, day: Day): ManifestDay | null {
  const path = manifestPath(dataDir, day);
  try {
    const manifest = parseManifest(readFileSync(path, "utf8"));
    return { day, manifest, startsAfterGap: archiveEndsInGap(dataDir, dayBefore(day)) ?? false };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw new FileError("read", path, error);
  }
}

/** Removes data files of a day that neither the newest version names nor a reader of an older version can. */
function removeUnnamed(root: string, day: Day, { files, removed }: Snapshot): void {
  const partition = partitionPath(day);
  for (const name of namesIn(join(root, partition))) {
    const path = `${partition}/${basename(name)}`;
    if (isDataFile(name) && !files.has(path) && !removed.has(path)) removeIfThere(join(root, path));
  }
}

/** Makes the folders from the table down to a data file survive a power loss: the log must never name a file that is gone. */
function syncFolders(root: string, folder: string): void {
  for (let at = folder; at.length >= root.length; at = dirname(at)) syncFolder(at);
}

/** A data file takes at most this many times the bytes of its archive (measured: 2 to 6), and a bit for the log. */
const growth = 8;
const spareBytes = 16 * 1024 * 1024;

/** Throws ENOSPC if writing a day might take more than `room` bytes. */
export function refuseWithoutRoom(dataDir: string, day: Day, room: number): void {
  const bytes = statSync(archivePath(dataDir, day), { throwIfNoEntry: false })?.size ?? 0;
  if (bytes * growth + spareBytes <= room) return;
  throw Object.assign(new Error("the disk has too little room for it"), { code: "ENOSPC" });
}
