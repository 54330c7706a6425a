import { boundedFetch, statusBytes } from "../platform/fetch/bounded-fetch.ts";
import type { Log } from "../platform/log/log.ts";
import { problemOf, webhookHost } from "./webhook.ts";

/** Sends regular requests to an external watcher while data flows. Silence means trouble, even if this machine is dead. */
export type Heartbeat = {
  /** Must be called every second; returns at once. Calls `isReady` (does data flow?) only if a beat is due. */
  tick(isReady: () => boolean): void;
  /** Returns the state of the heartbeat. */
  status(): HeartbeatStatus;
  /** Resolves when no request is running. */
  settled(): Promise<void>;
  /** Aborts the running request. Idempotent. */
  stop(): Promise<void>;
};

/** State of the heartbeat. `last_us`: latest accepted beat, µs, or null. The URL is a secret, so only its host is shown. */
export type HeartbeatStatus = {
  readonly host: string;
  readonly last_us: number | null;
  readonly problem: string | null;
};

/** Creates a heartbeat: a GET request every `everySeconds` while data flows, and one at once when data flows again. */
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
      if (answer.ok) onAccepted();
      else onFailed(`it answered ${answer.status}`);
    } catch (error) {
      if (!aborting.signal.aborted) onFailed(problemOf(error, options.url));
    }
  }

  function onAccepted(): void {
    lastUs = nowUs();
    if (problem !== null) log.info("the heartbeat works again", { host: watcher });
    problem = null;
  }

  function onFailed(reason: string): void {
    if (problem === null) log.warn("the heartbeat failed; retrying", { host: watcher, reason });
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
