import { archivePath, type Day, liveFolder, type Segment } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { ArchiveStatus } from "../domain/status.ts";
import { type Failure, failureOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { daysBefore, segmentFiles } from "../storage/list/listing.ts";
import type { Manifest } from "../storage/manifest.ts";
import { createArchiveCounters } from "./archive-counters.ts";
import { createCompressionPlanner } from "./merge/compression-planner.ts";
import { removeTemporaries } from "./merge/replace-archive.ts";
import type { DayJob, DayResult } from "./merge/write-archive.ts";
import { createSealQueue } from "./seal/seal-queue.ts";
import { archiveEstimate, createBackoff, type DiskBudget, mayPass, unlimitedDisk } from "./workers/disk-budget.ts";
import { createWorkerPool } from "./workers/worker-pool.ts";

/** Seals segments and merges days, in workers. */
export type Archiver = {
  start(): Promise<void>;
  /** Queues a closed raw segment; it is compressed, verified and made visible, then the raw file goes. */
  seal(segment: Segment): void;
  /**
   * Queues every day before `today` that has files under `live/`; resolves when they are queued. A day waits for its segments:
   * for those that are being sealed, and for raw files not yet handed to `seal`, which somebody still writes to.
   */
  mergeDaysBefore(today: string): Promise<void>;
  /**
   * Queues one day that is over and has files under `live/` again (late segments of refetched trades, say), or of which more is known
   * about its gaps, which its manifest then tells.
   */
  merge(day: Day): void;
  /** How much disk the work may take up from now on; what needs more waits, and goes on when there is room. Call it now and then. */
  setRoom(room: DiskBudget): void;
  status(): ArchiveStatus;
  /**
   * Abandons a merge at once (the next start finishes it) and goes on sealing until the deadline; what remains stays raw for the
   * next start. Idempotent.
   */
  stop(deadlineMs: number): Promise<void>;
};

export type ArchiverOptions = {
  readonly dataDir: string;
  /** zstd level of archives; a lower one is taken while more waits than it could do in time. */
  readonly level: number;
  readonly segmentLevel: number;
  readonly sealWorkers?: number;
  /** Pause after the disk has refused something, ms; default 30 s. */
  readonly retryMs?: number | undefined;
};

export type ArchiverDeps = {
  readonly startSealWorker: () => Worker;
  readonly startDayWorker: () => Worker;
  /** Known gaps of a day, clipped to it. */
  readonly gapsOf: (day: Day) => readonly Gap[];
  /** Local clock minus exchange clock, ms; null while unknown. */
  readonly clockOffsetMs?: () => number | null;
  readonly recorder: { readonly version: string; readonly host: string };
  /** False while days may hold what recovery has not looked at; days are queued meanwhile. */
  readonly mayMerge?: () => boolean;
  /** It is sealed with so many rows; null: it stays raw, or is gone. */
  readonly onSealed?: (segment: Segment, rows: number | null) => void;
  /** `isVerified`: the archive was written and read back; false where only its manifest's gaps were brought up to date. */
  readonly onArchived?: (manifest: Manifest, isVerified: boolean) => void;
  /** A segment was put aside; `segments` names all of the day. */
  readonly onUnreadable?: (segment: Segment, segments: readonly string[]) => void;
  readonly onFailure?: (failure: Failure) => void;
  readonly log: Log;
};

/**
 * The archiver of a data folder. Failed work is counted and reported. What failed because of the disk is tried again by itself; any other
 * failed merge when days are next queued, and a segment that could not be sealed goes into its day's merge as it is.
 */
export function createArchiver(options: ArchiverOptions, deps: ArchiverDeps): Archiver {
  const { dataDir, retryMs = 30_000 } = options;
  let room = unlimitedDisk;
  const mergeBackoff = createBackoff(retryMs);
  const seals = createSealQueue(
    { dataDir, level: options.segmentLevel, workers: options.sealWorkers ?? 1 },
    {
      startWorker: deps.startSealWorker,
      room: () => room.forSeals,
      backoff: createBackoff(retryMs),
      onSealed(segment, sealed) {
        if (sealed !== null) tally.sealed();
        afterSeal(segment, sealed?.rows ?? null);
      },
      onLeftRaw(path, segment, failure) {
        leftRaw.add(path);
        fail(failure);
        afterSeal(segment, null);
      },
      onPostponed: fail,
    },
  );
  const merges = createWorkerPool<DayJob, DayResult>(
    { operation: "merge", size: 1, pathOf: (job) => archivePath(dataDir, job.day) },
    deps.startDayWorker,
  );
  const levels = createCompressionPlanner(options.level);
  const usual = { level: options.level, bytes: 0 };
  /** Raw segments that stay raw, since sealing failed; a merge takes them as they are. */
  const leftRaw = new Set<string>();
  /** Days to merge, by folder; first in, first out. */
  const days = new Map<string, Day>();
  /** Those of them that hold a raw file which was not handed to `seal`; looked at again when something changes. */
  const blocked = new Set<string>();
  /** Bytes that those need for which there was no room, so that files are not counted again each second. */
  const needs = new Map<string, number>();
  let merging: Day | null = null;
  let stopped: Promise<void> | null = null;
  const tally = createArchiveCounters();

  function fail(failure: Failure): void {
    tally.failed(failure);
    deps.log.error(`cannot ${failure.operation}; the data is kept for a later attempt`, {
      path: failure.path,
      reason: failure.message,
    });
    deps.onFailure?.(failure);
  }

  function afterSeal(segment: Segment, rows: number | null): void {
    deps.onSealed?.(segment, rows);
    blocked.delete(liveFolder(dataDir, segment));
    needs.delete(liveFolder(dataDir, segment));
    mergeNext();
  }

  function queue(day: Day): void {
    const folder = liveFolder(dataDir, day);
    if (!days.has(folder)) days.set(folder, day);
  }

  function mergeNext(): void {
    if (merging !== null || stopped !== null || mergeBackoff.isHeld() || deps.mayMerge?.() === false) return;
    for (const [folder, day] of days) {
      if (seals.isBusy(folder) || blocked.has(folder) || (needs.get(folder) ?? 0) > room.forMerges) continue;
      const files = segmentFiles(dataDir, day);
      const written = files.find((name) => name.endsWith(".jsonl") && !leftRaw.has(`${folder}/${name}`));
      if (written !== undefined) {
        blocked.add(folder);
        deps.log.info("a day waits for a segment that is still written to", { path: `${folder}/${written}` });
        continue;
      }
      const need = archiveEstimate([archivePath(dataDir, day), ...files.map((name) => `${folder}/${name}`)]);
      needs.set(folder, need);
      if (need > room.forMerges) continue;
      needs.delete(folder);
      days.delete(folder);
      merging = day;
      void merge(day, folder, files);
      return;
    }
  }

  async function merge(day: Day, folder: string, inputs: string[]): Promise<void> {
    const startedMs = performance.now();
    try {
      // Where only a manifest is brought up to date nothing is compressed; many such days may wait at once.
      const isOnlyManifest = inputs.length === 0;
      const { level, bytes } = isOnlyManifest ? usual : await levels.choose(dataDir, day, [...days.values()]);
      const gaps = deps.gapsOf(day).map(({ stream: _stream, symbol: _symbol, ...gap }) => gap);
      const about = { recorder: deps.recorder, gaps, clockOffsetMs: deps.clockOffsetMs?.() ?? null };
      const outcome = await merges.run({ dataDir, day, inputs, level, ...about });
      if (outcome.kind === "failed") onMergeFailed(day, folder, outcome.failure);
      if (outcome.kind === "done") {
        mergeBackoff.clear();
        for (const name of inputs) leftRaw.delete(`${folder}/${name}`);
        if (!isOnlyManifest) levels.learn(level, bytes, performance.now() - startedMs);
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
      fail(failure);
      return;
    }
    days.set(folder, day);
    if (mergeBackoff.note(failure)) fail(failure);
  }

  function onMerged(day: Day, result: DayResult, tookMs: number): void {
    const { manifest } = result;
    for (const { path, reason, segment } of result.quarantined) {
      fail({ operation: "merge a file, which was put aside", path, message: reason, code: null });
      if (segment !== null) deps.onUnreadable?.({ ...day, name: segment }, manifest?.segments ?? []);
    }
    if (manifest === null) return;
    const isNew = result.kind === "archived";
    if (isNew) {
      tally.merged(manifest);
      const { last_archive } = tally.counts();
      const seconds = Math.round(tookMs / 100) / 10;
      deps.log.info("archived a day", { ...last_archive, zstd_level: manifest.compression_level, seconds });
    }
    deps.onArchived?.(manifest, isNew);
  }

  async function stop(deadlineMs: number): Promise<void> {
    await merges.stop();
    if (merging !== null) {
      removeTemporaries(dataDir, merging);
      deps.log.info("a merge was abandoned; the next start does it", { ...merging });
    }
    const unfinished = await seals.stop(deadlineMs);
    if (unfinished.length > 0)
      deps.log.warn("segments stay raw; the next start seals them", { segments: unfinished.length });
  }

  return {
    start: async () => {},
    seal: (segment) => void (stopped === null && seals.add(segment)),
    async mergeDaysBefore(today) {
      for (const day of await daysBefore(dataDir, today)) queue(day);
      blocked.clear();
      mergeNext();
    },
    merge(day) {
      queue(day);
      mergeNext();
    },
    setRoom(next) {
      room = next;
      if (stopped !== null) return;
      seals.pump();
      mergeNext();
    },
    status: () => ({
      ...tally.counts(),
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
