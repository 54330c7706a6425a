import { join } from "node:path";
import { type Day, dateOf, dayOfPath } from "../domain/day.ts";
import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { type BucketDay, type BucketDayOptions, lookAt, type Vouched } from "./day/bucket-day.ts";
import { abandonParts } from "./day/upload-file.ts";
import type { ObjectStore } from "./store/object-store.ts";
import { type Removing, readRecord, writeRecord } from "./upload-record.ts";

/** A multipart upload that nobody has gone on with for so long was left by a recorder that is no more, ms. */
const abandonedMs = 7 * 86_400_000;

/** By which a day is known to be this recorder's. */
export type Ownership = {
  readonly options: BucketDayOptions;
  readonly vouchedLocally: (day: Day) => Vouched | null;
  readonly parseManifest: (text: string, day: Day) => Vouched | null;
  /** This recorder's id in manifests; null if it has none. */
  readonly ownId: string | null;
  /** Days that this recorder recorded together with others go as well. */
  readonly shared: boolean;
};

export type SweepOptions = {
  /** Days before this date are not to be kept; null: all are. */
  readonly keepFrom: string | null;
  readonly nowMs: number;
  /** Without it no archive goes. */
  readonly ownership?: Ownership;
  readonly log: Log;
};

type Sweeping = Ownership & { readonly store: ObjectStore; readonly log: Log };

/**
 * Removes what the bucket should not keep: archives and manifests of dates before `keepFrom` that this recorder alone has recorded,
 * and the parts of multipart uploads that were begun a week ago and never ended. What others have recorded is theirs to remove, and
 * whatever is not named as our files are is left alone. Rejects with a StoreProblem.
 */
export async function sweepBucket(store: ObjectStore, prefix: string, sweep: SweepOptions): Promise<void> {
  const { keepFrom, nowMs, ownership, log } = sweep;
  if (keepFrom !== null && ownership !== undefined) await removeOld(prefix, keepFrom, { ...ownership, store, log });
  for (const { key, uploadId, beganMs } of await unfinished(store, prefix, log)) {
    if (archivedDayOfKey(key) === null || !(nowMs - beganMs > abandonedMs)) continue;
    await abandonParts(store, key, uploadId);
    log.info("removed the parts of an upload that was never ended", { key });
  }
}

async function removeOld(prefix: string, keepFrom: string, deps: Sweeping): Promise<void> {
  const { store, options, log } = deps;
  await finishRemoving(deps);
  let last = "";
  let kept = 0;
  let oldest: string | null = null;
  for await (const { key, modifiedMs } of store.list(`${prefix}stream=`)) {
    const day = archivedDayOfKey(key);
    const folder = key.slice(0, key.lastIndexOf("/"));
    if (day === null || day.date >= keepFrom || folder === last) continue;
    last = folder;
    const found = await lookAt(day, options, deps);
    if (isYoung(found, modifiedMs, keepFrom)) log.info("an archive of a wrong date stays in the bucket", { ...day });
    else if (isOwn(found, deps)) await remove(found, keepFrom, deps);
    else {
      kept++;
      if (oldest === null || day.date < oldest) oldest = day.date;
    }
  }
  if (kept === 0) return;
  const message =
    "archives in the bucket are older than upload.retention_days, but not known to be this recorder's alone; they stay";
  log.info(message, { archives: kept, oldest, before: keepFrom });
}

/** The date of a day that a wrong clock has stamped says nothing: it counts as of when it came into the bucket, and stays if nobody knows. */
function isYoung({ vouched }: BucketDay, modifiedMs: number | null, keepFrom: string): boolean {
  if (vouched?.hasWrongDate !== true) return false;
  return modifiedMs === null || dateOf(modifiedMs * 1000) >= keepFrom;
}

/**
 * By the ids of the recorders in the manifest. One of before 0.3 names none: it is this recorder's if this disk's archive is the very
 * same. An archive without a manifest is nobody's.
 */
function isOwn({ day, manifest }: BucketDay, deps: Sweeping): boolean {
  const { ownId, shared } = deps;
  const vouched = manifest === null ? null : deps.parseManifest(manifest.text, day);
  if (vouched === null) return false;
  const local = localOf(day, deps);
  const rows = vouched.sources.length === 0 ? [vouched.raw_sha256] : vouched.sources;
  const own = vouched.recorders.map((id, at) => {
    const sha256 = rows[at] ?? "";
    return id !== null ? id === ownId : local !== null && [local.raw_sha256, ...local.contains].includes(sha256);
  });
  return shared ? own.includes(true) : own.every((isMine) => isMine);
}

function localOf(day: Day, deps: Sweeping): Vouched | null {
  try {
    return deps.vouchedLocally(day);
  } catch {
    return null;
  }
}

/** The manifest first: it never names an archive that is not there. What a crash leaves is written down before. */
async function remove({ day, key, manifestKey, state }: BucketDay, keepFrom: string, deps: Sweeping): Promise<void> {
  const { store, options, log } = deps;
  const path = removingPath(options.dataDir);
  writeRecord(path, { target: `${options.endpoint}/${options.bucket}/${key}`, key, etag: state?.etag ?? "" });
  await store.remove(manifestKey);
  if (state !== null) await store.remove(key);
  writeRecord(path, null);
  log.info("removed an archive from the bucket", {
    ...{ ...day, bytes: state?.bytes ?? 0, reason: `it is from before ${keepFrom}` },
  });
}

/** An archive whose manifest is gone, and which is still the one that was to go. */
async function finishRemoving({ store, options, parseManifest }: Sweeping): Promise<void> {
  const path = removingPath(options.dataDir);
  const left = readRecord<Removing>(path);
  const day = left === null ? null : dayOfPath(left.key);
  if (left !== null && day !== null) {
    const found = await lookAt(day, options, { store, parseManifest });
    if (found.target === left.target && found.manifest === null && found.state?.etag === left.etag)
      await store.remove(found.key);
  }
  writeRecord(path, null);
}

function removingPath(dataDir: string): string {
  return join(dataDir, "bucket-removing.json");
}

/** The day whose archive or manifest a key names, or null. */
function archivedDayOfKey(key: string): Day | null {
  const day = dayOfPath(key);
  const name = key.slice(key.lastIndexOf("/") + 1);
  if (day === null) return null;
  const stem = `${day.symbol}-${day.stream}-${day.date}`;
  return name === `${stem}.jsonl.zst` || name === `${stem}.manifest.json` ? day : null;
}

async function unfinished(store: ObjectStore, prefix: string, log: Log) {
  try {
    return await store.unfinished(`${prefix}stream=`);
  } catch (error) {
    log.debug("the store does not list unfinished uploads", { reason: messageOf(error) });
    return [];
  }
}
