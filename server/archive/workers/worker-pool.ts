import { type Failure, messageOf } from "../../platform/errors.ts";
import { isDoneWithin } from "../../platform/time/deadline.ts";
import type { Reply, Request } from "./worker-protocol.ts";

/** Runs jobs in worker threads, which start on demand and end when idle. */
export type WorkerPool<Job, Result> = {
  /** Queues a job; jobs start in order. Never rejects: a failed job, a dead worker and a hanging worker are outcomes. */
  run(job: Job): Promise<JobOutcome<Result>>;
  /** Number of jobs that wait or run. */
  size(): number;
  /** Number of threads now, including idle threads. */
  workers(): number;
  /** Ends the workers. Waiting and running jobs become "stopped". Resolves when the workers are gone. Idempotent. */
  stop(): Promise<void>;
};

export type JobOutcome<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "stopped" };

/** Longest wait for terminated workers, ms. A worker inside a native call ends only after that call. */
const longestEndMs = 3_000;

type Task<Job, Result> = { readonly job: Job; readonly settle: (outcome: JobOutcome<Result>) => void };
type Slot<Job, Result> = {
  readonly worker: Worker;
  task: Task<Job, Result> | null;
  timer: ReturnType<typeof setTimeout>;
};

/**
 * Creates a pool of at most `size` workers. A worker that is idle for `idleMs` is ended to free its memory. A worker that sends no
 * message for `silentMs` during a job is considered dead.
 */
export function createWorkerPool<Job, Result>(
  options: {
    operation: string;
    size: number;
    idleMs?: number;
    silentMs?: number;
    pathOf: (job: Job) => string;
    /** Resolves when a worker may send this many bytes over the network; default: at once. */
    maySend?: (bytes: number) => Promise<void>;
  },
  startWorker: () => Worker,
): WorkerPool<Job, Result> {
  const { size, idleMs = 5_000, silentMs = 600_000 } = options;
  const waiting: Task<Job, Result>[] = [];
  const slots = new Set<Slot<Job, Result>>();
  /** One promise per worker, resolved when the worker is really gone; `terminate` only requests the end. */
  const ending = new Set<Promise<void>>();
  let stopped = false;
  let lastId = 0;

  function pump(): void {
    while (waiting.length > 0) {
      let slot = [...slots].find((candidate) => candidate.task === null);
      if (slot === undefined) {
        if (slots.size >= size) return;
        try {
          slot = open();
        } catch (error) {
          fail(waiting.shift(), `cannot start a worker: ${messageOf(error)}`);
          continue;
        }
      }
      const task = waiting.shift();
      if (task !== undefined) begin(slot, task);
    }
  }

  function open(): Slot<Job, Result> {
    const slot: Slot<Job, Result> = { worker: startWorker(), task: null, timer: setTimeout(() => {}, 0) };
    slot.worker.addEventListener("message", ({ data }: MessageEvent<Reply<Result>>) => onReply(slot, data));
    slot.worker.addEventListener("error", (event) => {
      event.preventDefault();
      discard(slot, `the worker failed: ${event.message || "cannot load it"}`);
    });
    const gone = new Promise<void>((resolve) => slot.worker.addEventListener("close", () => resolve())).then(() => {
      ending.delete(gone);
      discard(slot, "the worker ended during the job");
    });
    ending.add(gone);
    slots.add(slot);
    return slot;
  }

  function begin(slot: Slot<Job, Result>, task: Task<Job, Result>): void {
    slot.task = task;
    watch(slot);
    const request: Request<Job> = { id: ++lastId, job: task.job };
    slot.worker.postMessage(request);
  }

  function watch(slot: Slot<Job, Result>): void {
    clearTimeout(slot.timer);
    slot.timer = setTimeout(() => discard(slot, `the worker did not respond for ${silentMs / 1000} s`), silentMs);
  }

  function onReply(slot: Slot<Job, Result>, reply: Reply<Result>): void {
    const { task } = slot;
    if (task === null || !slots.has(slot)) return;
    if (reply.kind === "alive") {
      watch(slot);
      return;
    }
    if (reply.kind === "send") {
      watch(slot);
      const allow = () => slot.worker.postMessage({ allowed: reply.question } satisfies Request<Job>);
      void (options.maySend?.(reply.bytes) ?? Promise.resolve()).then(allow);
      return;
    }
    slot.task = null;
    clearTimeout(slot.timer);
    if (reply.kind === "done") {
      task.settle({ kind: "done", result: reply.result });
      slot.timer = setTimeout(() => discard(slot, ""), idleMs);
      slot.timer.unref();
    } else {
      // A failed job may leave wasm memory in any state, so the next job gets a new worker.
      discard(slot, "");
      task.settle({ kind: "failed", failure: reply.failure });
    }
    pump();
  }

  function discard(slot: Slot<Job, Result>, why: string): void {
    if (!slots.delete(slot)) return;
    clearTimeout(slot.timer);
    slot.worker.terminate();
    const { task } = slot;
    slot.task = null;
    fail(task ?? undefined, why);
    if (!stopped) pump();
  }

  function fail(task: Task<Job, Result> | undefined, message: string): void {
    if (task === undefined) return;
    const failure = { operation: options.operation, path: options.pathOf(task.job), message, code: null };
    task.settle(stopped ? { kind: "stopped" } : { kind: "failed", failure });
  }

  return {
    run: (job) =>
      new Promise((settle) => {
        if (stopped) return settle({ kind: "stopped" });
        waiting.push({ job, settle });
        pump();
      }),
    size: () => waiting.length + [...slots].filter((slot) => slot.task !== null).length,
    workers: () => slots.size,
    async stop() {
      stopped = true;
      for (const slot of [...slots]) discard(slot, "");
      for (const task of waiting.splice(0)) task.settle({ kind: "stopped" });
      await isDoneWithin(Promise.all(ending), longestEndMs);
    },
  };
}
