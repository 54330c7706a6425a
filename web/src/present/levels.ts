import type { CoverageTable } from "../../../server/domain/queries.ts";
import { dateOf, dateStart } from "./time.ts";

/** How a day is drawn. It is chosen by the missing time, not by a percentage. */
export type Level = "whole" | "hair" | "part" | "poor" | "none" | "before" | "halted" | "today" | "ahead";

/** A day of one symbol, or the worst of all. */
export type DayMark = {
  readonly date: string;
  readonly level: Level;
  /** Seconds that are missing, and seconds that were due so far. Both are 0 before the first record. */
  readonly missingS: number;
  readonly dueS: number;
};

/** Days of several symbols. */
export type SymbolDays = readonly (readonly [symbol: string, days: readonly DayMark[]])[];

const dayS = 86_400;

/** The level of a day of which `missingS` of `dueS` seconds are missing. */
export function levelOf(missingS: number, dueS: number, isToday: boolean): Level {
  if (missingS <= 0) return isToday ? "today" : "whole";
  if (missingS >= dueS) return "none";
  if (missingS < 60) return "hair";
  return missingS < 3600 ? "part" : "poor";
}

/** The days of each symbol of a coverage table. */
export function marksOf(table: CoverageTable, nowUs: number): ReadonlyMap<string, readonly DayMark[]> {
  return new Map(table.rows.map((row) => [row.symbol, table.dates.map((date, n) => markOf(row, date, n, nowUs))]));
}

function markOf(row: CoverageTable["rows"][number], date: string, n: number, nowUs: number): DayMark {
  const today = dateOf(nowUs);
  const none = { date, missingS: 0, dueS: 0 };
  if (date > today) return { ...none, level: "ahead" };
  const startUs = dateStart(date);
  const endUs = Math.min(nowUs, startUs + dayS * 1e6);
  if (row.first_us === null || row.first_us >= endUs) return { ...none, level: "before" };
  const dueS = Math.max(1, Math.round((endUs - Math.max(startUs, row.first_us)) / 1e6));
  // A day after the first record without an archive counts as missing.
  const missingS = row.coverage[n] === null ? dueS : (row.missing_s[n] ?? dueS);
  return { date, level: levelOf(missingS, dueS, date === today), missingS, dueS };
}

/** The worst of several symbols, day by day. */
export function worstOf(marks: ReadonlyMap<string, readonly DayMark[]>): readonly DayMark[] {
  const [first, ...others] = [...marks.values()];
  return (first ?? []).map((mark, n) => others.reduce((worst, days) => worse(worst, days[n] ?? worst), mark));
}

function worse(a: DayMark, b: DayMark): DayMark {
  if (a.dueS === 0 || b.dueS === 0) return a.dueS === 0 ? b : a;
  return b.missingS > a.missingS ? b : a;
}

/** Recorded share of the due time, and the missing seconds; null if no time was due. */
export function sumOf(marks: readonly DayMark[]): { readonly share: number; readonly missingS: number } | null {
  const dueS = marks.reduce((sum, mark) => sum + mark.dueS, 0);
  const missingS = marks.reduce((sum, mark) => sum + Math.min(mark.missingS, mark.dueS), 0);
  return dueS === 0 ? null : { share: 1 - missingS / dueS, missingS };
}
