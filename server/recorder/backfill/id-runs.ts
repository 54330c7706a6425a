/** Ids from `first` to `last`, both included. */
export type IdRun = { readonly first: number; readonly last: number };

/** Ids as runs that are apart from each other and rise. */
export type IdRuns = {
  add(id: number): void;
  has(id: number): boolean;
  all(): readonly IdRun[];
};

/** As many as a quiet symbol has holes in years; memory for some megabytes. */
const mostRuns = 100_000;

/** No ids at first. Ids that come in nearly their order cost nothing each. */
export function createIdRuns(): IdRuns {
  let unsorted: { first: number; last: number }[] = [];
  let runs: readonly IdRun[] = [];

  function settle(): readonly IdRun[] {
    if (unsorted.length > 0) {
      runs = merged([...runs, ...unsorted]);
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

/** What of `range` is in none of the runs, which rise. */
export function absentIn(range: IdRun, runs: readonly IdRun[]): readonly IdRun[] {
  const absent: IdRun[] = [];
  let first = range.first;
  for (const run of runs) {
    if (run.last < first) continue;
    if (run.first > range.last) break;
    if (run.first > first) absent.push({ first, last: run.first - 1 });
    first = run.last + 1;
  }
  if (first <= range.last) absent.push({ first, last: range.last });
  return absent;
}

/** The same as at most a hundred runs: of more, neighbours are taken together with what lies between them. */
export function joinedRuns(runs: readonly IdRun[]): readonly IdRun[] {
  const together = Math.ceil(runs.length / mostJoined);
  const joined: IdRun[] = [];
  for (let at = 0; at < runs.length; at += together) {
    const [first, last] = [runs[at], runs[Math.min(runs.length, at + together) - 1]];
    if (first !== undefined && last !== undefined) joined.push({ first: first.first, last: last.last });
  }
  return joined;
}

const mostJoined = 100;

function merged(runs: readonly IdRun[]): readonly IdRun[] {
  const sorted = runs.toSorted((a, b) => a.first - b.first);
  const joined: { first: number; last: number }[] = [];
  for (const { first, last } of sorted) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else joined.push({ first, last });
  }
  return joined;
}
