import { removeIfThere } from "../durable-file.ts";
import type { Gap } from "../gap.ts";
import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import { archivePath, type Day, liveFolder, type Segment, segmentPath, temporarySuffix } from "../segment.ts";
import type { ArchiveStatus } from "../status.ts";
import { removeTemporaries } from "./day-archive.ts";
import type { DayJob, DayResult } from "./day-job.ts";
import type { Failure } from "./failure.ts";
import { createLevelChoice } from "./level-choice.ts";
import type { Manifest } from "./manifest.ts";
import { daysBefore, segmentFiles } from "./pending-days.ts";
import { createPool } from "./pool.ts";
import type { SealJob, SealResult } from "./seal-segment.ts";

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
  /** Queues one day that is over and has files under `live/` again: late segments of refetched trades, say. */
  merge(day: Day): void;
  status(): ArchiveStatus;
  /**
   * Abandons a merge at once (the next start finishes it) and goes on sealing until the deadline; what remains stays raw for the
   * next start. Idempotent.
   */
  stop(deadlineMs: number): Promise<void>;
};

export type SealedSegment = Extract<SealResult, { kind: "sealed" }>;

export type ArchiverOptions = {
  readonly dataDir: string;
  /** zstd level of archives; a lower one is taken while more waits than it could do in time. */
  readonly level: number;
  readonly segmentLevel: number;
  readonly sealWorkers?: number;
};

export type ArchiverDeps = {
  readonly startSealWorker: () => Worker;
  readonly startDayWorker: () => Worker;
  /** Known gaps of a day, clipped to it. */
  readonly gapsOf: (day: Day) => readonly Gap[];
  readonly recorder: { readonly version: string; readonly host: string };
  readonly onSealed?: (segment: Segment, sealed: SealedSegment) => void;
  readonly onArchived?: (manifest: Manifest) => void;
  readonly onFailure?: (failure: Failure) => void;
  readonly log: Log;
};

/** The archiver of a data folder. Failed work is counted and reported; a failed merge is tried again
 * when days are next queued, and a segment that could not be sealed goes into its day's merge as it is. */
export function createArchiver(options: ArchiverOptions, deps: ArchiverDeps): Archiver {
  const { dataDir } = options;
  const seals = createPool<SealJob, SealResult>(
    { operation: "seal", size: options.sealWorkers ?? 1, pathOf: (job) => segmentPath(dataDir, job.segment, "open") },
    deps.startSealWorker,
  );
  const merges = createPool<DayJob, DayResult>(
    { operation: "merge", size: 1, pathOf: (job) => archivePath(dataDir, job.day) },
    deps.startDayWorker,
  );
  const levels = createLevelChoice(options.level);
  /** Raw segments in the queue or in a worker, by path. */
  const sealing = new Map<string, Segment>();
  /** Raw segments that stay raw, since sealing failed; a merge takes them as they are. */
  const leftRaw = new Set<string>();
  /** Days to merge, by folder; first in, first out. */
  const days = new Map<string, Day>();
  /** Those of them that hold a raw file which was not handed to `seal`; looked at again when something changes. */
  const blocked = new Set<string>();
  let merging: Day | null = null;
  let stopped: Promise<void> | null = null;
  const sealJobs = new Set<Promise<void>>();
  let lastArchive: ArchiveStatus["last_archive"] | null = null;
  const counts = { sealed: 0, merged: 0, failures: 0 };
  let lastFailure: string | null = null;

  function fail(failure: Failure): void {
    counts.failures++;
    lastFailure = `${failure.operation} ${failure.path}: ${failure.message}`;
    deps.log.error(`cannot ${failure.operation}; the data is kept for a later attempt`, {
      path: failure.path,
      reason: failure.message,
    });
    deps.onFailure?.(failure);
  }

  async function seal(segment: Segment, path: string): Promise<void> {
    const outcome = await seals.run({ dataDir, segment, level: options.segmentLevel });
    sealing.delete(path);
    blocked.delete(liveFolder(dataDir, segment));
    if (outcome.kind === "failed") {
      leftRaw.add(path);
      fail(outcome.failure);
    } else if (outcome.kind === "done" && outcome.result.kind === "sealed") {
      counts.sealed++;
      deps.onSealed?.(segment, outcome.result);
    }
    mergeNext();
  }

  function mergeNext(): void {
    if (merging !== null || stopped !== null) return;
    const busy = new Set([...sealing.values()].map((segment) => liveFolder(dataDir, segment)));
    for (const [folder, day] of days) {
      if (busy.has(folder) || blocked.has(folder)) continue;
      const files = segmentFiles(dataDir, day);
      const written = files.find((name) => name.endsWith(".jsonl") && !leftRaw.has(`${folder}/${name}`));
      if (written !== undefined) {
        blocked.add(folder);
        deps.log.info("a day waits for a segment that is still written to", { path: `${folder}/${written}` });
        continue;
      }
      days.delete(folder);
      merging = day;
      void merge(day, folder, files);
      return;
    }
  }

  async function merge(day: Day, folder: string, inputs: string[]): Promise<void> {
    const startedMs = performance.now();
    try {
      const { level, bytes } = await levels.choose(dataDir, day, [...days.values()]);
      const gaps = deps.gapsOf(day).map(({ stream: _stream, symbol: _symbol, ...gap }) => gap);
      const outcome = await merges.run({ dataDir, day, inputs, level, recorder: deps.recorder, gaps });
      if (outcome.kind === "failed") fail(outcome.failure);
      if (outcome.kind === "done") {
        for (const name of inputs) leftRaw.delete(`${folder}/${name}`);
        levels.learn(level, bytes, performance.now() - startedMs);
        onMerged(outcome.result, performance.now() - startedMs);
      }
    } catch (error) {
      fail({ operation: "merge", path: archivePath(dataDir, day), message: messageOf(error) });
    }
    if (stopped !== null) return;
    merging = null;
    mergeNext();
  }

  function onMerged(result: DayResult, tookMs: number): void {
    for (const { path, reason } of result.quarantined) {
      fail({ operation: "merge a file, which was put aside", path, message: reason });
    }
    const { manifest } = result;
    if (manifest === null) return;
    counts.merged++;
    const { stream, symbol, date, rows, raw_bytes, compressed_bytes, compression_level } = manifest;
    lastArchive = { stream, symbol, date, rows, raw_bytes, compressed_bytes };
    const seconds = Math.round(tookMs / 100) / 10;
    deps.log.info("archived a day", {
      stream,
      symbol,
      date,
      rows,
      raw_bytes,
      compressed_bytes,
      level: compression_level,
      seconds,
    });
    deps.onArchived?.(manifest);
  }

  async function stop(deadlineMs: number): Promise<void> {
    await merges.stop();
    if (merging !== null) {
      removeTemporaries(dataDir, merging);
      deps.log.info("a merge was abandoned; the next start does it", { ...merging });
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([Promise.all(sealJobs), deadline]);
    clearTimeout(timer);
    const unfinished = [...sealing.values()];
    await seals.stop();
    for (const segment of unfinished) removeIfThere(segmentPath(dataDir, segment, "sealed") + temporarySuffix);
    if (unfinished.length > 0) {
      deps.log.warn("segments stay raw; the next start seals them", { segments: unfinished.length });
    }
  }

  return {
    start: async () => {},
    seal(segment) {
      const path = segmentPath(dataDir, segment, "open");
      if (stopped !== null || sealing.has(path)) return;
      sealing.set(path, segment);
      const job = seal(segment, path).finally(() => sealJobs.delete(job));
      sealJobs.add(job);
    },
    async mergeDaysBefore(today) {
      for (const day of await daysBefore(dataDir, today)) {
        const folder = liveFolder(dataDir, day);
        if (!days.has(folder)) days.set(folder, day);
      }
      blocked.clear();
      mergeNext();
    },
    merge(day) {
      const folder = liveFolder(dataDir, day);
      days.set(folder, day);
      blocked.delete(folder);
      mergeNext();
    },
    status: () => ({
      segments_sealed: counts.sealed,
      segments_waiting: sealing.size,
      days_merged: counts.merged,
      days_waiting: days.size + (merging === null ? 0 : 1),
      failures: counts.failures,
      last_failure: lastFailure,
      last_archive: lastArchive,
    }),
    stop(deadlineMs) {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
  };
}
