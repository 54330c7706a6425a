import { basename, join } from "node:path";
import type { Day } from "../domain/day.ts";
import { FileError } from "../platform/errors.ts";
import { removeIfThere, writeDurably } from "../platform/files/durable-files.ts";
import { existsSync, mkdirSync, readFileSync, rmSync } from "../platform/files/files.ts";
import type { Manifest } from "../storage/manifest.ts";
import { datasetFolder, newDayFile, tableOf } from "./dataset-paths.ts";
import { commitDay, dataFilesOf, isCurrent, type ManifestDay, markOf } from "./day-commit.ts";
import type { AddFile } from "./delta/actions.ts";
import type { Snapshot } from "./delta/table-state.ts";
import { readParquetFacts } from "./parquet-facts.ts";
import type { DatasetTables } from "./tables.ts";
import type { DatasetNumbers, WriteParquet } from "./write-day.ts";

/** The dataset in the bucket. `server/app` makes it from the client of `server/upload`. */
export type BucketSite = {
  readonly tables: DatasetTables;
  /** Returns the day as its manifest in the bucket states it now; null without an archive that is complete there. */
  archivedDay(day: Day): Promise<ManifestDay | null>;
  /** Reads a day's archive from the bucket into a file. @throws if it is not what the manifest says */
  download(archived: ManifestDay, path: string): Promise<void>;
  /** Uploads a data file and verifies the object. An object of that name with the same content counts as uploaded. */
  upload(file: {
    readonly local: string;
    readonly table: string;
    readonly path: string;
    readonly sha256: string;
  }): Promise<void>;
  /** Removes the object of a data file, and the parts of its unfinished upload. */
  discard(table: string, path: string): Promise<void>;
  /** Returns true if this recorder may take a day out of the bucket's table because of its age. */
  mayExpire(file: AddFile): boolean;
};

export type DatasetUploadDeps = {
  readonly dataDir: string;
  readonly numbers: DatasetNumbers;
  readonly bucket: BucketSite;
  /** The tables on this disk, which may have the data file already. */
  readonly local: DatasetTables;
  readonly writeParquet: WriteParquet;
  readonly nowMs: () => number;
};

/**
 * Brings a day into the bucket's table, made from the archive that the bucket has: this disk's, or the union with other recorders'.
 *
 *   1. the data file is found on this disk, or written from the bucket's archive
 *   2. its name is saved on this disk                        a crash after step 3 leaves an object that step 2 of the next day removes
 *   3. the object is uploaded and verified                   the table has the old file, or no file
 *   4. the newest version of the table is read, then the manifest; if that has changed, the object is removed again
 *   5. one commit adds the file and removes the old file, if no other recorder was faster; else step 4 again
 *
 * Step 4 keeps an older archive from replacing a newer archive, in either order of commits.
 */
export async function uploadDatasetDay(
  day: Day,
  deps: DatasetUploadDeps,
): Promise<{ kind: "current" | "gone" | "waits" } | { kind: "written"; rows: number; bytes: number }> {
  const { bucket, numbers, nowMs, dataDir } = deps;
  const archived = await bucket.archivedDay(day);
  if (archived === null) return { kind: "gone" };
  const mark = markOf(archived, numbers);
  const { table } = bucket.tables.of(tableOf(day));
  const snapshot = await table.newest();
  if (isCurrent(snapshot, day, mark)) return { kind: "current" };
  const work = join(datasetFolder(dataDir), ".work");
  try {
    const { local, sha256, path } =
      (await fileOnDisk(day, mark, snapshot, deps)) ?? (await madeFile(archived, work, deps));
    const facts = readParquetFacts(local);
    if (facts.rows !== archived.manifest.rows)
      throw new FileError(
        "upload",
        local,
        `it has ${facts.rows} rows, the manifest in the bucket ${archived.manifest.rows}`,
      );
    await saveUpload({ table: tableOf(day), path }, deps);
    await bucket.upload({ local, table: tableOf(day), path, sha256 });
    const file = { path, facts, mark, archiveSha256: archived.manifest.compressed_sha256, sha256 };
    const mayCommit = async () => {
      const now = await bucket.archivedDay(day);
      return now !== null && markOf(now, numbers) === mark;
    };
    const after = await commitDay(table, day, file, { nowMs, mayCommit, recorders: recordersOf(archived.manifest) });
    if (after === null) await bucket.discard(tableOf(day), path);
    removeIfThere(uploadPath(dataDir));
    return after === null ? { kind: "waits" } : { kind: "written", rows: facts.rows, bytes: facts.bytes };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

type LocalFile = { readonly local: string; readonly sha256: string; readonly path: string };

/** Returns this disk's data file of the day if it was made from the same archive and settings; else null. */
async function fileOnDisk(day: Day, mark: string, there: Snapshot, deps: DatasetUploadDeps): Promise<LocalFile | null> {
  const snapshot = await deps.local.of(tableOf(day)).table.newest();
  const [file] = dataFilesOf(snapshot, day);
  const local = join(datasetFolder(deps.dataDir), tableOf(day), file?.path ?? "");
  if (file === undefined || file.tags.made_of !== mark || !existsSync(local)) return null;
  // A name that the bucket's table has had before is being removed there.
  const isTaken = there.files.has(file.path) || there.removed.has(file.path);
  return { local, sha256: file.tags.sha256 ?? "", path: isTaken ? newDayFile(day) : file.path };
}

/** Writes the data file from the bucket's archive. */
async function madeFile(archived: ManifestDay, work: string, deps: DatasetUploadDeps): Promise<LocalFile> {
  mkdirSync(work, { recursive: true });
  const archive = join(work, "archive.jsonl.zst");
  await deps.bucket.download(archived, archive);
  const path = newDayFile(archived.day);
  const local = join(work, basename(path));
  const { manifest, startsAfterGap } = archived;
  const source = { path: archive, manifest, gaps: manifest.gaps, startsAfterGap };
  const { sha256 } = await deps.writeParquet(source, local, deps.numbers);
  return { local, sha256, path };
}

type Upload = { readonly table: string; readonly path: string };

/** Saves which object is being uploaded. Removes the object of an earlier upload that was never committed. */
async function saveUpload(upload: Upload, { dataDir, bucket }: DatasetUploadDeps): Promise<void> {
  const record = uploadPath(dataDir);
  const earlier = readUpload(record);
  if (earlier !== null && earlier.path !== upload.path) {
    const { files, removed } = await bucket.tables.of(earlier.table).table.newest();
    if (!files.has(earlier.path) && !removed.has(earlier.path)) await bucket.discard(earlier.table, earlier.path);
  }
  writeDurably(record, JSON.stringify(upload));
}

function readUpload(record: string): Upload | null {
  try {
    const value: unknown = JSON.parse(readFileSync(record, "utf8"));
    const { table, path } = value as Partial<Upload>;
    return typeof table === "string" && typeof path === "string" ? { table, path } : null;
  } catch {
    // Absent, or torn by a power loss: an object may stay in the bucket that no version of the table names.
    return null;
  }
}

function uploadPath(dataDir: string): string {
  return join(datasetFolder(dataDir), ".uploading.json");
}

function recordersOf({ sources, recorder }: Manifest): readonly string[] {
  return (sources ?? [recorder]).map(({ id }) => id ?? "");
}
