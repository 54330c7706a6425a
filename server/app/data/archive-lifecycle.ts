import {
  createRetention,
  type RemovalsWaiting,
  type Retention,
  type RetentionOptions,
} from "../../archive/retention/retention.ts";
import type { DiskBudget } from "../../archive/workers/disk-budget.ts";
import type { Config } from "../../config/config.ts";
import { type Day, dateOf } from "../../domain/day.ts";
import type { DatasetStatus, UploadStatus } from "../../domain/storage-status.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import type { Manifest, ManifestOfficial } from "../../storage/manifest.ts";
import type { Prove } from "../../upload/day/prove-day.ts";
import { type AppDatasetDeps, createAppDataset } from "../dataset/dataset.ts";
import { createOfficialChecks, type OfficialChecksDeps } from "../official/official-checks.ts";
import { createBucketAccess, isPastDay, uploadedOf } from "./bucket-access.ts";
import { createUploads, type UploadPace } from "./uploads.ts";

/** Uploads archives to the bucket, removes expired archives from this disk and the bucket, and keeps the dataset in step with them. */
export type ArchiveLifecycle = {
  /** Call it for each archive or manifest that was written, also repeatedly. */
  onArchived(day: Day): void;
  /** The new result of comparing a day with Binance's daily file. */
  officialOf(day: Day): ManifestOfficial | undefined;
  /**
   * Call it every second. The first call searches for archives to upload and remove. After that it searches once an hour, when the
   * date changes, and every minute while free space is below the limit.
   */
  tick(freeBytes: number): void;
  status(): UploadStatus | null;
  /** Null if the dataset is not configured. */
  datasetStatus(): DatasetStatus | null;
  /** Sets how much disk space the dataset may use. */
  setRoom(room: DiskBudget): void;
  /** Archives that are due but wait because of the hourly limit of removals; null if none. */
  removalsWaiting(): RemovalsWaiting | null;
  /** Idempotent. */
  stop(): Promise<void>;
};

export type ArchiveLifecycleDeps = {
  readonly dataDir: string;
  readonly nowUs: () => number;
  /** The only time by which files are removed, here and in the bucket. */
  readonly time: () => ConfirmedTime;
  /** In "demo" mode the bucket is not used, whatever the config says: simulated data must not mix with recorded data. */
  readonly mode: "record" | "demo";
  readonly recorder: Manifest["recorder"];
  /** Called when a day was removed from this disk. */
  readonly onRemoved?: (day: Day) => void;
  /** What comparing with Binance's daily files needs; absent: they are not compared. */
  readonly official?: Pick<OfficialChecksDeps, "journal" | "merge" | "onClosed">;
  readonly log: Log;
  /** For tests; the defaults suit real stores. */
  readonly pace?: UploadPace & AppDatasetDeps["pace"] & { readonly lookMs?: number };
};

/** Minimum time between two searches after changes, ms: a search through a hundred thousand archives takes a while. */
const lookMs = 600_000;

/** Creates the configured lifecycle; without limits and bucket it is idle. */
export function createArchiveLifecycle(settings: Config, deps: ArchiveLifecycleDeps): ArchiveLifecycle {
  const config = deps.mode === "demo" ? { ...settings, upload: { ...settings.upload, endpoint: "" } } : settings;
  const { log } = deps;
  const today = () => dateBy(deps.time());
  const onUploaded = (day: Day) => dataset.onUploaded(day);
  const onChange = () => {
    isChanged = true;
  };
  const uploads =
    config.upload.endpoint === "" ? null : createUploads(config, { ...deps, onConfirmed: onChange, onUploaded });
  const dataset = createAppDataset(config, {
    ...deps,
    recorderId: deps.recorder.id ?? null,
    maySend: async (bytes) => uploads?.pacer.acquire(bytes),
  });
  // Simulated trades are in no file of Binance's.
  const isCompared = deps.mode === "record" && deps.official !== undefined;
  const official = isCompared ? createOfficialChecks(config, { ...deps, ...deps.official }) : null;
  const retention = retentionOf(
    config,
    { ...deps, ...(uploads !== null && { prove: uploads.prove }) },
    { unconfirmed: "keep", isCapped: true },
  );
  let seconds = 0;
  /** Date of the last search: "" before the first, null if the date was unconfirmed. */
  let searchedOn: string | null = "";
  let searchedMs = 0;
  /** An archive was made or its upload confirmed since the last search. */
  let isChanged = false;

  /** Removes archives that are due. Logs failures: the next attempt follows within an hour. */
  async function removeDue(): Promise<void> {
    [isChanged, searchedMs] = [false, performance.now()];
    try {
      await retention.run();
    } catch (error) {
      log.error("cannot search for archives to remove; trying again within an hour", { reason: messageOf(error) });
    }
  }

  return {
    officialOf: (day) => official?.officialOf(day),
    onArchived({ stream, symbol, date }) {
      official?.onArchived({ stream, symbol, date });
      uploads?.uploader.enqueue({ stream, symbol, date });
      dataset.onArchived({ stream, symbol, date });
      isChanged = true;
    },
    tick(freeBytes) {
      official?.tick();
      if (seconds++ === 0) {
        uploads?.uploader.start();
        dataset.start();
      }
      const isShort = freeBytes > 0 && freeBytes < config.archive.min_free_gb * 1e9;
      const sinceMs = performance.now() - searchedMs;
      const date = today();
      if (date !== searchedOn && (date !== null || searchedOn === "")) {
        searchedOn = date;
        void removeDue();
        if (date !== null) void uploads?.sweep();
      } else if (
        seconds % 3600 === 0 ||
        (isShort && seconds % 60 === 0) ||
        (isChanged && sinceMs >= (deps.pace?.lookMs ?? lookMs))
      ) {
        void removeDue();
      }
    },
    status: () => uploads?.uploader.status() ?? null,
    datasetStatus: dataset.status,
    setRoom({ forMerges }) {
      dataset.setRoom(forMerges);
      official?.setRoom(forMerges);
    },
    removalsWaiting: retention.waiting,
    async stop() {
      await Promise.all([uploads?.stop(), dataset.stop(), official?.stop()]);
    },
  };
}

function dateBy(time: ConfirmedTime): string | null {
  return time.kind === "confirmed" ? dateOf(time.us) : null;
}

/** Creates the configured retention of this disk. */
export function retentionOf(
  config: Config,
  deps: Pick<ArchiveLifecycleDeps, "dataDir" | "time" | "onRemoved" | "log"> & { readonly prove?: Prove },
  mode: Pick<RetentionOptions, "unconfirmed" | "isCapped">,
): Retention {
  const { dataDir, time, onRemoved, log } = deps;
  const { retention_days, retention_gb, min_free_gb } = config.archive;
  const limits = { days: retention_days, gb: retention_gb, minFreeGb: min_free_gb };
  const prove = config.upload.endpoint === "" ? null : (deps.prove ?? createBucketAccess(config, deps).prove);
  return createRetention(
    { dataDir, limits, ...mode },
    {
      time,
      ...(onRemoved && { onRemoved }),
      log,
      notUploaded(day, manifest) {
        if (config.upload.endpoint === "" || isPastDay(config, day, time())) return null;
        const record = uploadedOf(config, dataDir, day);
        if (record?.compressed_sha256 !== manifest.compressed_sha256) return "it is not uploaded yet";
        return record.confirmed_us === null ? "its upload is not confirmed yet" : null;
      },
      notThere: async (day, manifest, isDryRun) =>
        prove === null || isPastDay(config, day, time()) ? null : prove(day, manifest, isDryRun),
    },
  );
}
