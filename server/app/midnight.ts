import type { Archiver } from "../archive/archiver.ts";
import { dateOf, mergeAfterUs } from "../segment.ts";

/** Merges a day when it is over; what is returned is to be called every second. */
export function mergeAtMidnight(
  archiver: Pick<Archiver, "mergeDaysBefore">,
  startedUs: number,
): (nowUs: number) => void {
  let lastMerged = dateOf(startedUs - mergeAfterUs);
  return (nowUs) => {
    const date = dateOf(nowUs - mergeAfterUs);
    if (date !== lastMerged) void archiver.mergeDaysBefore(date);
    lastMerged = date;
  };
}
