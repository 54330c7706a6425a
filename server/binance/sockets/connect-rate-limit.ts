import type { After } from "../../platform/time/timers.ts";

/** Paces the connects of the whole process. */
export type ConnectRateLimit = {
  /** Runs `connect` as soon as one more is due, in order of asking; the function returned takes the wish back. */
  take(connect: () => void): () => void;
};

/**
 * Connects in any five minutes, and the time between two. Binance counts 300 attempts per address in five minutes and may ban
 * whoever makes more; other programs of the same address count as well.
 */
const most = 150;
const windowMs = 5 * 60_000;
const spacingMs = 100;

/** A pacer; `onWait` is told once each time the limit makes connects wait, with for how long. */
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

  /** When the next connect is due, ms. */
  function nextMs(): number {
    const newest = made.at(-1);
    if (newest === undefined) return 0;
    const oldest = made.length < limits.most ? undefined : made[0];
    return Math.max(newest + limits.spacingMs, oldest === undefined ? 0 : oldest + limits.windowMs);
  }

  return {
    take(connect) {
      waiting.push(connect);
      if (!scheduled) run();
      return () => {
        const at = waiting.indexOf(connect);
        if (at >= 0) waiting.splice(at, 1);
      };
    },
  };
}
