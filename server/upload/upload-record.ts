import { join } from "node:path";
import { archivePath, type Day, dayOfPath, dayPath, temporarySuffix } from "../domain/day.ts";
import { codeOf } from "../platform/errors.ts";
import { removeIfThere } from "../platform/files/durable-files.ts";
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "../platform/files/files.ts";

/*
 * Records of a day's upload are beside its archive and are removed with it. If a record is lost, the bucket is asked again.
 *
 *   BTCUSDT-depth20-2026-11-21.uploaded.json     the object in the bucket that was verified
 *   BTCUSDT-depth20-2026-11-21.uploading.json    a started multipart upload, with the stored parts
 *
 * An object that is being replaced is recorded below `replacing/`, because its day may not be on this disk. Its manifest is removed
 * before the object changes, and this record restores it after a crash.
 */

/** The record of a day that the bucket has. */
export type Uploaded = {
  /** `endpoint/bucket/key`. The record is ignored for any other target. */
  readonly target: string;
  /** SHA-256 of this disk's archive that was uploaded or combined. */
  readonly compressed_sha256: string;
  /** SHA-256, ETag and size of the object; it differs from this disk's archive if archives were combined. */
  readonly object_sha256: string;
  readonly etag: string;
  readonly bytes: number;
  /**
   * How the object was verified: by the MD5 in its ETag, or by reading it back. "manifest": it already had a manifest, which only a
   * verified upload gets.
   */
  readonly verified_by: "etag" | "read_back" | "manifest";
  readonly uploaded_us: number;
  /** When a later check found the object still there; null before that. The archive stays on this disk until then. */
  readonly confirmed_us: number | null;
  /** When its content was last compared, not just its size; absent in records from before 0.3. */
  readonly proved_us?: number;
};

/** The record of an object that is being replaced, with its removed manifest. */
export type Replacing = {
  readonly target: string;
  /** ETag and manifest of the old object; null if absent. */
  readonly etag: string | null;
  readonly manifest: string | null;
  /** SHA-256 and manifest (`next`) of the new object. */
  readonly sha256: string;
  readonly next: string;
};

/** The record of an unfinished multipart upload. */
export type Uploading = {
  readonly target: string;
  readonly upload_id: string;
  /** SHA-256 of the uploaded file. */
  readonly sha256: string;
  readonly part_bytes: number;
  /** Stored parts, from the first on: the store's ETag, and the MD5 of the sent bytes. */
  readonly parts: readonly { readonly etag: string; readonly md5: string }[];
};

/** Returns the path of a day's upload record. */
export function uploadedPath(dataDir: string, day: Day): string {
  return archivePath(dataDir, day).replace(/\.jsonl\.zst$/, ".uploaded.json");
}

/** Returns the path of the record of a multipart upload. */
export function uploadingPath(dataDir: string, day: Day): string {
  return archivePath(dataDir, day).replace(/\.jsonl\.zst$/, ".uploading.json");
}

/** The record of an archive that is being removed from the bucket. */
export type Removing = { readonly target: string; readonly key: string; readonly etag: string };

type Stored = Uploaded | Uploading | Replacing | Removing;

/** Returns the folder of the records of objects that are being replaced. */
function replacingFolder(dataDir: string): string {
  return join(dataDir, "replacing");
}

/** Returns the path of the record of an object that is being replaced. */
export function replacingPath(dataDir: string, day: Day): string {
  return join(replacingFolder(dataDir), dayPath(day), "replacing.json");
}

/** Lists days whose object was being replaced when the process ended. */
export function daysBeingReplaced(dataDir: string): Day[] {
  try {
    const names = readdirSync(replacingFolder(dataDir), { recursive: true, encoding: "utf8" });
    return names
      .filter((name) => name.endsWith("/replacing.json"))
      .map(dayOfPath)
      .filter((day) => day !== null);
  } catch {
    return [];
  }
}

/** Reads a record; null if it is absent, or a crash left it unreadable. The bucket is asked then. */
export function readRecord<T extends Stored>(path: string): T | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof value === "object" && value !== null && "target" in value ? (value as T) : null;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Saves a record atomically; null removes it. */
export function writeRecord(path: string, record: Stored | null): void {
  if (record === null) {
    removeIfThere(path);
    return;
  }
  const temporary = path + temporarySuffix;
  const fd = openSync(temporary, "w");
  try {
    writeFileSync(fd, `${JSON.stringify(record)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}
