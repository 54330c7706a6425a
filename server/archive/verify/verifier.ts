import type { Day } from "../../domain/day.ts";
import type { VerifyState } from "../../domain/queries.ts";
import type { Problem } from "./verify-archive.ts";

/** Checks archives against their manifests, one at a time, each in its own worker. */
export type Verifier = {
  /** Starts a check unless a check is running. */
  start(day: Day): "started" | "busy";
  state(): VerifyState;
  /** Cancels a running check. Idempotent. */
  stop(): void;
};

/** A worker without a message for this long is considered dead, ms. */
const silentMs = 60_000;

/** Creates the verifier of a data folder; `onDone` receives the result of each check. */
export function createVerifier(
  options: { dataDir: string },
  deps: { startWorker: () => Worker; nowUs: () => number; onDone: (state: VerifyState & { kind: "done" }) => void },
): Verifier {
  let state: VerifyState = { kind: "idle" };
  let worker: Worker | null = null;
  let watchdog: ReturnType<typeof setTimeout> | undefined;

  function finish(day: Day, startedUs: number, problems: Extract<VerifyReply, { kind: "done" }>["problems"]): void {
    end();
    const done = { kind: "done", day, started_us: startedUs, ended_us: deps.nowUs(), problems } as const;
    state = done;
    deps.onDone(done);
  }

  function end(): void {
    clearTimeout(watchdog);
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
    const restartWatchdog = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => fail(`the check did not respond for ${silentMs / 1000} s`), silentMs);
    };
    worker = checking;
    state = { kind: "running", day, progress: 0, started_us: startedUs };
    checking.addEventListener("message", ({ data }: MessageEvent<VerifyReply>) => {
      if (worker !== checking) return;
      restartWatchdog();
      if (data.kind === "done") finish(day, startedUs, data.problems);
      else state = { kind: "running", day, progress: data.share, started_us: startedUs };
    });
    checking.addEventListener("error", (event) => {
      event.preventDefault();
      fail(`the check failed: ${event.message || "cannot load its worker"}`);
    });
    restartWatchdog();
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

/** A request to the verify worker. */
export type VerifyJob = { readonly dataDir: string; readonly day: Day };

/** A message of the verify worker: its progress (0 to 1) from time to time, at the end the problems. */
export type VerifyReply =
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "done"; readonly problems: readonly Problem[] };
