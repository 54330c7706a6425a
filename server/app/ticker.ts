import type { Archiver } from "../archive/archiver.ts";
import { type Day, dateOf, mergeAfterUs } from "../domain/day.ts";
import { messageOf } from "../platform/errors.ts";
import { createHistogram, type HistogramView } from "../platform/histogram.ts";
import type { Log } from "../platform/log/log.ts";
import type { ConfirmedTime } from "../platform/time/confirmed-time.ts";
import type { UnexpectedErrors } from "./unexpected-errors.ts";

/** Something to do every so many whole seconds. Each fails alone: what it throws or rejects with keeps nothing else from being done. */
export type Recurring = readonly [everySeconds: number, part: string, run: (nowUs: number) => unknown];

/** One timer for everything that recurs by the second: each wake-up costs, however little is done in it. */
export type Ticker = {
  start(): void;
  /** Idempotent. */
  stop(): void;
  /** How late it came, s, each second since the start: what else on the main thread has to wait for as well. */
  lag(): HistogramView;
};

const lagBounds = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Runs each of `work` in its order. */
export function createTicker(
  nowUs: () => number,
  work: readonly Recurring[],
  faults: Pick<UnexpectedErrors, "note" | "clear">,
): Ticker {
  let timer: ReturnType<typeof setInterval> | null = null;
  let seconds = 0;
  const lag = createHistogram(lagBounds);

  function alone([, part, run]: Recurring, now: number): void {
    try {
      const done = run(now);
      if (done instanceof Promise)
        done.then(
          () => faults.clear(part),
          (error) => faults.note(part, error),
        );
      else faults.clear(part);
    } catch (error) {
      faults.note(part, error);
    }
  }

  return {
    start() {
      let lastMs = performance.now();
      timer ??= setInterval(() => {
        seconds++;
        const nowMs = performance.now();
        lag.observe(Math.max(0, nowMs - lastMs - 1000) / 1000);
        lastMs = nowMs;
        const now = nowUs();
        for (const item of work) if (seconds % item[0] === 0) alone(item, now);
      }, 1000);
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
    lag: lag.read,
  };
}

/** Merges days once they are over, by a confirmed time alone. */
export type PastDays = {
  /** Call it every second. */
  tick(): void;
  /** A file of this day has come. If the day is over it is merged again, at once or when the time is confirmed. */
  noteLate(day: Day): void;
};

const retrySeconds = 15;

/** While the time is unconfirmed nothing is merged; the first confirmed second merges all that is due. */
export function createPastDays(
  archiver: Pick<Archiver, "mergeDaysBefore" | "merge">,
  deps: { now: () => ConfirmedTime; log: Log },
): PastDays {
  let lastMerged = "";
  /** Seconds until days are looked for again after that has failed. */
  let retryIn = 0;
  let isTold = false;

  /** The date whose predecessors are over, or null while nobody can tell. */
  function today(): string | null {
    const time = deps.now();
    return time.kind === "confirmed" ? dateOf(time.us - mergeAfterUs) : null;
  }

  return {
    tick() {
      if (retryIn > 0 && --retryIn > 0) return;
      const date = today();
      if (date === null || date === lastMerged) return;
      lastMerged = date;
      archiver.mergeDaysBefore(date).then(
        () => {
          isTold = false;
        },
        (error) => {
          if (!isTold) deps.log.error("cannot look for days to merge; trying again", { reason: messageOf(error) });
          isTold = true;
          lastMerged = "";
          retryIn = retrySeconds;
        },
      );
    },
    noteLate(day) {
      const date = today();
      if (date === null) lastMerged = "";
      else if (day.date < date) archiver.merge(day);
    },
  };
}
