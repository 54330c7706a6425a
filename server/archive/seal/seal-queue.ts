import { liveFolder, type Segment, segmentPath, temporarySuffix } from "../../domain/day.ts";
import type { Failure } from "../../platform/errors.ts";
import { removeRest } from "../../platform/files/durable-files.ts";
import { isDoneWithin } from "../../platform/time/deadline.ts";
import { compressedEstimate, mayPass, type RetryPause, sizeOf } from "../workers/disk-budget.ts";
import { createWorkerPool } from "../workers/worker-pool.ts";
import type { SealJob, SealResult } from "./seal-segment.ts";

/** Seals closed raw segments, first in, first out. */
export type SealQueue = {
  add(segment: Segment): void;
  /** Starts as many seals as the disk budget allows. Call it when the budget may have changed. */
  pump(): void;
  /** Number of segments that wait or are being sealed. */
  size(): number;
  /** Number of worker threads now. */
  workers(): number;
  /** True while a segment of this day's folder waits or is being sealed. */
  isBusy(folder: string): boolean;
  /** Seals until the deadline at most, then ends the workers. Returns the segments that stay raw. */
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
  /** Bytes that compressed copies may use on the disk. */
  readonly room: () => number;
  readonly retryPause: RetryPause;
  /** A segment was sealed; null: it was empty or gone. */
  readonly onSealed: (segment: Segment, sealed: SealedSegment | null) => void;
  /** A segment stays raw and is not retried in this run. */
  readonly onLeftRaw: (path: string, segment: Segment, failure: Failure) => void;
  /** A seal failed because of the disk and is retried after a pause; called once per kind of failure until a seal succeeds. */
  readonly onPostponed: (failure: Failure) => void;
};

/** Attempts for a segment with a read error. A bad sector does not recover. */
const mostAttempts = 5;

/**
 * Time after which an idle worker is ended, ms. To start a worker costs 90 ms of a core, and as much again until the JIT has compiled
 * zstd: too much for one-minute windows. With longer windows the worker's memory is worth more.
 */
const idleMs = 75_000;

/** Creates the seal queue of a data folder. */
export function createSealQueue(options: SealQueueOptions, deps: SealQueueDeps): SealQueue {
  const { dataDir, level, workers } = options;
  const pathOf = (segment: Segment) => segmentPath(dataDir, segment, "open");
  const pool = createWorkerPool<SealJob, SealResult>(
    { operation: "seal", size: workers, idleMs, pathOf: (job) => pathOf(job.segment) },
    deps.startWorker,
  );
  /** Waiting and running segments, by path. */
  const queue = new Map<string, { readonly segment: Segment; attempts: number; isRunning: boolean }>();
  /** Number of queued segments of each day's folder. Counted, because thousands of segments may wait after a long outage. */
  const queuedIn = new Map<string, number>();
  const jobs = new Set<Promise<void>>();
  let stopping = false;
  /** True once the workers are being ended. */
  let ended = false;

  function pump(): void {
    if (ended || deps.retryPause.isHeld()) return;
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
        if (deps.retryPause.recordFailure(failure)) deps.onPostponed(failure);
        return;
      }
      remove(path, segment);
      deps.onLeftRaw(path, segment, failure);
      return;
    }
    remove(path, segment);
    deps.retryPause.clear();
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
      await isDoneWithin(drain(), deadlineMs);
      ended = true;
      const unfinished = [...queue.values()].map(({ segment }) => segment);
      await pool.stop();
      for (const segment of unfinished) removeRest(segmentPath(dataDir, segment, "sealed") + temporarySuffix);
      return unfinished;
    },
  };
}
