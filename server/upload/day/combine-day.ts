import { join } from "node:path";
import { type Day, quarantineFolder } from "../../domain/day.ts";
import { freePath } from "../../platform/files/durable-files.ts";
import { mkdirSync, readdirSync, renameSync, rmSync } from "../../platform/files/files.ts";
import { statfs } from "../../platform/files/files-async.ts";
import { download } from "../store/object-content.ts";
import { StoreProblem } from "../store/store-errors.ts";
import type { BucketDay, Vouched } from "./bucket-day.ts";
import { type Beside, type BesideDeps, unlessRefused } from "./day-borders.ts";
import { type Placed, putManifest, type ReplaceDeps, type ReplaceOptions, replaceObject } from "./replace-object.ts";

/** The archive of an adjacent day, downloaded to this disk. */
export type BesideFile = { readonly path: string; readonly sha256: string };

/** A request to combine two recorders' archives of one day. */
export type CombineOrder = {
  readonly day: Day;
  /** False: this disk's archive is not read. */
  readonly withOwn: boolean;
  /** Path of the downloaded archive of the bucket; null if the bucket has no archive. */
  readonly other: string | null;
  /** Its manifest; null if it does not match a manifest. */
  readonly otherManifest: string | null;
  readonly before: BesideFile | null;
  readonly after: BesideFile | null;
  /** Path of the combined archive. */
  readonly out: string;
};

/**
 * "new": the combined archive was written. "same": the bucket's archive has every row and gets the new manifest. "own": this disk's
 * archive has every row. "unreadable": the file at `path` is damaged.
 */
export type Combined =
  | { readonly kind: "new" | "same" | "own"; readonly manifest: string }
  | { readonly kind: "unreadable"; readonly path: string; readonly reason: string };

export type CombineDeps = ReplaceDeps & BesideDeps & { readonly combine: (order: CombineOrder) => Promise<Combined> };

/**
 * "placed": the bucket has the combined archive. "unreadable": the bucket's object is not an archive; it is still in the bucket, and
 * a copy is at `path`. "unvouched": the bucket is unchanged, because neither this disk nor the bucket has an archive with a matching manifest.
 */
export type CombinedDay =
  | { readonly kind: "unvouched" }
  | { readonly kind: "placed"; readonly placed: Placed }
  | { readonly kind: "unreadable"; readonly path: string; readonly reason: string };

/** Disk space that stays free for recording while archives are combined. */
const spareBytes = 1e9;

/** Returns the folder of downloads and partial results; its content is useless after a crash. */
export function combineFolder(dataDir: string): string {
  return join(dataDir, "union");
}

/**
 * Replaces the bucket's archive of a day by a combination with this disk's archive. Rows that belong to adjacent days are left out.
 * `own`: this disk's archive and its path; null if it is not to be added.
 *
 * @throws StoreProblem or a file's error
 */
export async function combineDay(
  bucketDay: BucketDay,
  own: { readonly path: string; readonly vouched: Vouched } | null,
  adjacent: Beside,
  options: ReplaceOptions,
  deps: CombineDeps,
): Promise<CombinedDay> {
  const { day, state, vouched } = bucketDay;
  const folder = join(combineFolder(options.dataDir), `${day.symbol}-${day.stream}-${day.date}`);
  const parts = [
    state?.bytes,
    adjacent.before?.state?.bytes,
    adjacent.after?.state?.bytes,
    own?.vouched.compressed_bytes,
  ];
  const largest = (state?.bytes ?? 0) + (own?.vouched.compressed_bytes ?? 0);
  const needed = parts.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0) + largest;
  await refuseWithoutSpace(options.dataDir, bucketDay.key, needed);
  mkdirSync(folder, { recursive: true });
  try {
    const otherPath = state === null ? null : join(folder, "other.jsonl.zst");
    const sha256 =
      state === null || otherPath === null
        ? null
        : await download(deps.store, bucketDay.key, state, otherPath, deps.pacer);
    const matchesManifest = sha256 !== null && sha256 === vouched?.compressed_sha256;
    const order = {
      day,
      withOwn: own !== null,
      other: otherPath,
      otherManifest: matchesManifest ? vouched.text : null,
      before: await fetchBeside(adjacent.before, join(folder, "before.jsonl.zst"), deps),
      after: await fetchBeside(adjacent.after, join(folder, "after.jsonl.zst"), deps),
      out: join(folder, "combined.jsonl.zst"),
    };
    if (own === null && (!matchesManifest || (order.before === null && order.after === null)))
      return { kind: "unvouched" };
    const combined = await deps.combine(order);
    if (combined.kind === "unreadable") {
      if (combined.path !== otherPath)
        throw new StoreProblem("Unreadable", `combine ${bucketDay.key}: ${combined.reason}`, "object");
      return { kind: "unreadable", path: quarantine(combined.path, options.dataDir, day), reason: combined.reason };
    }
    const next = deps.parseManifest(combined.manifest, day);
    if (next === null) throw new Error(`the combined archive of ${bucketDay.key} has no readable manifest`);
    if (combined.kind === "own" && own !== null)
      return { kind: "placed", placed: await replaceObject(bucketDay, own, options, deps) };
    if (combined.kind === "new")
      return {
        kind: "placed",
        placed: await replaceObject(bucketDay, { path: order.out, vouched: next }, options, deps),
      };
    await putManifest(bucketDay, combined.manifest, deps);
    const placed = {
      state: state ?? { bytes: 0, etag: "" },
      sha256: next.compressed_sha256,
      verifiedBy: "read_back",
    } as const;
    return { kind: "placed", placed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Downloads the archive of an adjacent day. Null if it does not match its manifest: which rows belong there is unknown. */
async function fetchBeside(bucketDay: BucketDay | null, path: string, deps: CombineDeps): Promise<BesideFile | null> {
  if (bucketDay === null || bucketDay.state === null || bucketDay.vouched === null) return null;
  const sha256 = await download(deps.store, bucketDay.key, bucketDay.state, path, deps.pacer).catch(
    unlessRefused(deps.isAgain ?? false),
  );
  return sha256 === bucketDay.vouched.compressed_sha256 ? { path, sha256 } : null;
}

/** Damaged objects of one day that are kept at most, so that repeated damage does not fill the disk. */
const mostKept = 3;

/** Keeps an object that is not an archive on this disk, so that a person can examine it. Returns its path or folder. */
function quarantine(path: string, dataDir: string, day: Day): string {
  const folder = quarantineFolder(dataDir, day);
  const target = freePath(folder, "bucket.jsonl.zst");
  const kept = readdirSync(folder).filter((name) => name.startsWith("bucket.jsonl.zst")).length;
  if (kept < mostKept) renameSync(path, target);
  return kept < mostKept ? target : folder;
}

/** Throws if the download would not leave enough disk space for recording; the day is retried later. */
async function refuseWithoutSpace(dataDir: string, key: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dataDir);
  const missing = bytes + spareBytes - bavail * bsize;
  if (missing <= 0) return;
  const hint = `combining it with this disk's archive needs ${Math.ceil(missing / 1e6)} MB more free disk space`;
  throw new StoreProblem("NoSpace", `combine ${key}: ${hint}`, "object");
}
