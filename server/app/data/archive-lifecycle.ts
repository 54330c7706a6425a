import {
  createRetention,
  type RemovalsWaiting,
  type Retention,
  type RetentionOptions,
} from "../../archive/retention/retention.ts";
import type { Config } from "../../config/config.ts";
import { type Day, dateOf } from "../../domain/day.ts";
import type { UploadStatus } from "../../domain/status.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import type { Manifest } from "../../storage/manifest.ts";
import type { Prove } from "../../upload/day/prove-day.ts";
import { createBucketAccess, isPastDay, uploadedOf } from "./bucket-access.ts";
import { createUploads, type UploadPace } from "./uploads.ts";

/** What becomes of archives: into the bucket, and off this disk and the bucket when their time is over. */
export type ArchiveLifecycle = {
  /** A day was archived, or archived anew. */
  onArchived(day: Day): void;
  /**
   * Call it every second. The first one begins to look for what is to be uploaded and removed; then it acts once an hour, when
   * the date changes, and each minute while less is free than should be.
   */
  tick(freeBytes: number): void;
  status(): UploadStatus | null;
  /** Archives that are due, but that wait since an hour may remove only so much; null if none. */
  removalsWaiting(): RemovalsWaiting | null;
  /** Idempotent. */
  stop(): Promise<void>;
};

export type ArchiveLifecycleDeps = {
  readonly dataDir: string;
  readonly nowUs: () => number;
  /** Nothing is removed by any other time, here or in the bucket. */
  readonly time: () => ConfirmedTime;
  /** Invented data never gets into a bucket of recorded data, whatever the config says. */
  readonly mode: "record" | "demo";
  readonly recorder: Manifest["recorder"];
  /** A day is gone from this disk. */
  readonly onRemoved?: (day: Day) => void;
  readonly log: Log;
  /** For tests; otherwise what suits real stores. */
  readonly pace?: UploadPace & { readonly lookMs?: number };
};

/** A look at all archives is not free where there are a hundred thousand; what was archived or uploaded meanwhile waits, ms. */
const lookMs = 600_000;

/** The keeping that a config asks for; without limits and without bucket it does nothing. */
export function createArchiveLifecycle(settings: Config, deps: ArchiveLifecycleDeps): ArchiveLifecycle {
  const config = deps.mode === "demo" ? { ...settings, upload: { ...settings.upload, endpoint: "" } } : settings;
  const { log } = deps;
  const today = () => dateBy(deps.time());
  const noteChange = () => {
    isChanged = true;
  };
  const uploads = config.upload.endpoint === "" ? null : createUploads(config, { ...deps, onConfirmed: noteChange });
  const retention = retentionOf(
    config,
    { ...deps, ...(uploads !== null && { prove: uploads.prove }) },
    { unconfirmed: "keep", isCapped: true },
  );
  let seconds = 0;
  /** Null: the date was not confirmed. */
  let lookedOn: string | null = "";
  let lookedMs = 0;
  /** Something was archived or confirmed since the last look. */
  let isChanged = false;

  /** Failures are told and not thrown on: the next look is an hour away at most. */
  async function look(): Promise<void> {
    [isChanged, lookedMs] = [false, performance.now()];
    try {
      await retention.run();
    } catch (error) {
      log.error("cannot look for archives to remove", { reason: messageOf(error) });
    }
  }

  return {
    onArchived({ stream, symbol, date }) {
      uploads?.uploader.note({ stream, symbol, date });
      isChanged = true;
    },
    tick(freeBytes) {
      if (seconds++ === 0) uploads?.uploader.start();
      const isShort = freeBytes > 0 && freeBytes < config.archive.min_free_gb * 1e9;
      const sinceMs = performance.now() - lookedMs;
      const date = today();
      if (date !== lookedOn && (date !== null || lookedOn === "")) {
        lookedOn = date;
        void look();
        if (date !== null) void uploads?.sweep();
      } else if (
        seconds % 3600 === 0 ||
        (isShort && seconds % 60 === 0) ||
        (isChanged && sinceMs >= (deps.pace?.lookMs ?? lookMs))
      ) {
        void look();
      }
    },
    status: () => uploads?.uploader.status() ?? null,
    removalsWaiting: retention.waiting,
    async stop() {
      await uploads?.stop();
    },
  };
}

function dateBy(time: ConfirmedTime): string | null {
  return time.kind === "confirmed" ? dateOf(time.us) : null;
}

/** The retention that a config asks for on this disk. */
export function retentionOf(
  config: Config,
  deps: Pick<ArchiveLifecycleDeps, "dataDir" | "time" | "onRemoved" | "log"> & { readonly prove?: Prove },
  how: Pick<RetentionOptions, "unconfirmed" | "isCapped">,
): Retention {
  const { dataDir, time, onRemoved, log } = deps;
  const { retention_days, retention_gb, min_free_gb } = config.archive;
  const limits = { days: retention_days, gb: retention_gb, minFreeGb: min_free_gb };
  const prove = config.upload.endpoint === "" ? null : (deps.prove ?? createBucketAccess(config, deps).prove);
  return createRetention(
    { dataDir, limits, ...how },
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
