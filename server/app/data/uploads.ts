import type { CombineJob, CombineResult } from "../../archive/combine/combine-job.ts";
import { keptFrom } from "../../archive/retention/retention-plan.ts";
import { createWorkerPool } from "../../archive/workers/worker-pool.ts";
import type { Config } from "../../config/config.ts";
import { archivePath, type Day, dateOf, manifestPath } from "../../domain/day.ts";
import { messageOf } from "../../platform/errors.ts";
import type { BandwidthLimit } from "../../platform/fetch/bandwidth-limit.ts";
import { rmSync } from "../../platform/files/files.ts";
import { readFile } from "../../platform/files/files-async.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { archivedDays } from "../../storage/list/listing.ts";
import { encodeManifest, type Manifest, parseManifest as manifestOf } from "../../storage/manifest.ts";
import { type Combined, type CombineOrder, combineFolder } from "../../upload/day/combine-day.ts";
import type { Prove } from "../../upload/day/prove-day.ts";
import { isBorderOpen, openBorders } from "../../upload/day/settle-borders.ts";
import { uploadDay } from "../../upload/day/upload-day.ts";
import { sweepBucket } from "../../upload/sweep-bucket.ts";
import { createUnsettled } from "../../upload/unsettled.ts";
import { daysBeingReplaced } from "../../upload/upload-record.ts";
import { createUploader, type Uploader } from "../../upload/uploader.ts";
import { startDayWorker } from "../../workers.ts";
import { createBucketAccess, isPastDay, uploadedOf, usualPartBytes } from "./bucket-access.ts";

/** The parts of the app that uploads use. */
export type UploadsDeps = {
  readonly dataDir: string;
  readonly nowUs: () => number;
  /** The only time by which objects are removed from the bucket. */
  readonly time: () => ConfirmedTime;
  readonly recorder: Manifest["recorder"];
  readonly log: Log;
  readonly onConfirmed: () => void;
  /** Called when the bucket has a day; again after it was combined with another recorder's, and after it was confirmed. */
  readonly onUploaded?: (day: Day) => void;
  readonly pace?: UploadPace;
};

/** For tests; the defaults suit real stores. */
export type UploadPace = { readonly settleMs?: number; readonly retryMs?: number; readonly partBytes?: number };

/** Time after which an upload counts as settled, ms: every recorder changes an object less than an hour after it has read it. */
const settleMs = 3_600_000;

/** Uploads archives, and removes expired objects from the bucket. */
export type Uploads = {
  readonly uploader: Uploader;
  /** Checks whether the bucket has a day right now. A missing day is reported and uploaded again. */
  readonly prove: Prove;
  /** The limit of bandwidth for everything that goes to the bucket or comes from it. */
  readonly pacer: BandwidthLimit;
  /** Removes expired objects from the bucket. The uploader reports failures. */
  sweep(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
};

/** Creates the uploads that `config.upload` describes. */
export function createUploads(config: Config, deps: UploadsDeps): Uploads {
  const { dataDir, nowUs, time, log } = deps;
  const pace = { settleMs, partBytes: usualPartBytes, ...deps.pace };
  const onMissing = (day: Day, problem: string) => {
    uploader.noteTrouble(day, problem);
    uploader.enqueue(day);
  };
  const bucket = createBucketAccess(config, { dataDir, nowUs, time, log, onMissing }, pace.partBytes);
  const { store, vouchedLocally } = bucket;
  const options = { ...bucket.options, settleMs: pace.settleMs };
  const unsettled = createUnsettled(() => nowUs() / 1000);
  const combineWorker = createWorkerPool<CombineJob, CombineResult>(
    { operation: "combine", size: 1, pathOf: (job) => archivePath(dataDir, job.day) },
    startDayWorker,
  );

  async function combine(order: CombineOrder): Promise<Combined> {
    const { day, withOwn, other, otherManifest, before, after, out } = order;
    const outcome = await combineWorker.run({
      ...{ kind: "combine", dataDir, day, withOwn, other, before, after, out },
      otherManifest: otherManifest === null ? null : manifestOf(otherManifest),
      ...{ level: config.archive.level, recorder: deps.recorder },
    });
    if (outcome.kind === "stopped") throw new Error("stopping");
    if (outcome.kind === "done")
      return { kind: outcome.result.kind, manifest: encodeManifest(outcome.result.manifest) };
    const { operation, path, message, code } = outcome.failure;
    // An error of the system (no memory, no descriptors) does not mean that the file is damaged.
    const isDamage = operation === "read" && (code === null || code === "EIO");
    if (isDamage && [other, before?.path, after?.path].includes(path))
      return { kind: "unreadable", path, reason: message };
    throw new Error(`${path}: ${message}`);
  }

  const uploader: Uploader = createUploader(
    { target: store.name, settleMs: pace.settleMs, retryMs: pace.retryMs },
    {
      async *pending() {
        rmSync(combineFolder(dataDir), { recursive: true, force: true });
        for (const day of [...daysBeingReplaced(dataDir), ...openBorders(dataDir)]) yield { day, dueMs: 0 };
        for (const day of await archivedDays(dataDir)) {
          const record = uploadedOf(config, dataDir, day);
          const isCurrent = record !== null && record.compressed_sha256 === (await archiveSha256(dataDir, day));
          if (isPastDay(config, day, time()) || (isCurrent && record.confirmed_us !== null)) continue;
          yield { day, dueMs: isCurrent ? record.uploaded_us / 1000 + pace.settleMs : 0 };
        }
      },
      async upload(day, onProgress, isAgain) {
        if (isPastDay(config, day, time())) return "gone";
        const outcome = await uploadDay(day, options, {
          ...bucket,
          ...{ nowUs, combine, onProgress, unsettled, isAgain },
          onTrouble: (troubledDay, problem) => uploader.noteTrouble(troubledDay, problem),
        });
        if (outcome !== "gone" && outcome !== "waits") deps.onUploaded?.(day);
        return outcome;
      },
      isBorderOpen: (day) => !isPastDay(config, day, time()) && isBorderOpen(dataDir, day),
      nowMs: () => nowUs() / 1000,
      abort: bucket.abort,
      onConfirmed: deps.onConfirmed,
      log,
    },
  );

  return {
    uploader,
    prove: bucket.prove,
    pacer: bucket.pacer,
    async sweep(): Promise<void> {
      const confirmed = time();
      if (confirmed.kind === "unconfirmed") return;
      const keepFrom = keptFrom(dateOf(confirmed.us), config.upload.retention_days);
      try {
        const { parseManifest } = bucket;
        const whose = { ownId: deps.recorder.id ?? null, shared: config.upload.retention_shared };
        const ownership = { options, vouchedLocally, parseManifest, ...whose };
        await sweepBucket(store, options.prefix, { keepFrom, nowMs: confirmed.us / 1000, ownership, log });
      } catch (error) {
        // The uploader reports problems with the bucket.
        log.debug("cannot list the bucket; trying again tomorrow", { reason: messageOf(error) });
      }
    },
    async stop(): Promise<void> {
      const done = uploader.stop();
      await combineWorker.stop();
      await done;
    },
  };
}

/** Reads the archive's checksum without parsing the whole manifest: at a start there may be many thousands of manifests. */
async function archiveSha256(dataDir: string, day: Day): Promise<string | null> {
  const text = await readFile(manifestPath(dataDir, day), "utf8");
  return /"compressed_sha256": "([0-9a-f]{64})"/.exec(text)?.[1] ?? null;
}
