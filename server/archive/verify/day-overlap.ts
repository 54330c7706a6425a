import { countIds, type IdRange } from "../../domain/ids/id-ranges.ts";

/** Ids of one day, as runs in ascending order. */
export type DayIds = { readonly date: string; readonly runs: readonly IdRange[] };

/** Ids that two days have in common; `firstId` is the lowest. `count` is null if only the ranges are known to overlap. */
export type Overlap = { readonly date: string; readonly firstId: number; readonly count: number | null };

/** Share of a day's ids that may overlap. Books arrive over several sockets, so a few ids may come late, after midnight. */
const toleratedShare = 0.01;

/**
 * Finds ids of this day that other days contain as well. The ids of a day normally follow the ids of the day before. If they overlap,
 * records are stored twice, or a wrong clock put them into the wrong day. `isExact`: the stream's ids are contiguous, so every common
 * id is counted.
 */
export function overlapsOf(day: DayIds, others: readonly DayIds[], isExact: boolean): readonly Overlap[] {
  return others.flatMap(({ date, runs }): Overlap[] => {
    if (date === day.date || !mayOverlap(day.runs, runs)) return [];
    const common = intersection(day.runs, runs);
    const [first] = common;
    if (first === undefined) return [];
    const count = countIds(common);
    if (isExact) return [{ date, firstId: first.first, count }];
    const isTolerated = count <= toleratedShare * Math.min(countIds(day.runs), countIds(runs));
    return isTolerated ? [] : [{ date, firstId: first.first, count: null }];
  });
}

function mayOverlap(a: readonly IdRange[], b: readonly IdRange[]): boolean {
  const [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return (a[0]?.first ?? first) <= (b.at(-1)?.last ?? last) && (b[0]?.first ?? first) <= (a.at(-1)?.last ?? last);
}

function intersection(a: readonly IdRange[], b: readonly IdRange[]): IdRange[] {
  const common: IdRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [runOfA, runOfB] = [a[i] as IdRange, b[j] as IdRange];
    const [first, last] = [Math.max(runOfA.first, runOfB.first), Math.min(runOfA.last, runOfB.last)];
    if (first <= last) common.push({ first, last });
    if (runOfA.last < runOfB.last) i++;
    else j++;
  }
  return common;
}
