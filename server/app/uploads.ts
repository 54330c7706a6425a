import { archivedDays } from "../archive/archived-days.ts";
import { encodeManifest, type Manifest, parseManifest } from "../archive/manifest.ts";
import { createPool } from "../archive/pool.ts";
import { keptFrom } from "../archive/retention-plan.ts";
import type { UniteJob, UniteResult } from "../archive/unite-job.ts";
import type { Config } from "../config.ts";
import type { ConfirmedTime } from "../confirmed-time.ts";
import type { Log } from "../log.ts";
import { readFileSync, rmSync } from "../platform/files.ts";
import { readFile } from "../platform/files-async.ts";
import { codeOf, messageOf } from "../problem.ts";
import { archivePath, type Day, dateOf, manifestPath } from "../segment.ts";
import { createObjectStore } from "../upload/object-store.ts";
import { createPacer } from "../upload/pacer.ts";
import { sweepBucket } from "../upload/sweep-bucket.ts";
import { keyOf, type United, type UniteOrder, unionFolder, uploadDay, type Vouched } from "../upload/upload-day.ts";
import { readRecord, type Uploaded, uploadedPath } from "../upload/upload-record.ts";
import { createUploader, type Uploader } from "../upload/uploader.ts";
import { startDayWorker } from "../workers.ts";

/** What uploading needs of the app. */
export type UploadsDeps = {
  readonly dataDir: string;
  readonly nowUs: () => number;
  /** Nothing is removed from the bucket by any other time. */
  readonly time: () => ConfirmedTime;
  readonly recorder: Manifest["recorder"];
  readonly log: Log;
  readonly onConfirmed: () => void;
  readonly pace?: UploadPace;
};

/** For tests; otherwise what suits real stores. */
export type UploadPace = { readonly settleMs?: number; readonly retryMs?: number; readonly partBytes?: number };

/** An hour: no recorder takes so long between its last look at an object and the change of it. */
const settleMs = 3_600_000;
const partBytes = 8 * 1024 * 1024;

/** Uploads, and what is removed from the bucket. */
export type Uploads = {
  readonly uploader: Uploader;
  /** Removes what the bucket should not keep; failures are the uploader's to tell. */
  sweep(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
};

/** The uploads that `config.upload` asks for. */
export function createUploads(config: Config, deps: UploadsDeps): Uploads {
  const { dataDir, nowUs, time, log } = deps;
  const { endpoint, bucket } = config.upload;
  const prefix = prefixOf(config);
  const requests = new AbortController();
  const access = {
    ...{ endpoint, bucket, region: config.upload.region },
    ...{ accessKey: config.upload.access_key, secretKey: config.upload.secret_key },
  };
  const store = createObjectStore(access, requests.signal);
  const pacer = createPacer(config.upload.bandwidth_mbps);
  const pace = { settleMs, partBytes, ...deps.pace };
  const options = { dataDir, prefix, endpoint, bucket, partBytes: pace.partBytes, settleMs: pace.settleMs };
  const unions = createPool<UniteJob, UniteResult>(
    { operation: "unite", size: 1, pathOf: (job) => archivePath(dataDir, job.day) },
    startDayWorker,
  );

  async function unite({ day, other, otherManifest, out }: UniteOrder): Promise<United> {
    const outcome = await unions.run({
      ...{ kind: "unite", dataDir, day, other, out },
      otherManifest: otherManifest === null ? null : parseManifest(otherManifest),
      ...{ level: config.archive.level, recorder: deps.recorder },
    });
    if (outcome.kind === "stopped") throw new Error("stopping");
    if (outcome.kind === "failed") throw new Error(`${outcome.failure.path}: ${outcome.failure.message}`);
    return { kind: outcome.result.kind, manifest: encodeManifest(outcome.result.manifest) };
  }

  const uploader = createUploader(
    { target: store.name, settleMs: pace.settleMs, retryMs: pace.retryMs },
    {
      async *pending() {
        rmSync(unionFolder(dataDir), { recursive: true, force: true });
        for (const day of await archivedDays(dataDir)) {
          const record = uploadedOf(config, dataDir, day);
          const isCurrent = record !== null && record.compressed_sha256 === (await archiveSha256(dataDir, day));
          if (isPast(config, day, time()) || (isCurrent && record.confirmed_us !== null)) continue;
          yield { day, dueMs: isCurrent ? record.uploaded_us / 1000 + pace.settleMs : 0 };
        }
      },
      upload: async (day, onProgress) =>
        isPast(config, day, time())
          ? "gone"
          : uploadDay(day, options, {
              ...{ store, pacer, nowUs, unite, onProgress },
              vouchedLocally: (one) => vouchedLocally(dataDir, one),
              parseManifest: vouchedOf,
            }),
      nowMs: () => nowUs() / 1000,
      abort: () => requests.abort(),
      onConfirmed: deps.onConfirmed,
      log,
    },
  );

  return {
    uploader,
    async sweep(): Promise<void> {
      const confirmed = time();
      if (confirmed.kind === "unconfirmed") return;
      const keepFrom = keptFrom(dateOf(confirmed.us), config.upload.retention_days);
      try {
        await sweepBucket(store, prefix, { keepFrom, nowMs: confirmed.us / 1000, log });
      } catch (error) {
        // The uploader tells what is the matter with the bucket.
        log.debug("the bucket cannot be looked through; tomorrow again", { reason: messageOf(error) });
      }
    },
    async stop(): Promise<void> {
      const done = uploader.stop();
      await unions.stop();
      await done;
    },
  };
}

/** A day that the bucket would not keep any more is not brought there; while the time is unconfirmed that is no day. */
export function isPast(config: Config, day: Day, time: ConfirmedTime): boolean {
  const from = time.kind === "confirmed" ? keptFrom(dateOf(time.us), config.upload.retention_days) : null;
  return from !== null && day.date < from;
}

/** What is known of a day's upload to where the config says, or null. */
export function uploadedOf(config: Config, dataDir: string, day: Day): Uploaded | null {
  const record = readRecord<Uploaded>(uploadedPath(dataDir, day));
  const { endpoint, bucket } = config.upload;
  return record?.target === `${endpoint}/${bucket}/${keyOf(prefixOf(config), archivePath(dataDir, day))}`
    ? record
    : null;
}

function prefixOf(config: Config): string {
  const prefix = config.upload.prefix.replace(/^\/+|\/+$/g, "");
  return prefix === "" ? "" : `${prefix}/`;
}

/** As it is on the disk, byte for byte. */
function vouchedLocally(dataDir: string, day: Day): Vouched | null {
  try {
    return vouchedOf(readFileSync(manifestPath(dataDir, day), "utf8"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Without taking the whole manifest apart: at a start there may be many thousands of them. */
async function archiveSha256(dataDir: string, day: Day): Promise<string | null> {
  const text = await readFile(manifestPath(dataDir, day), "utf8");
  return /"compressed_sha256": "([0-9a-f]{64})"/.exec(text)?.[1] ?? null;
}

function vouchedOf(text: string): Vouched {
  const { raw_sha256, compressed_sha256, compressed_bytes, sources = [] } = parseManifest(text);
  return { text, raw_sha256, compressed_sha256, compressed_bytes, sources: sources.map((source) => source.raw_sha256) };
}
