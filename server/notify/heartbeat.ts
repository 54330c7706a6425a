import { boundedFetch, statusBytes } from "../platform/fetch/bounded-fetch.ts";
import type { Log } from "../platform/log/log.ts";
import { problemOf, webhookHost } from "./webhook.ts";

/** Tells somebody else that data flows, so that silence means trouble: also of a machine that can say nothing any more. */
export type Heartbeat = {
  /** Call it once a second. Returns at once; `isReady` tells whether data flows, and is asked only when a beat is due. */
  tick(isReady: () => boolean): void;
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

/** GET every so many seconds; nothing at all while data does not flow, and at once when it does again. */
export function createHeartbeat(
  options: {
    readonly url: string;
    readonly everySeconds: number;
    readonly version: string;
    readonly timeoutMs?: number;
  },
  deps: { readonly nowUs: () => number; readonly log: Log },
): Heartbeat {
  const { nowUs, log } = deps;
  const watcher = webhookHost(options.url);
  const aborting = new AbortController();
  let lastUs: number | null = null;
  let nextUs = 0;
  let problem: string | null = null;
  let running: Promise<void> | null = null;

  async function beat(): Promise<void> {
    try {
      const answer = await boundedFetch(
        options.url,
        { headers: { "user-agent": `rt-data/${options.version}` }, signal: aborting.signal },
        { timeoutMs: options.timeoutMs ?? 10_000, maxBytes: statusBytes, statusOnly: true },
      );
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
    tick(isReady) {
      if (nowUs() < nextUs || running !== null || aborting.signal.aborted || !isReady()) return;
      nextUs = nowUs() + options.everySeconds * 1e6;
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
