import { archivePath, type Day, manifestPath } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import type { BandwidthLimit } from "../bandwidth-limit.ts";
import { sha256OfObject } from "../store/object-content.ts";
import type { ObjectState, ObjectStore, ObjectText } from "../store/object-store.ts";
import { readRecord, type Uploaded, uploadedPath } from "../upload-record.ts";
import { etagOfFile } from "./upload-file.ts";

/** What a manifest says of its archive, as far as uploading wants to know. */
export type Vouched = {
  /** The manifest itself, as stored. */
  readonly text: string;
  readonly raw_sha256: string;
  readonly compressed_sha256: string;
  readonly compressed_bytes: number;
  /** `raw_sha256` of every recorder's archive that it is united from; empty for one recorder's own. */
  readonly sources: readonly string[];
  /** `raw_sha256` of earlier archives of the same recorder whose rows are all in it. */
  readonly contains: readonly string[];
  /** The lowest and the highest id; null if it does not say. */
  readonly ids: { readonly lowest: number; readonly highest: number } | null;
  /** A wrong clock has stamped every record, so that the date says nothing of their age. */
  readonly hasWrongDate: boolean;
  /** The archives beside that it was compared with. */
  readonly borders: Borders;
  /** The data folders that recorded it; null for one that is not named. */
  readonly recorders: readonly (string | null)[];
};

export type Borders = { readonly before: Border | null; readonly after: Border | null };
export type Border = { readonly sha256: string; readonly moved: boolean };

/** A day as the bucket has it. */
export type BucketDay = {
  readonly day: Day;
  readonly key: string;
  readonly manifestKey: string;
  /** `endpoint/bucket/key` */
  readonly target: string;
  readonly state: ObjectState | null;
  /** The manifest's object, whatever it says; null if there is none. */
  readonly manifest: ObjectText | null;
  /** What the manifest says; null unless it is one of this day, and of an archive of the size that is there. */
  readonly vouched: Vouched | null;
  /** There is something under the manifest's key that is none of this day: nobody leaves that on purpose. */
  readonly isSpoilt: boolean;
};

export type BucketDayOptions = {
  readonly dataDir: string;
  /** In front of every key; empty, or with a slash at its end. */
  readonly prefix: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly partBytes: number;
};

export type BucketDayDeps = {
  readonly store: ObjectStore;
  readonly pacer: BandwidthLimit;
  /** Null if the object is no manifest of the day. */
  readonly parseManifest: (text: string, day: Day) => Vouched | null;
};

/** Key of an object: as the file's path below `archive/`. */
export function keyOf(prefix: string, path: string): string {
  return prefix + path.slice(path.lastIndexOf("/stream=") + 1);
}

/** Asks the bucket for a day: its manifest, and size and ETag of its archive. */
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
  const said = manifest === null ? null : deps.parseManifest(manifest.text, day);
  const vouched = said !== null && said.compressed_bytes === state?.bytes ? said : null;
  return { day, key, manifestKey, target, state, manifest, vouched, isSpoilt: manifest !== null && said === null };
}

/** What lies under the key of a manifest; empty if it is longer than any of ours, and vouches for nothing. */
export function manifestAt(key: string, store: ObjectStore): Promise<ObjectText | null> {
  return store.readText(key).catch((error: unknown) => {
    if (codeOf(error) === "TooLarge") return { text: "", etag: "" };
    throw error;
  });
}

/** The record of what was uploaded to where the bucket is now, or null. */
export function recordOf({ day, target }: BucketDay, dataDir: string): Uploaded | null {
  const record = readRecord<Uploaded>(uploadedPath(dataDir, day));
  return record?.target === target ? record : null;
}

/** How an object was compared with what its manifest says, or "other" if it is something else. */
export type Compared = "known" | "etag" | "read_back" | "other";

/**
 * Compares an object's content with what its manifest says: by an ETag that was compared before, by the MD5 of this disk's archive
 * if it should be that, or else by reading all of it.
 */
export async function compareContent(
  found: BucketDay,
  own: Vouched | null,
  options: BucketDayOptions,
  deps: BucketDayDeps & { readonly read?: (found: ReadableDay) => Promise<string> },
): Promise<Compared> {
  const { state, vouched, key, day } = found;
  if (state === null || vouched === null) return "other";
  const sha256 = vouched.compressed_sha256;
  const record = recordOf(found, options.dataDir);
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

/** An archive of the bucket with a manifest. */
export type ReadableDay = { readonly key: string; readonly state: ObjectState; readonly vouched: Vouched };

/** An ETag of the kind that changes with the content; of any other kind nothing is known. */
export function isChecksum(etag: string): boolean {
  return /^[0-9a-f]{32}(?:-\d+)?$/i.test(etag);
}

/** Is an archive of ours in what this manifest vouches for? */
export function holds(manifest: Vouched, own: Vouched): boolean {
  return manifest.raw_sha256 === own.raw_sha256 || manifest.sources.includes(own.raw_sha256);
}

/** Is an archive of the bucket this disk's, and nobody else's? */
export function isPlain(vouched: Vouched, own: Vouched): boolean {
  return vouched.compressed_sha256 === own.compressed_sha256 && vouched.sources.length === 0;
}
