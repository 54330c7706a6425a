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

/** While the time is unconfirmed nothing is merged; the first confirmed second merges all that is due. */
export function createPastDays(
  archiver: Pick<Archiver, "mergeDaysBefore" | "merge">,
  deps: { now: () => ConfirmedTime; log: Log },
): PastDays {
  let lastMerged = "";

  /** The date whose predecessors are over, or null while nobody can tell. */
  function today(): string | null {
    const time = deps.now();
    return time.kind === "confirmed" ? dateOf(time.us - mergeAfterUs) : null;
  }

  return {
    tick() {
      const date = today();
      if (date === null || date === lastMerged) return;
      lastMerged = date;
      archiver
        .mergeDaysBefore(date)
        .catch((error) => deps.log.error("cannot look for days to merge", { reason: messageOf(error) }));
    },
    noteLate(day) {
      const date = today();
      if (date === null) lastMerged = "";
      else if (day.date < date) archiver.merge(day);
    },
  };
}
