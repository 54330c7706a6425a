import { keptFrom } from "../../archive/retention/retention-plan.ts";
import { createWorkerPool } from "../../archive/workers/worker-pool.ts";
import type { Config } from "../../config/config.ts";
import type { DatasetJob, DatasetResult, DatasetSite } from "../../dataset/dataset-jobs.ts";
import { datasetFolder } from "../../dataset/dataset-paths.ts";
import { createDatasetWriter, type DatasetWriter } from "../../dataset/dataset-writer.ts";
import { type Day, dateOf } from "../../domain/day.ts";
import type { DatasetStatus } from "../../domain/storage-status.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { archivedDays } from "../../storage/list/listing.ts";
import { startDatasetWorker } from "../../workers.ts";
import { uploadedOf } from "../data/bucket-access.ts";
import { type DatasetOrder, datasetSettings } from "./dataset-order.ts";

/** The dataset of the config, kept in step with the archives; idle if the dataset is not configured. */
export type AppDataset = Pick<DatasetWriter, "start" | "onArchived" | "onUploaded" | "setRoom"> & {
  /** Null if the dataset is not configured. */
  status(): DatasetStatus | null;
  /** Ends the worker, whose work may be cut off anywhere. Idempotent. */
  stop(): Promise<void>;
};

export type AppDatasetDeps = {
  readonly dataDir: string;
  readonly mode: "record" | "demo";
  readonly recorderId: string | null;
  /** The only time by which days leave the dataset. */
  readonly time: () => ConfirmedTime;
  /** Resolves when this many bytes may be sent within the limit that archives and dataset share. */
  readonly maySend: (bytes: number) => Promise<void>;
  readonly log: Log;
  /** For tests; the defaults suit real machines. */
  readonly pace?: { readonly retryMs?: number; readonly settleMs?: number; readonly sweepMs?: number };
};

/** Creates the dataset that `config.dataset` describes. */
export function createAppDataset(config: Config, deps: AppDatasetDeps): AppDataset {
  const { dataDir, log } = deps;
  const settings = { ...datasetSettings(config, deps), dataDir };
  if (!config.dataset.enabled) return { ...idle, status: () => null, stop: async () => {} };
  const pool = createWorkerPool<DatasetOrder, DatasetResult>(
    { operation: "write", size: 1, idleMs: 60_000, pathOf: () => datasetFolder(dataDir), maySend: deps.maySend },
    startDatasetWorker,
  );

  async function run(job: DatasetJob): Promise<DatasetResult> {
    const outcome = await pool.run({ job, settings });
    if (outcome.kind === "done") return outcome.result;
    if (outcome.kind === "stopped") throw new Error("stopping");
    const { path, message, code } = outcome.failure;
    throw Object.assign(new Error(`${path}: ${message}`), code !== null && { code });
  }

  const limits = { disk: config.dataset.retention_days, bucket: config.upload.retention_days };
  const writer = createDatasetWriter(
    {
      dataDir,
      bucket:
        settings.upload === null ? null : `${settings.upload.bucket} at ${new URL(settings.upload.endpoint).host}`,
      keepHours: config.dataset.keep_replaced_hours,
      ...deps.pace,
    },
    {
      ...{ run, time: deps.time, log },
      keepFrom(site: DatasetSite) {
        if (limits[site] === 0) return null;
        const time = deps.time();
        return time.kind === "confirmed" ? keptFrom(dateOf(time.us), limits[site]) : undefined;
      },
      uploaded: () => uploadedDays(config, dataDir),
    },
  );
  return {
    ...writer,
    async stop() {
      const isDone = writer.stop();
      await pool.stop();
      await isDone;
    },
  };
}

const idle = { start() {}, onArchived() {}, onUploaded() {}, setRoom() {} };

/** Lists archived days that the bucket has, by the upload records on this disk. */
async function* uploadedDays(config: Config, dataDir: string): AsyncGenerator<Day> {
  for (const day of await archivedDays(dataDir)) if (uploadedOf(config, dataDir, day) !== null) yield day;
}
