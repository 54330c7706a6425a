/** A range of contiguous ids. */
export type IdRange = { first: number; last: number };

/** A range of ids that no record has. `fromUs` and `toUs`: receipt of the records before and after it, µs. */
export type MissingRange = {
  readonly firstId: number;
  readonly lastId: number;
  readonly fromUs: number;
  readonly toUs: number;
};

/** Removes ids from the missing range that contains all of them, searching backwards. Returns false if there is none. */
export function removeFrom(ranges: MissingRange[], first: number, last: number): boolean {
  for (let at = ranges.length - 1; at >= 0; at--) {
    const range = ranges[at];
    if (range === undefined || first < range.firstId) continue;
    if (last > range.lastId) return false;
    const rest: MissingRange[] = [];
    if (first > range.firstId) rest.push({ ...range, lastId: first - 1 });
    if (last < range.lastId) rest.push({ ...range, firstId: last + 1 });
    ranges.splice(at, 1, ...rest);
    return true;
  }
  return false;
}

/**
 * Removes backfilled ids from the missing ranges, each id once.
 * Returns the rest of the ranges and the backfilled ids that were not missing.
 */
export function removeRanges(
  ranges: readonly MissingRange[],
  runs: readonly IdRange[],
): { rest: MissingRange[]; unused: IdRange[] } {
  const rest: MissingRange[] = [];
  const unused: IdRange[] = [];
  const queue = runs.toSorted((a, b) => a.first - b.first);
  for (const range of ranges.toSorted((a, b) => a.firstId - b.firstId)) {
    let nextId = range.firstId;
    for (let run = queue[0]; run !== undefined && run.first <= range.lastId; run = queue[0]) {
      queue.shift();
      const first = Math.max(run.first, nextId);
      const last = Math.min(run.last, range.lastId);
      if (run.first < first) unused.push({ first: run.first, last: Math.min(run.last, first - 1) });
      if (first <= last) {
        if (first > nextId) rest.push({ ...range, firstId: nextId, lastId: first - 1 });
        nextId = last + 1;
      }
      if (run.last > range.lastId) {
        queue.unshift({ first: Math.max(run.first, range.lastId + 1), last: run.last });
        break;
      }
    }
    if (nextId <= range.lastId) rest.push({ ...range, firstId: nextId });
  }
  return { rest, unused: [...unused, ...queue] };
}

/** Returns the parts of `ids` that lie in none of the ranges. The ranges are in ascending order and may overlap. */
export function idsOutside(ids: IdRange, ranges: readonly IdRange[]): readonly IdRange[] {
  const outside: IdRange[] = [];
  let nextId = ids.first;
  for (const range of ranges) {
    if (range.last < nextId) continue;
    if (range.first > ids.last) break;
    if (range.first > nextId) outside.push({ first: nextId, last: range.first - 1 });
    nextId = range.last + 1;
  }
  if (nextId <= ids.last) outside.push({ first: nextId, last: ids.last });
  return outside;
}

/** Sorts ranges and joins those that touch or overlap. */
export function joinRanges(ranges: readonly IdRange[]): readonly IdRange[] {
  const joined: IdRange[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before === undefined || first > before.last + 1) joined.push({ first, last });
    else before.last = Math.max(before.last, last);
  }
  return joined;
}

/** Counts the ids in ranges that do not overlap. */
export function countIds(ranges: readonly IdRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
