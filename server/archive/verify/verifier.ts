import type { Day } from "../../domain/day.ts";
import type { VerifyState } from "../../domain/queries.ts";
import type { Problem } from "./verify-archive.ts";

/** Checks archives against their manifests, one at a time, in a worker that lives as long as the check. */
export type Verifier = {
  /** Starts a check unless one is running. */
  start(day: Day): "started" | "busy";
  state(): VerifyState;
  /** Gives a running check up. Idempotent. */
  stop(): void;
};

/** A worker that has said nothing for this long is taken for dead, ms. */
const silentMs = 60_000;

/** The verifier of a data folder; `onDone` is told how each check ended. */
export function createVerifier(
  options: { dataDir: string },
  deps: { startWorker: () => Worker; nowUs: () => number; onDone: (state: VerifyState & { kind: "done" }) => void },
): Verifier {
  let state: VerifyState = { kind: "idle" };
  let worker: Worker | null = null;
  let watch: ReturnType<typeof setTimeout> | undefined;

  function finish(day: Day, startedUs: number, problems: Extract<VerifyReply, { kind: "done" }>["problems"]): void {
    end();
    const done = { kind: "done", day, started_us: startedUs, ended_us: deps.nowUs(), problems } as const;
    state = done;
    deps.onDone(done);
  }

  function end(): void {
    clearTimeout(watch);
    worker?.terminate();
    worker = null;
  }

  function start(day: Day): "started" | "busy" {
    if (worker !== null) return "busy";
    const startedUs = deps.nowUs();
    const checking = deps.startWorker();
    const fail = (detail: string) => {
      if (worker === checking) finish(day, startedUs, [{ kind: "archive_unreadable", detail }]);
    };
    const watchAgain = () => {
      clearTimeout(watch);
      watch = setTimeout(() => fail(`the check has said nothing for ${silentMs / 1000} s`), silentMs);
    };
    worker = checking;
    state = { kind: "running", day, progress: 0, started_us: startedUs };
    checking.addEventListener("message", ({ data }: MessageEvent<VerifyReply>) => {
      if (worker !== checking) return;
      watchAgain();
      if (data.kind === "done") finish(day, startedUs, data.problems);
      else state = { kind: "running", day, progress: data.share, started_us: startedUs };
    });
    checking.addEventListener("error", (event) => {
      event.preventDefault();
      fail(`the check failed: ${event.message || "its worker could not be loaded"}`);
    });
    watchAgain();
    checking.postMessage({ dataDir: options.dataDir, day } satisfies VerifyJob);
    return "started";
  }

  return {
    start,
    state: () => state,
    stop() {
      end();
      if (state.kind === "running") state = { kind: "idle" };
    },
  };
}

/** What the verify worker is asked to do. */
export type VerifyJob = { readonly dataDir: string; readonly day: Day };

/** What it says: now and then how far it is, at last what it has found. */
export type VerifyReply =
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "done"; readonly problems: readonly Problem[] };
