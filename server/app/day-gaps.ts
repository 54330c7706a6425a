import { clipGap, type Gap } from "../gap.ts";
import { type Day, dateStartUs, dayUs } from "../segment.ts";

/** Gaps of a day: those that are written down, and the part of the day's that are not over yet. */
export function gapsOfDay(day: Day, written: readonly Gap[], lasting: readonly Gap[]): readonly Gap[] {
  const startUs = dateStartUs(day.date);
  const open = lasting
    .filter(({ stream, symbol }) => stream === day.stream && symbol === day.symbol)
    .map((gap) => clipGap(gap, startUs, startUs + dayUs))
    .filter((gap) => gap !== null);
  // One that is not over yet may be written down already, up to a moment ago.
  return [...written.filter(({ from_us }) => open.every((gap) => gap.from_us !== from_us)), ...open];
}
