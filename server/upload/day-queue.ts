import { type Day, nameOfDay } from "../domain/day.ts";

/** A day that waits for its upload or its confirmation. */
export type Waiting = {
  readonly day: Day;
  dueMs: number;
  /** Consecutive failed attempts. */
  failures: number;
  /** Number of successful uploads at the time of the last failure; null without a failure. */
  failedAfter: number | null;
  /** The problem that blocks only this day; null without such a problem. */
  refused: string | null;
  /** Error codes of this day that were logged. */
  readonly loggedCodes: Set<string>;
};

/** Waiting days, each once. */
export type DayQueue = {
  /** Adds a day, due at `dueMs` or at its earlier due time. */
  add(day: Day, dueMs: number): void;
  /** Puts a removed day back. If it was added meanwhile, the earlier due time is kept. */
  putBack(waiting: Waiting): void;
  /** Removes a day from the queue. */
  dequeue(waiting: Waiting): void;
  /** Returns the due day with the fewest failures, then the oldest. If no day is due: the day that is due first. Null if empty. */
  next(nowMs: number): Waiting | null;
  all(): Iterable<Waiting>;
  size(): number;
};

/** Creates an empty queue. */
export function createDayQueue(): DayQueue {
  const waiting = new Map<string, Waiting>();
  return {
    add(day, dueMs) {
      const known = waiting.get(nameOfDay(day));
      if (known !== undefined) known.dueMs = Math.min(known.dueMs, dueMs);
      else
        waiting.set(nameOfDay(day), {
          day,
          dueMs,
          failures: 0,
          failedAfter: null,
          refused: null,
          loggedCodes: new Set(),
        });
    },
    putBack(entry) {
      const name = nameOfDay(entry.day);
      waiting.set(name, { ...entry, dueMs: Math.min(entry.dueMs, waiting.get(name)?.dueMs ?? entry.dueMs) });
    },
    dequeue({ day }) {
      waiting.delete(nameOfDay(day));
    },
    next(nowMs) {
      let first: Waiting | null = null;
      for (const entry of waiting.values()) if (first === null || comesBefore(entry, first, nowMs)) first = entry;
      return first;
    },
    all: () => waiting.values(),
    size: () => waiting.size,
  };
}

function comesBefore(a: Waiting, b: Waiting, nowMs: number): boolean {
  const [aDue, bDue] = [Math.max(a.dueMs, nowMs), Math.max(b.dueMs, nowMs)];
  if (aDue !== bDue) return aDue < bDue;
  return a.failures === b.failures ? nameOfDay(a.day) < nameOfDay(b.day) : a.failures < b.failures;
}
