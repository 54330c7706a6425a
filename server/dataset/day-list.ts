import { type Day, nameOfDay } from "../domain/day.ts";
import { backoff } from "../platform/time/backoff.ts";

/** A day that waits for its work. */
export type WaitingDay = {
  readonly day: Day;
  dueMs: number;
  /** Consecutive failures. */
  failures: number;
  /** Message of the last failure; null without one. */
  problem: string | null;
};

/** Waiting days, each once. */
export type DayList = {
  /** Adds a day, due at `dueMs`. A day that waits already becomes due no later than that. */
  add(day: Day, dueMs: number): void;
  /** Removes and returns the newest day that is due; null without a due day. */
  take(nowMs: number): WaitingDay | null;
  /** Puts a day back after a failure; it is due after a pause that grows. Returns true if this problem is new. */
  putBack(waiting: WaitingDay, problem: string, nowMs: number): boolean;
  remove(day: Day): void;
  size(): number;
  /** When the first day is due, ms; Infinity without days. */
  nextMs(): number;
  /** The days that failed, with their problems. */
  failed(): readonly WaitingDay[];
};

const pauses = { longest: 3_600_000, jitter: 0.5 };

/** Creates an empty list. `retryMs`: the pause after a day's first failure. */
export function createDayList(retryMs: number): DayList {
  const waiting = new Map<string, WaitingDay>();
  return {
    add(day, dueMs) {
      const known = waiting.get(nameOfDay(day));
      if (known !== undefined) known.dueMs = Math.min(known.dueMs, dueMs);
      else waiting.set(nameOfDay(day), { day, dueMs, failures: 0, problem: null });
    },
    take(nowMs) {
      let newest: WaitingDay | null = null;
      for (const entry of waiting.values())
        if (entry.dueMs <= nowMs && (newest === null || nameOfDay(entry.day) > nameOfDay(newest.day))) newest = entry;
      if (newest !== null) waiting.delete(nameOfDay(newest.day));
      return newest;
    },
    putBack({ day, failures, problem: before }, problem, nowMs) {
      const dueMs = nowMs + backoff({ first: retryMs, ...pauses }, failures);
      // If the day was added meanwhile, because it was archived again, it is due at its time.
      const added = waiting.get(nameOfDay(day));
      const entry = { day, failures: failures + 1, problem, dueMs: Math.min(dueMs, added?.dueMs ?? dueMs) };
      waiting.set(nameOfDay(day), entry);
      return before !== problem;
    },
    remove(day) {
      waiting.delete(nameOfDay(day));
    },
    size: () => waiting.size,
    nextMs() {
      let next = Number.POSITIVE_INFINITY;
      for (const { dueMs } of waiting.values()) next = Math.min(next, dueMs);
      return next;
    },
    failed: () => [...waiting.values()].filter(({ problem }) => problem !== null),
  };
}
