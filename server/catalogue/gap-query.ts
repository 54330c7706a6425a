import type { Database } from "bun:sqlite";
import { clipGap, type Gap } from "../gap.ts";
import { type Day, dateStartUs, dayUs } from "../segment.ts";

/** Gaps of a day, clipped to it, in order; asks the database anew each time. */
export function createGapQuery(database: Database): (day: Day) => readonly Gap[] {
  const select = database.query<Gap, [string, string, number, number]>(
    "select stream, symbol, from_us, to_us, cause, missing, repaired from gap where stream = ? and symbol = ? and to_us > ? and from_us < ? order by from_us",
  );
  return (day) => {
    const fromUs = dateStartUs(day.date);
    return select
      .all(day.stream, day.symbol, fromUs, fromUs + dayUs)
      .map((gap) => clipGap(gap, fromUs, fromUs + dayUs))
      .filter((gap) => gap !== null);
  };
}
