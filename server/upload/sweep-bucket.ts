import { join } from "node:path";
import { type Day, dateOf, dayOfPath } from "../domain/day.ts";
import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { type BucketDay, type BucketDayOptions, lookAt, type Vouched } from "./day/bucket-day.ts";
import { abandonParts } from "./day/upload-file.ts";
import type { ObjectStore } from "./store/object-store.ts";
import { type Removing, readRecord, writeRecord } from "./upload-record.ts";

/** Age after which an unfinished multipart upload is considered abandoned, ms. */
const abandonedMs = 7 * 86_400_000;

/** Decides whether a day was recorded by this recorder. */
export type Ownership = {
  readonly options: BucketDayOptions;
  readonly vouchedLocally: (day: Day) => Vouched | null;
  readonly parseManifest: (text: string, day: Day) => Vouched | null;
  /** This recorder's id in manifests; null without id. */
  readonly ownId: string | null;
  /** True: days that this recorder recorded together with other recorders are removed as well. */
  readonly shared: boolean;
};

export type SweepOptions = {
  /** Oldest date that is kept; null: every date is kept. */
  readonly keepFrom: string | null;
  readonly nowMs: number;
  /** Absent: no archive is removed. */
  readonly ownership?: Ownership;
  readonly log: Log;
};

type Sweeping = Ownership & { readonly store: ObjectStore; readonly log: Log };

/**
 * Removes old data from the bucket: archives and manifests from before `keepFrom` that only this recorder recorded, and parts of
 * multipart uploads that were started a week ago and never finished. Other recorders remove their own archives. Objects whose names
 * RT-Data does not use are never touched.
 *
 * @throws StoreProblem
 */
export async function sweepBucket(store: ObjectStore, prefix: string, sweep: SweepOptions): Promise<void> {
  const { keepFrom, nowMs, ownership, log } = sweep;
  if (keepFrom !== null && ownership !== undefined) await removeOld(prefix, keepFrom, { ...ownership, store, log });
  for (const { key, uploadId, beganMs } of await unfinished(store, prefix, log)) {
    if (archivedDayOfKey(key) === null || !(nowMs - beganMs > abandonedMs)) continue;
    await abandonParts(store, key, uploadId);
    log.info("removed the parts of an unfinished upload", { key });
  }
}

async function removeOld(prefix: string, keepFrom: string, deps: Sweeping): Promise<void> {
  const { store, options, log } = deps;
  await finishRemoving(deps);
  let lastFolder = "";
  let kept = 0;
  let oldest: string | null = null;
  for await (const { key, modifiedMs } of store.list(`${prefix}stream=`)) {
    const day = archivedDayOfKey(key);
    const folder = key.slice(0, key.lastIndexOf("/"));
    if (day === null || day.date >= keepFrom || folder === lastFolder) continue;
    lastFolder = folder;
    const found = await lookAt(day, options, deps);
    if (isYoung(found, modifiedMs, keepFrom)) log.info("kept an archive with a wrong date in the bucket", { ...day });
    else if (isOwn(found, deps)) await remove(found, keepFrom, deps);
    else {
      kept++;
      if (oldest === null || day.date < oldest) oldest = day.date;
    }
  }
  if (kept === 0) return;
  const message =
    "kept archives in the bucket that are older than upload.retention_days: other recorders may have recorded them";
  log.info(message, { archives: kept, oldest, before: keepFrom });
}

/** Returns true if a wrongly dated archive must stay. Its age counts from its upload; if that time is unknown, it stays. */
function isYoung({ vouched }: BucketDay, modifiedMs: number | null, keepFrom: string): boolean {
  if (vouched?.hasWrongDate !== true) return false;
  return modifiedMs === null || dateOf(modifiedMs * 1000) >= keepFrom;
}

/**
 * Returns true if this recorder may remove a day, by the recorder ids in its manifest. A manifest from before 0.3 has no ids: it is
 * compared with this disk's archive. An archive without manifest has no owner.
 */
function isOwn({ day, manifest }: BucketDay, deps: Sweeping): boolean {
  const { ownId, shared } = deps;
  const vouched = manifest === null ? null : deps.parseManifest(manifest.text, day);
  if (vouched === null) return false;
  const local = localOf(day, deps);
  const sources = vouched.sources.length === 0 ? [vouched.raw_sha256] : vouched.sources;
  const areMine = vouched.recorders.map((id, index) => {
    const sha256 = sources[index] ?? "";
    return id !== null ? id === ownId : local !== null && [local.raw_sha256, ...local.contains].includes(sha256);
  });
  return shared ? areMine.includes(true) : areMine.every((isMine) => isMine);
}

function localOf(day: Day, deps: Sweeping): Vouched | null {
  try {
    return deps.vouchedLocally(day);
  } catch {
    return null;
  }
}

/** Removes a day: first its manifest, which must never name a missing archive. A record lets the next start finish after a crash. */
async function remove({ day, key, manifestKey, state }: BucketDay, keepFrom: string, deps: Sweeping): Promise<void> {
  const { store, options, log } = deps;
  const path = removingPath(options.dataDir);
  writeRecord(path, { target: `${options.endpoint}/${options.bucket}/${key}`, key, etag: state?.etag ?? "" });
  await store.remove(manifestKey);
  if (state !== null) await store.remove(key);
  writeRecord(path, null);
  log.info("removed an archive from the bucket", {
    ...day,
    bytes: state?.bytes ?? 0,
    reason: `it is older than ${keepFrom}`,
  });
}

/** Finishes a removal that a crash interrupted: removes the archive if its manifest is gone and the archive has not changed. */
async function finishRemoving({ store, options, parseManifest }: Sweeping): Promise<void> {
  const path = removingPath(options.dataDir);
  const record = readRecord<Removing>(path);
  const day = record === null ? null : dayOfPath(record.key);
  if (record !== null && day !== null) {
    const found = await lookAt(day, options, { store, parseManifest });
    if (found.target === record.target && found.manifest === null && found.state?.etag === record.etag)
      await store.remove(found.key);
  }
  writeRecord(path, null);
}

function removingPath(dataDir: string): string {
  return join(dataDir, "bucket-removing.json");
}

/** Returns the day of an archive's or manifest's key; null for any other key. */
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
