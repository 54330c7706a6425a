import type { Day } from "../domain/day.ts";

/** A day that waits to be dealt with. */
export type Waiting = {
  readonly day: Day;
  dueMs: number;
  /** Attempts that failed one after another. */
  failures: number;
  /** How many uploads had succeeded when the last attempt failed; null before that. */
  failedAfter: number | null;
  /** What keeps this day alone from its upload, or null. */
  refused: string | null;
  /** Codes that were told of it. */
  readonly told: Set<string>;
};

/** Days that wait, each once. */
export type DayQueue = {
  /** The day is due at `dueMs`, or earlier if it was. */
  add(day: Day, dueMs: number): void;
  /** As it was taken, unless it was added meanwhile with an earlier time. */
  putBack(waiting: Waiting): void;
  take(waiting: Waiting): void;
  /** Of the days that are due the one that has failed least often, then the oldest; if none is, the one that is due first. */
  next(nowMs: number): Waiting | null;
  all(): Iterable<Waiting>;
  size(): number;
};

/** An empty queue. */
export function createDayQueue(): DayQueue {
  const waiting = new Map<string, Waiting>();
  return {
    add(day, dueMs) {
      const known = waiting.get(nameOf(day));
      if (known !== undefined) known.dueMs = Math.min(known.dueMs, dueMs);
      else waiting.set(nameOf(day), { day, dueMs, failures: 0, failedAfter: null, refused: null, told: new Set() });
    },
    putBack(entry) {
      const name = nameOf(entry.day);
      waiting.set(name, { ...entry, dueMs: Math.min(entry.dueMs, waiting.get(name)?.dueMs ?? entry.dueMs) });
    },
    take({ day }) {
      waiting.delete(nameOf(day));
    },
    next(nowMs) {
      let best: Waiting | null = null;
      for (const entry of waiting.values()) if (best === null || before(entry, best, nowMs)) best = entry;
      return best;
    },
    all: () => waiting.values(),
    size: () => waiting.size,
  };
}

/** `date/stream/symbol` */
export function nameOf({ date, stream, symbol }: Day): string {
  return `${date}/${stream}/${symbol}`;
}

function before(a: Waiting, b: Waiting, nowMs: number): boolean {
  const [aDue, bDue] = [Math.max(a.dueMs, nowMs), Math.max(b.dueMs, nowMs)];
  if (aDue !== bDue) return aDue < bDue;
  return a.failures === b.failures ? nameOf(a.day) < nameOf(b.day) : a.failures < b.failures;
}
