import { liveFolder, type Segment, segmentPath, temporarySuffix } from "../../domain/day.ts";
import type { Failure } from "../../platform/errors.ts";
import { removeIfThere } from "../../platform/files/durable-files.ts";
import { type Backoff, compressedEstimate, mayPass, sizeOf } from "../workers/disk-budget.ts";
import { createWorkerPool } from "../workers/worker-pool.ts";
import type { SealJob, SealResult } from "./seal-segment.ts";

/** Closed raw segments on their way to being sealed, first in, first out. */
export type SealQueue = {
  add(segment: Segment): void;
  /** Starts what the room on the disk allows; call it when that may have changed. */
  pump(): void;
  /** Segments that wait or are being sealed. */
  size(): number;
  /** Threads at this moment. */
  workers(): number;
  /** True while a segment of this day's folder waits or is being sealed. */
  isBusy(folder: string): boolean;
  /** Ends the workers at the deadline at the latest; returns the segments that stay raw. */
  stop(deadlineMs: number): Promise<readonly Segment[]>;
};

export type SealedSegment = Extract<SealResult, { kind: "sealed" }>;

export type SealQueueOptions = {
  readonly dataDir: string;
  readonly level: number;
  readonly workers: number;
};

export type SealQueueDeps = {
  readonly startWorker: () => Worker;
  /** Bytes that compressed copies may take up. */
  readonly room: () => number;
  readonly backoff: Backoff;
  /** It is sealed; null: nothing was to be sealed. */
  readonly onSealed: (segment: Segment, sealed: SealedSegment | null) => void;
  /** It stays raw and will not be tried again in this run. */
  readonly onLeftRaw: (path: string, segment: Segment, failure: Failure) => void;
  /** It is tried again when the disk is better; told once while that lasts. */
  readonly onPostponed: (failure: Failure) => void;
};

/** A bad sector does not get better; that many attempts for a segment that cannot be read. */
const mostAttempts = 5;

/**
 * A worker waits so long for more, ms. Beginning anew costs 90 ms of a core, and as much again until zstd has been compiled well: too much for
 * each minute, where windows are that short; with longer ones its memory is wanted back.
 */
const idleMs = 75_000;

/** The queue of a data folder. */
export function createSealQueue(options: SealQueueOptions, deps: SealQueueDeps): SealQueue {
  const { dataDir, level, workers } = options;
  const pathOf = (segment: Segment) => segmentPath(dataDir, segment, "open");
  const pool = createWorkerPool<SealJob, SealResult>(
    { operation: "seal", size: workers, idleMs, pathOf: (job) => pathOf(job.segment) },
    deps.startWorker,
  );
  /** By path, those in a worker included. */
  const queue = new Map<string, { readonly segment: Segment; attempts: number; isRunning: boolean }>();
  /** Number of queued segments of each day's folder. After a long outage thousands wait, so they are counted and not listed. */
  const queuedIn = new Map<string, number>();
  const jobs = new Set<Promise<void>>();
  let stopping = false;
  /** The workers are being ended. */
  let ended = false;

  function pump(): void {
    if (ended || deps.backoff.isHeld()) return;
    for (const [path, entry] of queue) {
      if (jobs.size >= workers) return;
      if (entry.isRunning) continue;
      if (compressedEstimate(sizeOf(path)) > deps.room()) return;
      entry.isRunning = true;
      const job = seal(path, entry).finally(() => {
        jobs.delete(job);
        pump();
      });
      jobs.add(job);
    }
  }

  async function seal(path: string, entry: { segment: Segment; attempts: number; isRunning: boolean }): Promise<void> {
    const { segment } = entry;
    const outcome = await pool.run({ dataDir, segment, level });
    entry.isRunning = false;
    if (outcome.kind === "stopped") return;
    if (outcome.kind === "failed") {
      const { failure } = outcome;
      if (mayPass(failure) && (failure.code !== "EIO" || ++entry.attempts < mostAttempts)) {
        if (deps.backoff.note(failure)) deps.onPostponed(failure);
        return;
      }
      remove(path, segment);
      deps.onLeftRaw(path, segment, failure);
      return;
    }
    remove(path, segment);
    deps.backoff.clear();
    deps.onSealed(segment, outcome.result.kind === "sealed" ? outcome.result : null);
  }

  function remove(path: string, segment: Segment): void {
    queue.delete(path);
    countIn(segment, -1);
  }

  function countIn(segment: Segment, change: 1 | -1): void {
    const folder = liveFolder(dataDir, segment);
    const count = (queuedIn.get(folder) ?? 0) + change;
    if (count > 0) queuedIn.set(folder, count);
    else queuedIn.delete(folder);
  }

  async function drain(): Promise<void> {
    while (jobs.size > 0) await Promise.race(jobs);
  }

  return {
    add(segment) {
      const path = pathOf(segment);
      if (stopping || queue.has(path)) return;
      queue.set(path, { segment, attempts: 0, isRunning: false });
      countIn(segment, 1);
      pump();
    },
    pump,
    size: () => queue.size,
    workers: pool.workers,
    isBusy: (folder) => queuedIn.has(folder),
    async stop(deadlineMs) {
      stopping = true;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const deadline = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, deadlineMs);
      });
      await Promise.race([drain(), deadline]);
      clearTimeout(timer);
      ended = true;
      const unfinished = [...queue.values()].map(({ segment }) => segment);
      await pool.stop();
      for (const segment of unfinished) removeIfThere(segmentPath(dataDir, segment, "sealed") + temporarySuffix);
      return unfinished;
    },
  };
}
