import type { Archiver } from "../archive/archiver.ts";
import type { ConfirmedTime } from "../confirmed-time.ts";
import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import { type Day, dateOf, mergeAfterUs } from "../segment.ts";

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
