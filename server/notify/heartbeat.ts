import type { Log } from "../log.ts";
import { hostOf, problemOf } from "./host.ts";

/** Tells somebody else that data flows, so that silence means trouble: also of a machine that can say nothing any more. */
export type Heartbeat = {
  /** Call it once a second; `ready` while data flows. Returns at once. */
  tick(ready: boolean): void;
  /** When it was last taken, µs, and what keeps it from that; null for never and nothing. */
  status(): HeartbeatStatus;
  /** Resolves when no request is under way. */
  settled(): Promise<void>;
  /** Ends the request under way. Idempotent. */
  stop(): Promise<void>;
};

/** How the watcher takes it; its URL is a secret, its host is not. */
export type HeartbeatStatus = {
  readonly host: string;
  readonly last_us: number | null;
  readonly problem: string | null;
};

/** Data that comes and goes does not make it beat faster than this, µs. */
const leastUs = 10_000_000;

/** GET every so many seconds, and at once when data begins to flow; nothing at all while it does not. */
export function createHeartbeat(
  options: {
    readonly url: string;
    readonly everySeconds: number;
    readonly version: string;
    readonly timeoutMs?: number;
  },
  deps: { readonly nowUs: () => number; readonly log: Log; readonly fetch?: typeof fetch },
): Heartbeat {
  const { nowUs, log } = deps;
  const watcher = hostOf(options.url);
  const aborting = new AbortController();
  let lastUs: number | null = null;
  let begunUs = 0;
  let nextUs = 0;
  let problem: string | null = null;
  let running: Promise<void> | null = null;

  async function beat(): Promise<void> {
    try {
      const answer = await (deps.fetch ?? fetch)(options.url, {
        headers: { "user-agent": `rt-data/${options.version}` },
        redirect: "manual",
        signal: AbortSignal.any([aborting.signal, AbortSignal.timeout(options.timeoutMs ?? 10_000)]),
      });
      await answer.body?.cancel();
      if (answer.ok) settle();
      else fail(`it answered ${answer.status}`);
    } catch (error) {
      if (!aborting.signal.aborted) fail(problemOf(error, options.url));
    }
  }

  function settle(): void {
    lastUs = nowUs();
    if (problem !== null) log.info("the heartbeat is taken again", { host: watcher });
    problem = null;
  }

  function fail(reason: string): void {
    if (problem === null) log.warn("the heartbeat is not taken; it is tried again", { host: watcher, reason });
    problem = reason;
  }

  return {
    tick(ready) {
      if (!ready) nextUs = Math.min(nextUs, begunUs + leastUs);
      if (!ready || nowUs() < nextUs || running !== null || aborting.signal.aborted) return;
      begunUs = nowUs();
      nextUs = begunUs + options.everySeconds * 1e6;
      running = beat().finally(() => {
        running = null;
      });
    },
    status: () => ({ host: watcher, last_us: lastUs, problem }),
    async settled() {
      await running;
    },
    async stop() {
      aborting.abort();
      await running;
    },
  };
}
