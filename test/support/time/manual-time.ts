import type { After } from "../../../server/platform/time/timers.ts";

/** Time that stands still until the test moves it. */
export type ManualTime = {
  now(): number;
  readonly after: After;
  /** Moves on, and runs what is due on the way, in order. */
  advance(ms: number): void;
  /** Moves on without running anything: what was due on the way is late by then, as after a sleep of the machine. */
  sleep(ms: number): void;
  /** Moves on to the earliest thing that waits; false if nothing does. */
  next(): boolean;
  /** ms until the earliest thing that waits; Infinity where nothing does. */
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
