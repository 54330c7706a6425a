import { resolve } from "node:path";
import { keptFrom } from "../../archive/retention/retention-plan.ts";
import { isWrongDate } from "../../archive/retention/wrong-stamps.ts";
import type { Config } from "../../config/config.ts";
import { archivePath, type Day, dateOf, manifestPath } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import { type BandwidthLimit, createBandwidthLimit } from "../../platform/fetch/bandwidth-limit.ts";
import { readFileSync, statSync } from "../../platform/files/files.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { type Manifest, parseManifest } from "../../storage/manifest.ts";
import { type BucketDayOptions, keyOf, type Vouched } from "../../upload/day/bucket-day.ts";
import { createProve, type Prove } from "../../upload/day/prove-day.ts";
import { createObjectStore, type ObjectStore } from "../../upload/store/object-store.ts";
import { readRecord, type Uploaded, uploadedPath } from "../../upload/upload-record.ts";

/** The configured bucket, with the upload records on this disk. */
export type BucketAccess = {
  readonly store: ObjectStore;
  readonly pacer: BandwidthLimit;
  readonly options: BucketDayOptions;
  /** Returns the day's manifest on this disk, byte for byte; null if there is none. @throws if it cannot be read */
  readonly vouchedLocally: (day: Day) => Vouched | null;
  readonly parseManifest: (text: string, day: Day) => Vouched | null;
  /** Tells whether the bucket may have removed a day because of its age. */
  readonly mayBeGone: (day: Day) => boolean;
  readonly prove: Prove;
  /** Aborts all requests. */
  abort(): void;
};

/** The settings that tell where the bucket and the data folder are. */
export type BucketConfig = Pick<Config, "upload"> & { readonly record: Pick<Config["record"], "data_dir"> };

export type BucketAccessDeps = {
  readonly dataDir: string;
  readonly time: () => ConfirmedTime;
  /** Default: this machine's clock. */
  readonly nowUs?: () => number;
  readonly log: Log;
  /** Called when an uploaded day is no longer in the bucket. */
  readonly onMissing?: (day: Day, what: string) => void;
};

/** Size of a part of a multipart upload, bytes. */
export const usualPartBytes = 8 * 1024 * 1024;

/** Creates the access to the bucket of `config.upload`; sends no request before the first call. */
export function createBucketAccess(
  config: BucketConfig,
  deps: BucketAccessDeps,
  partBytes: number = usualPartBytes,
): BucketAccess {
  const { dataDir, time, log, nowUs = () => Date.now() * 1000 } = deps;
  const { endpoint, bucket, region, access_key, secret_key } = config.upload;
  const requests = new AbortController();
  const access = { endpoint, bucket, region, accessKey: access_key, secretKey: secret_key };
  const store = createObjectStore(access, requests.signal, () =>
    log.warn("the store ignores conditional writes; if two recorders write a day at once, the slower one repeats it", {
      bucket,
      endpoint,
    }),
  );
  const pacer = createBandwidthLimit(config.upload.bandwidth_mbps);
  const options = { dataDir, prefix: prefixOf(config), endpoint, bucket, partBytes };
  const known = {
    vouchedLocally: (day: Day) => vouchedLocally(dataDir, day),
    parseManifest: vouchedOf,
    mayBeGone: (day: Day) => isPastDay(config, day, time()),
  };
  const onMissing = deps.onMissing ?? (() => {});
  const prove = createProve(options, { store, pacer, nowUs, onMissing, ...known });
  return { store, pacer, options, ...known, prove, abort: () => requests.abort() };
}

/**
 * Tells whether a day is older than the bucket's retention and therefore not uploaded. False while the time is unconfirmed. The age of
 * a day that a wrong clock stamped counts from its merge.
 */
export function isPastDay(config: BucketConfig, day: Day, time: ConfirmedTime): boolean {
  const from = time.kind === "confirmed" ? keptFrom(dateOf(time.us), config.upload.retention_days) : null;
  if (from === null || day.date >= from) return false;
  const mergedOn = mergeOfWrongDate(resolve(config.record.data_dir), day);
  return mergedOn === null || mergedOn < from;
}

/** Returns the merge date of a local archive whose own date is wrong; null for other archives. */
function mergeOfWrongDate(dataDir: string, day: Day): string | null {
  const path = manifestPath(dataDir, day);
  try {
    const text = readFileSync(path, "utf8");
    // Saves parsing most manifests.
    if (!text.includes('"clock"') || !isWrongDate(parseManifest(text))) return null;
    return dateOf(Math.round(statSync(path).mtimeMs * 1000));
  } catch {
    // The upload or the removal reports an unreadable manifest.
    return null;
  }
}

/** Returns the upload record of a day for the configured bucket, or null. */
export function uploadedOf(config: BucketConfig, dataDir: string, day: Day): Uploaded | null {
  const record = readRecord<Uploaded>(uploadedPath(dataDir, day));
  const { endpoint, bucket } = config.upload;
  return record?.target === `${endpoint}/${bucket}/${keyOf(prefixOf(config), archivePath(dataDir, day))}`
    ? record
    : null;
}

function prefixOf(config: BucketConfig): string {
  const { prefix } = config.upload;
  return prefix === "" ? "" : `${prefix}/`;
}

function vouchedLocally(dataDir: string, day: Day): Vouched | null {
  let text: string;
  try {
    text = readFileSync(manifestPath(dataDir, day), "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
  return vouched(text, parseManifest(text));
}

/** Parses a manifest; null if it is not a manifest of the day. */
function vouchedOf(text: string, day: Day): Vouched | null {
  try {
    const manifest = parseManifest(text);
    const isOfDay = manifest.stream === day.stream && manifest.symbol === day.symbol && manifest.date === day.date;
    return isOfDay ? vouched(text, manifest) : null;
  } catch {
    return null;
  }
}

function vouched(text: string, manifest: Manifest): Vouched {
  const { raw_sha256, compressed_sha256, compressed_bytes, sources, contains = [], ids = null, recorder } = manifest;
  return {
    ...{ text, raw_sha256, compressed_sha256, compressed_bytes, contains, ids },
    sources: (sources ?? []).map((source) => source.raw_sha256),
    hasWrongDate: isWrongDate(manifest),
    borders: manifest.borders ?? { before: null, after: null },
    recorders: (sources ?? [recorder]).map(({ id }) => id ?? null),
  };
}
