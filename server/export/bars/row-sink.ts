import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import type { Cell } from "../column.ts";
import type { OmissionReason } from "./time-bars.ts";

/** Adds the columns of all tables of bars to rows, and counts rows that are left out. */
export type RowSink = {
  onRow(span: { readonly startUs: number; readonly endUs: number }, cells: readonly Cell[]): void;
  onLeftOut(startUs: number, reason: OmissionReason): void;
};

/** Creates the end of a table: rows that lie in the range go to `add`. `since_gap` is true for the first row after rows that a gap cost. */
export function createRowSink(
  range: TimeSpan,
  add: (startUs: number, cells: readonly Cell[]) => void,
  count: (startUs: number, reason: OmissionReason) => void,
): RowSink {
  let isSinceGap = false;
  return {
    onRow({ startUs, endUs }, cells) {
      const isMarked = isSinceGap;
      isSinceGap = false;
      if (startUs < range.fromUs || endUs > range.toUs) return;
      add(startUs, [startUs, endUs, ...cells, startUs, endUs, isMarked]);
    },
    onLeftOut(startUs, reason) {
      if (reason === "gap") isSinceGap = true;
      if (startUs >= range.fromUs && startUs < range.toUs) count(startUs, reason);
    },
  };
}
