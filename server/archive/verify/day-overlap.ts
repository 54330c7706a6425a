import type { IdRange } from "../../storage/ids/id-ranges.ts";

/** Ids of one day, in order. */
export type DayIds = { readonly date: string; readonly runs: readonly IdRange[] };

/** Ids that two days have in common: `firstId` is the lowest. `count` is null where only their ranges are known to overlap. */
export type Overlap = { readonly date: string; readonly firstId: number; readonly count: number | null };

/** Books come over several sockets, so that a few ids may be late over midnight: so small a part of a day says nothing. */
const fewPart = 0.01;

/**
 * Ids of this day that are on another one as well. A day's ids follow those of the day before; where they lie among them, records are
 * there twice, or a wrong clock has filed them under the wrong day. `isExact`: ids follow each other, so that each can be told.
 */
export function overlapsOf(day: DayIds, others: readonly DayIds[], isExact: boolean): readonly Overlap[] {
  return others.flatMap(({ date, runs }): Overlap[] => {
    if (date === day.date || !mayOverlap(day.runs, runs)) return [];
    const common = intersection(day.runs, runs);
    const [first] = common;
    if (first === undefined) return [];
    const count = countOf(common);
    if (isExact) return [{ date, firstId: first.first, count }];
    const isFew = count <= fewPart * Math.min(countOf(day.runs), countOf(runs));
    return isFew ? [] : [{ date, firstId: first.first, count: null }];
  });
}

function mayOverlap(a: readonly IdRange[], b: readonly IdRange[]): boolean {
  const [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return (a[0]?.first ?? first) <= (b.at(-1)?.last ?? last) && (b[0]?.first ?? first) <= (a.at(-1)?.last ?? last);
}

/** What of these ids no day has. */
export function absentEverywhere(ids: IdRange, all: readonly IdRange[]): readonly IdRange[] {
  const absent: IdRange[] = [];
  let nextId = ids.first;
  for (const run of all) {
    if (run.last < nextId) continue;
    if (run.first > ids.last) break;
    if (run.first > nextId) absent.push({ first: nextId, last: run.first - 1 });
    nextId = Math.max(nextId, run.last + 1);
  }
  if (nextId <= ids.last) absent.push({ first: nextId, last: ids.last });
  return absent;
}

/** The same ids in order, as few runs as possible. */
export function joined(runs: readonly IdRange[]): readonly IdRange[] {
  const found: IdRange[] = [];
  for (const { first, last } of runs.toSorted((a, b) => a.first - b.first)) {
    const before = found.at(-1);
    if (before === undefined || first > before.last + 1) found.push({ first, last });
    else before.last = Math.max(before.last, last);
  }
  return found;
}

export function countOf(runs: readonly IdRange[]): number {
  return runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

function intersection(a: readonly IdRange[], b: readonly IdRange[]): IdRange[] {
  const found: IdRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [one, two] = [a[i] as IdRange, b[j] as IdRange];
    const [first, last] = [Math.max(one.first, two.first), Math.min(one.last, two.last)];
    if (first <= last) found.push({ first, last });
    if (one.last < two.last) i++;
    else j++;
  }
  return found;
}
