import type { StreamFolder } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Chart } from "./chart-picture.ts";
import type { DayPicture } from "./day-picture.ts";

/** Draws pictures in a worker that lives as long as one of them: neither time nor memory of the recorder goes into it. */
export type PictureWorker = {
  /** Resolves with a PNG; rejects, saying why, also where too many are waiting or one takes too long. */
  draw(job: PictureJob): Promise<Uint8Array>;
  /** Gives up what is under way or waiting. Idempotent. */
  stop(): void;
};

/** Pictures that wait for the one that is being drawn; more are refused. */
const mostWaiting = 6;

type Waiting = { job: PictureJob; resolve: (png: Uint8Array) => void; reject: (error: Error) => void };

/** One picture at a time, each within `timeoutMs`. */
export function createPictureWorker(
  deps: { readonly startWorker: () => Worker; readonly log: Log },
  { timeoutMs = 25_000 }: { readonly timeoutMs?: number } = {},
): PictureWorker {
  const waiting: Waiting[] = [];
  let current: { worker: Worker; of: Waiting; timer: ReturnType<typeof setTimeout> } | null = null;
  let stopped = false;

  function next(): void {
    const of = current === null ? waiting.shift() : undefined;
    if (of === undefined) return;
    const worker = deps.startWorker();
    const timer = setTimeout(() => end(worker, new Error(`it took longer than ${timeoutMs / 1000} s`)), timeoutMs);
    current = { worker, of, timer };
    worker.addEventListener("message", ({ data }: MessageEvent<PictureReply>) =>
      end(worker, data.kind === "done" ? data.png : new Error(data.reason)),
    );
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      end(worker, new Error(event.message || "the worker could not be loaded"));
    });
    worker.postMessage(of.job);
  }

  function end(worker: Worker, result: Uint8Array | Error): void {
    if (current?.worker !== worker) return;
    const { of, timer } = current;
    clearTimeout(timer);
    worker.terminate();
    current = null;
    if (result instanceof Error) {
      deps.log.warn("a picture could not be drawn", { reason: result.message });
      of.reject(result);
    } else of.resolve(result);
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

/** What the worker is to draw; the points of a chart it reads itself, from the files of this stream. */
export type PictureJob =
  | {
      readonly kind: "chart";
      readonly dataDir: string;
      readonly stream: StreamFolder;
      readonly chart: Omit<Chart, "points">;
    }
  | { readonly kind: "day"; readonly day: DayPicture };

/** What it answers: a PNG, or why there is none. */
export type PictureReply =
  | { readonly kind: "done"; readonly png: Uint8Array }
  | { readonly kind: "failed"; readonly reason: string };
