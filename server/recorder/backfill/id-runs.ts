import { type IdRange, joinRanges } from "../../domain/ids/id-ranges.ts";

/** A set of ids, stored as rising runs with gaps in between. */
export type IdRuns = {
  add(id: number): void;
  has(id: number): boolean;
  all(): readonly IdRange[];
};

/** Most unsorted runs before they are merged: some megabytes of memory. */
const mostRuns = 100_000;

/** Creates an empty set. Ids that arrive nearly in order are cheap to add. */
export function createIdRuns(): IdRuns {
  let unsorted: IdRange[] = [];
  let runs: readonly IdRange[] = [];

  function sortedRuns(): readonly IdRange[] {
    if (unsorted.length > 0) {
      runs = joinRanges([...runs, ...unsorted]);
      unsorted = [];
    }
    return runs;
  }

  return {
    add(id) {
      const run = unsorted.at(-1);
      if (run?.last === id - 1) run.last = id;
      else if (run === undefined || id < run.first || id > run.last) unsorted.push({ first: id, last: id });
      if (unsorted.length > mostRuns) sortedRuns();
    },
    has(id) {
      const all = sortedRuns();
      let [low, high] = [0, all.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((all[middle]?.last ?? 0) < id) low = middle + 1;
        else high = middle;
      }
      return (all[low]?.first ?? Number.POSITIVE_INFINITY) <= id;
    },
    all: sortedRuns,
  };
}

/** Reduces `runs` to at most a hundred runs, by joining neighbours including the ids between them. */
export function joinedRuns(runs: readonly IdRange[]): readonly IdRange[] {
  const together = Math.ceil(runs.length / mostJoined);
  const joined: IdRange[] = [];
  for (let at = 0; at < runs.length; at += together) {
    const [first, last] = [runs[at], runs[Math.min(runs.length, at + together) - 1]];
    if (first !== undefined && last !== undefined) joined.push({ first: first.first, last: last.last });
  }
  return joined;
}

const mostJoined = 100;
