import type { Archiver } from "../archive/archiver.ts";
import { type Day, dateOf, mergeAfterUs } from "../domain/day.ts";
import { messageOf } from "../platform/errors.ts";
import { createHistogram, type HistogramView } from "../platform/histogram.ts";
import type { Log } from "../platform/log/log.ts";
import type { ConfirmedTime } from "../platform/time/confirmed-time.ts";
import type { UnexpectedErrors } from "./unexpected-errors.ts";

/** Work that runs every `everySeconds` whole seconds. If it throws or rejects, the other work still runs. */
export type Recurring = readonly [everySeconds: number, part: string, run: (nowUs: number) => unknown];

/** One timer for all periodic work. Each wake-up of the process costs CPU time, however little it does. */
export type Ticker = {
  start(): void;
  /** Idempotent. */
  stop(): void;
  /** Histogram of the timer's delay, s, one value per second since the start. Everything else on the main thread waits as long. */
  lag(): HistogramView;
};

const lagBounds = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Creates the timer. It runs the entries of `work` in order. */
export function createTicker(
  nowUs: () => number,
  work: readonly Recurring[],
  faults: Pick<UnexpectedErrors, "report" | "clear">,
): Ticker {
  let timer: ReturnType<typeof setInterval> | null = null;
  let seconds = 0;
  const lag = createHistogram(lagBounds);

  function runIsolated([, part, run]: Recurring, now: number): void {
    try {
      const done = run(now);
      if (done instanceof Promise)
        done.then(
          () => faults.clear(part),
          (error) => faults.report(part, error),
        );
      else faults.clear(part);
    } catch (error) {
      faults.report(part, error);
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
        for (const item of work) if (seconds % item[0] === 0) runIsolated(item, now);
      }, 1000);
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
    lag: lag.read,
  };
}

/** Merges days once they are over by a confirmed time. */
export type PastDays = {
  /** Call it every second. */
  tick(): void;
  /** Call it for a new file of this day. A past day is merged again, at once or when the time is confirmed. */
  onNewFile(day: Day): void;
};

const retrySeconds = 15;

/** Creates the merging of past days. It waits while the time is unconfirmed; the first confirmed second merges all days that are due. */
export function createPastDays(
  archiver: Pick<Archiver, "mergeDaysBefore" | "merge">,
  deps: { now: () => ConfirmedTime; log: Log },
): PastDays {
  let lastMerged = "";
  /** Seconds until the next attempt after a failed listing of days. */
  let retryIn = 0;
  let isErrorLogged = false;

  /** Returns the first date that must not be merged yet, or null while the time is unconfirmed. */
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
          isErrorLogged = false;
        },
        (error) => {
          if (!isErrorLogged)
            deps.log.error("cannot list the days to merge; trying again", { reason: messageOf(error) });
          isErrorLogged = true;
          lastMerged = "";
          retryIn = retrySeconds;
        },
      );
    },
    onNewFile(day) {
      const date = today();
      if (date === null) lastMerged = "";
      else if (day.date < date) archiver.merge(day);
    },
  };
}
