/** A range of contiguous ids. */
export type IdRange = { first: number; last: number };

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
