import { archivedDays } from "./archive/archived-days.ts";
import { encodeManifest, type Manifest, parseManifest, readManifest } from "./archive/manifest.ts";
import { createPool } from "./archive/pool.ts";
import { createRetention, type Retention } from "./archive/retention.ts";
import { keptFrom } from "./archive/retention-plan.ts";
import type { UniteJob, UniteResult } from "./archive/unite-job.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";
import { messageOf } from "./problem.ts";
import { archivePath, type Day, dateOf } from "./segment.ts";
import type { UploadStatus } from "./status.ts";
import { createObjectStore } from "./upload/object-store.ts";
import { createPacer } from "./upload/pacer.ts";
import { sweepBucket } from "./upload/sweep-bucket.ts";
import { keyOf, type United, type UniteOrder, uploadDay, type Vouched } from "./upload/upload-day.ts";
import { readRecord, type Uploaded, uploadedPath } from "./upload/upload-record.ts";
import { createUploader } from "./upload/uploader.ts";
import { startDayWorker } from "./workers.ts";

/** What becomes of archives: into the bucket, and off this disk and the bucket when their time is over. */
export type Keeping = {
  /** A day was archived, or archived anew. */
  onArchived(day: Day): void;
  /**
   * Call it every second. The first one begins to look for what is to be uploaded and removed; then it acts once an hour, when
   * the date changes, and each minute while less is free than should be.
   */
  tick(freeBytes: number): void;
  status(): UploadStatus | null;
  /** Idempotent. */
  stop(): Promise<void>;
};

export type KeepingDeps = {
  readonly dataDir: string;
  readonly nowUs: () => number;
  readonly recorder: Manifest["recorder"];
  readonly log: Log;
  /** For tests; otherwise what suits real stores. */
  readonly pace?: { readonly settleMs?: number; readonly retryMs?: number; readonly partBytes?: number };
};

/** An hour: no recorder takes so long between its last look at an object and the change of it. */
const settleMs = 3_600_000;
const partBytes = 8 * 1024 * 1024;

/** The keeping that a config asks for; without limits and without bucket it does nothing. */
export function createKeeping(config: Config, deps: KeepingDeps): Keeping {
  const { log } = deps;
  const today = () => dateOf(deps.nowUs());
  const uploads = config.upload.endpoint === "" ? null : createUploads(config, deps, () => void look());
  const retention = retentionOf(config, deps);
  let seconds = 0;
  let lookedOn = "";
  let stopped = false;

  /** Failures are told and not thrown on: the next look is an hour away. */
  async function look(): Promise<void> {
    if (stopped) return;
    try {
      await retention.run();
    } catch (error) {
      log.error("cannot look for archives to remove", { reason: messageOf(error) });
    }
  }

  function lookEverywhere(): void {
    lookedOn = today();
    void look();
    void uploads?.sweep();
  }

  return {
    onArchived({ stream, symbol, date }) {
      uploads?.uploader.note({ stream, symbol, date });
      void look();
    },
    tick(freeBytes) {
      if (seconds++ === 0) uploads?.uploader.start();
      const isShort = freeBytes > 0 && freeBytes < config.archive.min_free_gb * 1e9;
      if (today() !== lookedOn) lookEverywhere();
      else if (seconds % 3600 === 0 || (isShort && seconds % 60 === 0)) void look();
    },
    status: () => uploads?.uploader.status() ?? null,
    async stop() {
      stopped = true;
      await uploads?.stop();
    },
  };
}

/** The retention that a config asks for on this disk. */
export function retentionOf(config: Config, deps: Pick<KeepingDeps, "dataDir" | "nowUs" | "log">): Retention {
  const { dataDir, log } = deps;
  const today = () => dateOf(deps.nowUs());
  const { retention_days, retention_gb, min_free_gb } = config.archive;
  const limits = { days: retention_days, gb: retention_gb, minFreeGb: min_free_gb };
  return createRetention(
    { dataDir, limits },
    {
      today,
      log,
      notUploaded(day, manifest) {
        if (config.upload.endpoint === "" || isPast(config, day, today())) return null;
        const record = uploadedOf(config, dataDir, day);
        if (record?.compressed_sha256 !== manifest.compressed_sha256) return "it is not uploaded yet";
        return record.confirmed_us === null ? "its upload is not confirmed yet" : null;
      },
    },
  );
}

function createUploads(config: Config, deps: KeepingDeps, onConfirmed: () => void) {
  const { dataDir, nowUs, log } = deps;
  const today = () => dateOf(nowUs());
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
        for (const day of await archivedDays(dataDir)) {
          const record = uploadedOf(config, dataDir, day);
          const isCurrent =
            record !== null && record.compressed_sha256 === vouchedLocally(dataDir, day)?.compressed_sha256;
          if (isPast(config, day, today()) || (isCurrent && record.confirmed_us !== null)) continue;
          yield { day, dueMs: isCurrent ? record.uploaded_us / 1000 + pace.settleMs : 0 };
        }
      },
      upload: async (day, onProgress) =>
        isPast(config, day, today())
          ? "gone"
          : uploadDay(day, options, {
              ...{ store, pacer, nowUs, unite, onProgress },
              vouchedLocally: (one) => vouchedLocally(dataDir, one),
              parseManifest: vouchedOf,
            }),
      abort: () => requests.abort(),
      onConfirmed,
      log,
    },
  );

  return {
    uploader,
    async sweep(): Promise<void> {
      const keepFrom = keptFrom(today(), config.upload.retention_days);
      try {
        await sweepBucket(store, prefix, { keepFrom, nowMs: nowUs() / 1000, log });
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

/** A day that the bucket would not keep any more is not brought there. */
function isPast(config: Config, day: Day, today: string): boolean {
  const from = keptFrom(today, config.upload.retention_days);
  return from !== null && day.date < from;
}

function uploadedOf(config: Config, dataDir: string, day: Day): Uploaded | null {
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

function vouchedLocally(dataDir: string, day: Day): Vouched | null {
  const manifest = readManifest(dataDir, day);
  return manifest === null ? null : vouchedOf(encodeManifest(manifest));
}

function vouchedOf(text: string): Vouched {
  const { raw_sha256, compressed_sha256, compressed_bytes, sources = [] } = parseManifest(text);
  return { text, raw_sha256, compressed_sha256, compressed_bytes, sources: sources.map((source) => source.raw_sha256) };
}
