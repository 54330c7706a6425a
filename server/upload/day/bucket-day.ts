import { archivePath, type Day, manifestPath } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import type { BandwidthLimit } from "../../platform/fetch/bandwidth-limit.ts";
import { sha256OfObject } from "../store/object-content.ts";
import type { ObjectState, ObjectStore, ObjectText } from "../store/object-store.ts";
import { readRecord, type Uploaded, uploadedPath } from "../upload-record.ts";
import { etagOfFile } from "./upload-file.ts";

/** The fields of a manifest that uploading needs. */
export type Vouched = {
  /** The manifest itself, as stored. */
  readonly text: string;
  readonly raw_sha256: string;
  readonly compressed_sha256: string;
  readonly compressed_bytes: number;
  /** `raw_sha256` of each recorder's archive that was combined into this archive; empty if only one recorder recorded it. */
  readonly sources: readonly string[];
  /** `raw_sha256` of earlier archives of the same recorder. This archive contains all their rows. */
  readonly contains: readonly string[];
  /** The lowest and highest id; null if the manifest does not state them. */
  readonly ids: { readonly lowest: number; readonly highest: number } | null;
  /** A wrong clock stamped every record, so the date does not tell their age. */
  readonly hasWrongDate: boolean;
  /** The archives of adjacent days that this archive was compared with. */
  readonly borders: Borders;
  /** Ids of the recorders' data folders; null for a recorder without an id. */
  readonly recorders: readonly (string | null)[];
};

export type Borders = { readonly before: Border | null; readonly after: Border | null };
export type Border = { readonly sha256: string; readonly moved: boolean };

/** The state of a day in the bucket. */
export type BucketDay = {
  readonly day: Day;
  readonly key: string;
  readonly manifestKey: string;
  /** `endpoint/bucket/key` */
  readonly target: string;
  readonly state: ObjectState | null;
  /** The object under the manifest's key, valid or not; null if it does not exist. */
  readonly manifest: ObjectText | null;
  /** The parsed manifest; null unless it is valid, of this day, and states the size of the archive in the bucket. */
  readonly vouched: Vouched | null;
  /** The object under the manifest's key is not a manifest of this day. No recorder leaves it like that. */
  readonly isSpoilt: boolean;
};

export type BucketDayOptions = {
  readonly dataDir: string;
  /** Prefix of every key; empty, or ends with a slash. */
  readonly prefix: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly partBytes: number;
};

export type BucketDayDeps = {
  readonly store: ObjectStore;
  readonly pacer: BandwidthLimit;
  /** Parses a manifest; null if the text is not a manifest of the day. */
  readonly parseManifest: (text: string, day: Day) => Vouched | null;
};

/** Returns the key of a file's object: the prefix and the file's path below `archive/`. */
export function keyOf(prefix: string, path: string): string {
  return prefix + path.slice(path.lastIndexOf("/stream=") + 1);
}

/** Asks the bucket for a day: its manifest, and the size and ETag of its archive. @throws StoreProblem */
export async function lookAt(
  day: Day,
  options: BucketDayOptions,
  deps: Pick<BucketDayDeps, "store" | "parseManifest">,
): Promise<BucketDay> {
  const { dataDir, prefix } = options;
  const key = keyOf(prefix, archivePath(dataDir, day));
  const manifestKey = keyOf(prefix, manifestPath(dataDir, day));
  const target = `${options.endpoint}/${options.bucket}/${key}`;
  const manifest = await manifestAt(manifestKey, deps.store);
  const state = await deps.store.stat(key);
  const parsed = manifest === null ? null : deps.parseManifest(manifest.text, day);
  const vouched = parsed !== null && parsed.compressed_bytes === state?.bytes ? parsed : null;
  return { day, key, manifestKey, target, state, manifest, vouched, isSpoilt: manifest !== null && parsed === null };
}

/** Reads the object under the key of a manifest; null if absent. The text is empty if the object is too long for a manifest. */
export function manifestAt(key: string, store: ObjectStore): Promise<ObjectText | null> {
  return store.readText(key).catch((error: unknown) => {
    if (codeOf(error) === "TooLarge") return { text: "", etag: "" };
    throw error;
  });
}

/** Returns the local record of the upload to this bucket; null without a record, or if it is of another bucket. */
export function recordOf({ day, target }: BucketDay, dataDir: string): Uploaded | null {
  const record = readRecord<Uploaded>(uploadedPath(dataDir, day));
  return record?.target === target ? record : null;
}

/** How an object was found to match its manifest; "other": it does not match. */
export type Compared = "known" | "etag" | "read_back" | "other";

/**
 * Compares the content of an object with its manifest. The first method that applies is used:
 *
 *   "known"      the ETag was compared before
 *   "etag"       the object should be this disk's archive, and its ETag is the MD5 of that archive
 *   "read_back"  the whole object is read
 *
 * @throws StoreProblem
 */
export async function compareContent(
  bucketDay: BucketDay,
  own: Vouched | null,
  options: BucketDayOptions,
  deps: BucketDayDeps & { readonly read?: (readable: ReadableDay) => Promise<string> },
): Promise<Compared> {
  const { state, vouched, key, day } = bucketDay;
  if (state === null || vouched === null) return "other";
  const sha256 = vouched.compressed_sha256;
  const record = recordOf(bucketDay, options.dataDir);
  const isProved = record?.proved_us !== undefined || record?.verified_by === "etag";
  if (isProved && isChecksum(state.etag) && record.etag === state.etag && record.object_sha256 === sha256)
    return "known";
  if (own?.compressed_sha256 === sha256 && isChecksum(state.etag)) {
    const etag = await etagOfFile(archivePath(options.dataDir, day), own.compressed_bytes, options.partBytes);
    if (etag === state.etag) return "etag";
  }
  const read = deps.read ?? (() => sha256OfObject(deps.store, key, state, deps.pacer));
  return (await read({ key, state, vouched })) === sha256 ? "read_back" : "other";
}

/** An archive in the bucket that has a manifest. */
export type ReadableDay = { readonly key: string; readonly state: ObjectState; readonly vouched: Vouched };

/** Returns true if an ETag is an MD5 of the content, so that it changes with the content. */
export function isChecksum(etag: string): boolean {
  return /^[0-9a-f]{32}(?:-\d+)?$/i.test(etag);
}

/** Returns true if the archive of this manifest contains this disk's archive. */
export function holds(manifest: Vouched, own: Vouched): boolean {
  return manifest.raw_sha256 === own.raw_sha256 || manifest.sources.includes(own.raw_sha256);
}

/** Returns true if an archive in the bucket is exactly this disk's archive, not combined with another recorder's. */
export function isPlain(vouched: Vouched, own: Vouched): boolean {
  return vouched.compressed_sha256 === own.compressed_sha256 && vouched.sources.length === 0;
}
