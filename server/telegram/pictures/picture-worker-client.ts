import type { StreamFolder } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Chart } from "./chart-picture.ts";
import type { DayPicture } from "./day-picture.ts";

/** Draws each picture in a new worker, so that it costs the recorder neither time nor memory. */
export type PictureWorker = {
  /** Resolves with a PNG. Rejects with the reason, also if too many jobs wait or the time-out has passed. */
  draw(job: PictureJob): Promise<Uint8Array>;
  /** Rejects running and waiting jobs. Idempotent. */
  stop(): void;
};

/** Upper bound for waiting jobs; further jobs are rejected. */
const mostWaiting = 6;

type Waiting = { job: PictureJob; resolve: (png: Uint8Array) => void; reject: (error: Error) => void };

/** Creates the client. It draws one picture at a time, each within `timeoutMs`. */
export function createPictureWorker(
  deps: { readonly startWorker: () => Worker; readonly log: Log },
  { timeoutMs = 25_000 }: { readonly timeoutMs?: number } = {},
): PictureWorker {
  const waiting: Waiting[] = [];
  let current: { worker: Worker; entry: Waiting; timer: ReturnType<typeof setTimeout> } | null = null;
  let stopped = false;

  function next(): void {
    const entry = current === null ? waiting.shift() : undefined;
    if (entry === undefined) return;
    const worker = deps.startWorker();
    const timer = setTimeout(() => end(worker, new Error(`it took longer than ${timeoutMs / 1000} s`)), timeoutMs);
    current = { worker, entry, timer };
    worker.addEventListener("message", ({ data }: MessageEvent<PictureReply>) =>
      end(worker, data.kind === "done" ? data.png : new Error(data.reason)),
    );
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      end(worker, new Error(event.message || "the worker could not be loaded"));
    });
    worker.postMessage(entry.job);
  }

  function end(worker: Worker, result: Uint8Array | Error): void {
    if (current?.worker !== worker) return;
    const { entry, timer } = current;
    clearTimeout(timer);
    worker.terminate();
    current = null;
    if (result instanceof Error) {
      deps.log.warn("cannot draw a picture", { reason: result.message });
      entry.reject(result);
    } else entry.resolve(result);
    next();
  }

  return {
    draw(job) {
      if (stopped) return Promise.reject(new Error("the recorder is stopping"));
      if (waiting.length >= mostWaiting) return Promise.reject(new Error("too many pictures are waiting"));
      return new Promise((resolve, reject) => {
        waiting.push({ job, resolve, reject });
        next();
      });
    },
    stop() {
      stopped = true;
      for (const { reject } of waiting.splice(0)) reject(new Error("the recorder is stopping"));
      if (current !== null) end(current.worker, new Error("the recorder is stopping"));
    },
  };
}

/** A job for the worker. It reads the points of a chart itself, from the files of `stream`. */
export type PictureJob =
  | {
      readonly kind: "chart";
      readonly dataDir: string;
      readonly stream: StreamFolder;
      readonly chart: Omit<Chart, "points">;
    }
  | { readonly kind: "day"; readonly day: DayPicture };

/** The worker's reply: a PNG or the reason of a failure. */
export type PictureReply =
  | { readonly kind: "done"; readonly png: Uint8Array }
  | { readonly kind: "failed"; readonly reason: string };
