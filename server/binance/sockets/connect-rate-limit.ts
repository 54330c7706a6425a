import type { After } from "../../platform/time/timers.ts";

/** Limits how often the whole process connects. */
export type ConnectRateLimit = {
  /** Queues `connect` and runs it when the limit allows, in order of asking. Returns a function that withdraws it. */
  enqueue(connect: () => void): () => void;
};

/**
 * Most connects within five minutes, and the shortest time between two connects. Binance allows an address 300 attempts in five minutes
 * and may ban the address beyond that. Attempts of other programs at the same address count too.
 */
const most = 150;
const windowMs = 5 * 60_000;
const spacingMs = 100;

/** Creates the limit. `onWait` is called with the wait in ms, once each time the limit begins to hold connects back. */
export function createConnectRateLimit(
  deps: { nowUs: () => number; after: After; onWait: (ms: number) => void },
  limits: { most: number; windowMs: number; spacingMs: number } = { most, windowMs, spacingMs },
): ConnectRateLimit {
  const waiting: (() => void)[] = [];
  const made: number[] = [];
  let scheduled = false;
  let limited = false;

  function run(): void {
    scheduled = false;
    while (waiting.length > 0) {
      const nowMs = deps.nowUs() / 1000;
      const dueMs = nextMs();
      if (dueMs > nowMs) {
        const waitMs = Math.ceil(dueMs - nowMs);
        if (waitMs > limits.spacingMs && !limited) deps.onWait(waitMs);
        limited = waitMs > limits.spacingMs;
        scheduled = true;
        deps.after(waitMs, run);
        return;
      }
      made.push(nowMs);
      if (made.length > limits.most) made.shift();
      waiting.shift()?.();
    }
  }

  /** Returns when the next connect is due, ms. */
  function nextMs(): number {
    const newest = made.at(-1);
    if (newest === undefined) return 0;
    const oldest = made.length < limits.most ? undefined : made[0];
    return Math.max(newest + limits.spacingMs, oldest === undefined ? 0 : oldest + limits.windowMs);
  }

  return {
    enqueue(connect) {
      waiting.push(connect);
      if (!scheduled) run();
      return () => {
        const at = waiting.indexOf(connect);
        if (at >= 0) waiting.splice(at, 1);
      };
    },
  };
}
