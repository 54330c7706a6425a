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
 * What is known of a day's upload lies beside its archive, goes with it, and is worth nothing without it: whoever loses it
 * finds out from the bucket again.
 *
 *   BTCUSDT-depth20-2026-11-21.uploaded.json     what the bucket has verifiably got
 *   BTCUSDT-depth20-2026-11-21.uploading.json    a multipart upload that was begun, with the parts that have arrived
 *
 * An object of the bucket that is being replaced is written down below `replacing/`, since it may be of a day that this disk has not
 * got: its manifest goes before it changes, and comes back whatever happens in between.
 */

/** A day that the bucket has got. */
export type Uploaded = {
  /** `endpoint/bucket/key`; another target means that nothing is uploaded there yet. */
  readonly target: string;
  /** SHA-256 of the archive on this disk that was uploaded or united. */
  readonly compressed_sha256: string;
  /** SHA-256, ETag and size of the object, which is another archive where recorders were united. */
  readonly object_sha256: string;
  readonly etag: string;
  readonly bytes: number;
  /**
   * By which the object was compared with what was sent: the MD5 in its ETag, or all of it read again; "manifest" if it was there
   * already, with the manifest that only a verified upload gets.
   */
  readonly verified_by: "etag" | "read_back" | "manifest";
  readonly uploaded_us: number;
  /** When it was seen to be still there, some time later; null until then. Nothing is removed from this disk before. */
  readonly confirmed_us: number | null;
  /** When its content was last compared, not just its size; records of before 0.3 do not say. */
  readonly proved_us?: number;
};

/** An object that is being replaced, with the manifest that goes for the time being. */
export type Replacing = {
  readonly target: string;
  /** ETag and manifest of the object as it was; null if there was none. */
  readonly etag: string | null;
  readonly manifest: string | null;
  /** SHA-256 of the new object, and its manifest. */
  readonly sha256: string;
  readonly next: string;
};

/** A multipart upload that is under way or was when the process ended. */
export type Uploading = {
  readonly target: string;
  readonly upload_id: string;
  /** SHA-256 of the file that it is made of. */
  readonly sha256: string;
  readonly part_bytes: number;
  /** From the first on: the store's ETag and our MD5. */
  readonly parts: readonly { readonly etag: string; readonly md5: string }[];
};

/** Path of the record of what was uploaded. */
export function uploadedPath(dataDir: string, day: Day): string {
  return archivePath(dataDir, day).replace(/\.jsonl\.zst$/, ".uploaded.json");
}

/** Path of the record of a multipart upload. */
export function uploadingPath(dataDir: string, day: Day): string {
  return archivePath(dataDir, day).replace(/\.jsonl\.zst$/, ".uploading.json");
}

/** An archive that is being removed from the bucket, its manifest first. */
export type Removing = { readonly target: string; readonly key: string; readonly etag: string };

type Stored = Uploaded | Uploading | Replacing | Removing;

/** Folder of what is being replaced. */
export function replacingFolder(dataDir: string): string {
  return join(dataDir, "replacing");
}

/** Path of the record of an object that is being replaced. */
export function replacingPath(dataDir: string, day: Day): string {
  return join(replacingFolder(dataDir), dayPath(day), "replacing.json");
}

/** Days of which an object was being replaced when the process ended. */
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

/** A record of any kind, or null where there is none or a crash left it unreadable: the bucket is asked then. */
export function readRecord<T extends Stored>(path: string): T | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof value === "object" && value !== null && "target" in value ? (value as T) : null;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Stores a record, atomically; null removes it. */
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
