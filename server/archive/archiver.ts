import { archivePath, type Day, liveFolder, type Segment } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { ArchiveStatus } from "../domain/status.ts";
import { type Failure, failureOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { daysBefore, refuseUnlisted, segmentFiles } from "../storage/list/listing.ts";
import type { Manifest, ManifestOfficial } from "../storage/manifest.ts";
import { createArchiveCounters } from "./archive-counters.ts";
import { createCompressionPlanner } from "./merge/compression-planner.ts";
import { removeTemporaries } from "./merge/replace-archive.ts";
import type { DayJob, DayResult } from "./merge/write-archive.ts";
import { createSealQueue } from "./seal/seal-queue.ts";
import { archiveEstimate, createRetryPause, type DiskBudget, mayPass, unlimitedDisk } from "./workers/disk-budget.ts";
import { createWorkerPool } from "./workers/worker-pool.ts";

/** Seals segments and merges days, in worker threads. */
export type Archiver = {
  /** Queues a closed raw segment. It is compressed, verified and made visible; then the raw file is removed. */
  seal(segment: Segment): void;
  /**
   * Queues every day before `today` that has files under `live/`; resolves when they are queued. A day waits until its queued
   * segments are sealed. It also waits for raw files that were not handed to `seal` yet: they are still being written.
   */
  mergeDaysBefore(today: string): Promise<void>;
  /**
   * Queues one past day again: it has new files under `live/` (for example segments of backfilled trades), or its known gaps
   * changed and its manifest must be updated.
   */
  merge(day: Day): void;
  /** Sets how much disk space the work may use. Work that needs more waits until there is room. Call it regularly. */
  setRoom(room: DiskBudget): void;
  status(): ArchiveStatus;
  /** Abandons a running merge and seals until the deadline; the next start does the rest. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
};

export type ArchiverOptions = {
  readonly dataDir: string;
  /** zstd level of archives. A lower level is used while more work waits than this level could finish in time. */
  readonly level: number;
  readonly segmentLevel: number;
  readonly sealWorkers?: number;
  /** Pause after a disk error, ms; default 30 s. */
  readonly retryMs?: number | undefined;
};

export type ArchiverDeps = {
  readonly startSealWorker: () => Worker;
  readonly startDayWorker: () => Worker;
  /** Known gaps of a day, clipped to it. */
  readonly gapsOf: (day: Day) => readonly Gap[];
  /** Receipt of a stream's very first record, µs; null if unknown. */
  readonly sinceUs?: (series: Pick<Day, "stream" | "symbol">) => number | null;
  /** The new result of comparing a day with Binance's daily file; undefined without one. */
  readonly officialOf?: (day: Day) => ManifestOfficial | undefined;
  /** Local clock minus exchange clock, ms; null while unknown. */
  readonly clockOffsetMs?: () => number | null;
  readonly recorder: { readonly version: string; readonly host: string };
  /** False while days may hold files that recovery has not checked. Days are queued meanwhile. */
  readonly mayMerge?: () => boolean;
  /** A segment left the seal queue: sealed with `rows` rows, or null if it stays raw or is gone. */
  readonly onSealed?: (segment: Segment, rows: number | null) => void;
  /** `isVerified`: the archive was written and read back. False if only its manifest was updated. */
  readonly onArchived?: (manifest: Manifest, isVerified: boolean) => void;
  /** A segment was moved to quarantine; `segments` names all segments of the day. */
  readonly onUnreadable?: (segment: Segment, segments: readonly string[]) => void;
  readonly onFailure?: (failure: Failure) => void;
  readonly log: Log;
};

/**
 * Creates the archiver of a data folder. Failed work is counted and reported. Work that failed because of the disk is retried. Any
 * other failed merge is retried when days are queued next. A segment that cannot be sealed goes raw into its day's merge.
 */
export function createArchiver(options: ArchiverOptions, deps: ArchiverDeps): Archiver {
  const { dataDir, retryMs = 30_000 } = options;
  let room = unlimitedDisk;
  const mergePause = createRetryPause(retryMs);
  const seals = createSealQueue(
    { dataDir, level: options.segmentLevel, workers: options.sealWorkers ?? 1 },
    {
      startWorker: deps.startSealWorker,
      room: () => room.forSeals,
      retryPause: createRetryPause(retryMs),
      onSealed(segment, sealed) {
        if (sealed !== null) counters.sealed();
        afterSeal(segment, sealed?.rows ?? null);
      },
      onLeftRaw(path, segment, failure) {
        leftRaw.add(path);
        reportFailure(failure);
        afterSeal(segment, null);
      },
      onPostponed: reportFailure,
    },
  );
  const merges = createWorkerPool<DayJob, DayResult>(
    { operation: "merge", size: 1, pathOf: (job) => archivePath(dataDir, job.day) },
    deps.startDayWorker,
  );
  const planner = createCompressionPlanner(options.level);
  const usualPlan = { level: options.level, bytes: 0 };
  /** Paths of raw segments whose sealing failed; a merge reads them raw. */
  const leftRaw = new Set<string>();
  /** Days to merge, by live folder; first in, first out. */
  const days = new Map<string, Day>();
  /** Folders of queued days with a raw file that was not handed to `seal`; checked again when a segment is sealed or days are queued. */
  const blocked = new Set<string>();
  /** Bytes needed by days for which there was no room, by folder. Cached so that their files are not measured every second. */
  const neededBytes = new Map<string, number>();
  let merging: Day | null = null;
  let stopped: Promise<void> | null = null;
  const counters = createArchiveCounters();
  function reportFailure(failure: Failure): void {
    counters.failed(failure);
    deps.log.error(`cannot ${failure.operation}; the data is kept and the work is retried later`, {
      path: failure.path,
      reason: failure.message,
    });
    deps.onFailure?.(failure);
  }

  function afterSeal(segment: Segment, rows: number | null): void {
    deps.onSealed?.(segment, rows);
    blocked.delete(liveFolder(dataDir, segment));
    neededBytes.delete(liveFolder(dataDir, segment));
    mergeNext();
  }

  function enqueue(day: Day): void {
    const folder = liveFolder(dataDir, day);
    if (!days.has(folder)) days.set(folder, day);
  }

  function mergeNext(): void {
    if (merging !== null || stopped !== null || mergePause.isHeld() || deps.mayMerge?.() === false) return;
    for (const [folder, day] of days) {
      if (seals.isBusy(folder) || blocked.has(folder) || (neededBytes.get(folder) ?? 0) > room.forMerges) continue;
      const files = segmentFiles(dataDir, day);
      const openFile = files.find((name) => name.endsWith(".jsonl") && !leftRaw.has(`${folder}/${name}`));
      if (openFile !== undefined) {
        blocked.add(folder);
        deps.log.info("merge postponed: a segment of the day is still being written", {
          path: `${folder}/${openFile}`,
        });
        continue;
      }
      const bytesNeeded = archiveEstimate([archivePath(dataDir, day), ...files.map((name) => `${folder}/${name}`)]);
      neededBytes.set(folder, bytesNeeded);
      if (bytesNeeded > room.forMerges) continue;
      neededBytes.delete(folder);
      days.delete(folder);
      merging = day;
      void merge(day, folder, files);
      return;
    }
  }

  async function merge(day: Day, folder: string, inputs: string[]): Promise<void> {
    const startedMs = performance.now();
    try {
      // An update of the manifest alone does not compress. Many such days may wait at once, so they skip the planner.
      const isOnlyManifest = inputs.length === 0;
      if (isOnlyManifest) refuseUnlisted(folder);
      const { level, bytes } = isOnlyManifest ? usualPlan : await planner.choose(dataDir, day, [...days.values()]);
      const gaps = deps.gapsOf(day).map(({ stream: _stream, symbol: _symbol, ...gap }) => gap);
      const facts = { gaps, sinceUs: deps.sinceUs?.(day) ?? null, clockOffsetMs: deps.clockOffsetMs?.() ?? null };
      const official = deps.officialOf?.(day);
      const outcome = await merges.run({ dataDir, day, inputs, level, recorder: deps.recorder, official, ...facts });
      if (outcome.kind === "failed") onMergeFailed(day, folder, outcome.failure);
      if (outcome.kind === "done") {
        mergePause.clear();
        for (const name of inputs) leftRaw.delete(`${folder}/${name}`);
        if (!isOnlyManifest) planner.learn(level, bytes, performance.now() - startedMs);
        onMerged(day, outcome.result, performance.now() - startedMs);
      }
    } catch (error) {
      onMergeFailed(day, folder, failureOf(error, "merge", archivePath(dataDir, day)));
    }
    if (stopped !== null) return;
    merging = null;
    mergeNext();
  }

  function onMergeFailed(day: Day, folder: string, failure: Failure): void {
    if (!mayPass(failure)) {
      reportFailure(failure);
      return;
    }
    days.set(folder, day);
    if (mergePause.recordFailure(failure)) reportFailure(failure);
  }

  function onMerged(day: Day, result: DayResult, tookMs: number): void {
    const { manifest } = result;
    for (const { path, reason, segment } of result.quarantined) {
      reportFailure({ operation: "merge a file; it was moved to quarantine", path, message: reason, code: null });
      if (segment !== null) deps.onUnreadable?.({ ...day, name: segment }, manifest?.segments ?? []);
    }
    if (manifest === null) return;
    const isNew = result.kind === "archived";
    if (isNew) {
      counters.merged(manifest);
      const { last_archive } = counters.counts();
      const seconds = Math.round(tookMs / 100) / 10;
      deps.log.info("archived a day", { ...last_archive, zstd_level: manifest.compression_level, seconds });
    }
    deps.onArchived?.(manifest, isNew);
  }

  async function stop(deadlineMs: number): Promise<void> {
    await merges.stop();
    if (merging !== null) {
      removeTemporaries(dataDir, merging);
      deps.log.info("merge abandoned; the next start repeats it", { ...merging });
    }
    const unfinished = await seals.stop(deadlineMs);
    if (unfinished.length > 0)
      deps.log.warn("segments stay raw; the next start seals them", { segments: unfinished.length });
  }

  return {
    seal: (segment) => void (stopped === null && seals.add(segment)),
    async mergeDaysBefore(today) {
      for (const day of await daysBefore(dataDir, today)) enqueue(day);
      blocked.clear();
      mergeNext();
    },
    merge(day) {
      enqueue(day);
      mergeNext();
    },
    setRoom(next) {
      room = next;
      if (stopped !== null) return;
      seals.pump();
      mergeNext();
    },
    status: () => ({
      ...counters.counts(),
      segments_waiting: seals.size(),
      days_waiting: days.size + (merging === null ? 0 : 1),
      workers: seals.workers() + merges.workers(),
    }),
    stop(deadlineMs) {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
  };
}
