import { type IdRange, joinRanges } from "../../storage/ids/id-ranges.ts";

/** Ids as runs that are apart from each other and rise. */
export type IdRuns = {
  add(id: number): void;
  has(id: number): boolean;
  all(): readonly IdRange[];
};

/** As many as a quiet symbol has holes in years; memory for some megabytes. */
const mostRuns = 100_000;

/** No ids at first. Ids that come in nearly their order cost nothing each. */
export function createIdRuns(): IdRuns {
  let unsorted: IdRange[] = [];
  let runs: readonly IdRange[] = [];

  function settle(): readonly IdRange[] {
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
      if (unsorted.length > mostRuns) settle();
    },
    has(id) {
      const all = settle();
      let [low, high] = [0, all.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((all[middle]?.last ?? 0) < id) low = middle + 1;
        else high = middle;
      }
      return (all[low]?.first ?? Number.POSITIVE_INFINITY) <= id;
    },
    all: settle,
  };
}

/** The same as at most a hundred runs: of more, neighbours are taken together with what lies between them. */
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
