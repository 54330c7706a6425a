import type { After } from "../../../server/platform/time/timers.ts";

/** Time that stands still until the test moves it. */
export type ManualTime = {
  now(): number;
  readonly after: After;
  /** Moves time forward and runs due timers in order. */
  advance(ms: number): void;
  /** Moves time forward without running timers: they are late then, as after a sleep of the machine. */
  sleep(ms: number): void;
  /** Moves time forward to the earliest timer; false without timers. */
  next(): boolean;
  /** ms until the earliest timer; Infinity without timers. */
  untilNext(): number;
};

/** Begins at `startMs`. */
export function createManualTime(startMs: number): ManualTime {
  let nowMs = startMs;
  let waiting: { readonly atMs: number; readonly work: () => void }[] = [];

  const earliest = () => waiting.reduce((least, { atMs }) => Math.min(least, atMs), Number.POSITIVE_INFINITY);

  function advance(ms: number): void {
    const endMs = nowMs + ms;
    for (let dueMs = earliest(); dueMs <= endMs; dueMs = earliest()) {
      nowMs = Math.max(nowMs, dueMs);
      const due = waiting.filter(({ atMs }) => atMs === dueMs);
      waiting = waiting.filter((entry) => !due.includes(entry));
      for (const { work } of due) work();
    }
    nowMs = endMs;
  }

  return {
    now: () => nowMs,
    after(ms, work) {
      const entry = { atMs: nowMs + ms, work };
      waiting.push(entry);
      return () => {
        waiting = waiting.filter((other) => other !== entry);
      };
    },
    advance,
    sleep(ms) {
      nowMs += ms;
    },
    next() {
      const dueMs = earliest();
      if (dueMs === Number.POSITIVE_INFINITY) return false;
      advance(dueMs - nowMs);
      return true;
    },
    untilNext: () => earliest() - nowMs,
  };
}
