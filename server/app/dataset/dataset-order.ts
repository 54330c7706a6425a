import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { createDatasetJobs, type DatasetJob, type RunDatasetJob } from "../../dataset/dataset-jobs.ts";
import type { DatasetNumbers } from "../../dataset/write-day.ts";
import { writeArchiveAsParquet } from "../../export/parquet/archive-parquet.ts";
import { silentLog } from "../../platform/log/log.ts";
import { type BucketConfig, createBucketAccess } from "../data/bucket-access.ts";
import { createBucketSite } from "./bucket-site.ts";

/** The settings of the dataset, as a worker gets them. */
export type DatasetSettings = {
  readonly dataDir: string;
  readonly numbers: DatasetNumbers;
  /** The bucket that gets the dataset too; null: it stays on this disk. */
  readonly upload: Config["upload"] | null;
  readonly recorderId: string | null;
};

/** A job with the settings for it; the settings never change while the process runs. */
export type DatasetOrder = { readonly job: DatasetJob; readonly settings: DatasetSettings };

/** Returns the settings of the dataset that the config describes. A demo does not upload. */
export function datasetSettings(
  config: Config,
  { mode, recorderId }: { readonly mode: "record" | "demo"; readonly recorderId: string | null },
): DatasetSettings {
  const isUploaded = mode === "record" && config.dataset.upload && config.upload.endpoint !== "";
  return {
    dataDir: resolve(config.record.data_dir),
    numbers: config.dataset.numbers,
    upload: isUploaded ? config.upload : null,
    recorderId,
  };
}

export type DatasetWorkDeps = {
  /** Resolves when this many bytes may be sent to or read from the bucket. */
  readonly maySend: (bytes: number) => Promise<void>;
  /** Called now and then while a day is written, with the share that is done. */
  readonly onProgress: (share: number) => void;
  readonly stop: AbortSignal;
};

/** Creates the work on the dataset from the parts that do it: the export, and the client of the bucket. */
export function createDatasetWork(settings: DatasetSettings, deps: DatasetWorkDeps): RunDatasetJob {
  const { dataDir, numbers } = settings;
  const nowMs = Date.now;
  return createDatasetJobs({
    ...{ dataDir, numbers, nowMs },
    alive: () => deps.onProgress(0),
    bucket: settings.upload === null ? null : bucketOf(settings.upload),
    writeParquet: (source, target, form) =>
      writeArchiveAsParquet(source, target, {
        ...{ numbers: form, levels: "columns", compression: "zstd" },
        ...{ stop: deps.stop, onProgress: deps.onProgress },
      }),
  });

  function bucketOf(upload: Config["upload"]) {
    const config: BucketConfig = { upload, record: { data_dir: dataDir } };
    // The sweep is handed its time, and other work here does not depend on age.
    const time = () => ({ kind: "unconfirmed", why: "a worker does not know the time" }) as const;
    const access = createBucketAccess(config, { dataDir, time, log: silentLog });
    const whose = { ownId: settings.recorderId, shared: upload.retention_shared };
    return createBucketSite(access, { dataDir, nowMs, pacer: { acquire: deps.maySend }, ...whose });
  }
}
