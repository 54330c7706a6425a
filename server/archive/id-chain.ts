import type { StreamKind } from "../stream.ts";

/** A run of ids that no record has: the records before and after it were received at these times, µs. */
export type IdHole = {
  readonly firstId: number;
  readonly lastId: number;
  readonly fromUs: number;
  readonly toUs: number;
};

/** Two records of which the later one has the same or a lower id. */
export type IdSetback = {
  readonly id: number;
  readonly before: number;
  readonly fromUs: number;
  readonly toUs: number;
};

/** What the ids of the lines since the report before prove. At most a thousand setbacks are told apart. */
export type IdReport = {
  readonly holes: readonly IdHole[];
  readonly setbacks: readonly IdSetback[];
  /** Refetched records that were there already. */
  readonly doubled: number;
};

/** Follows the ids of a stream from line to line and from day to day. */
export type IdChain = {
  /** Whole lines, in order. */
  add(lines: Buffer): void;
  /** What has been found, which is then forgotten; the chain goes on from its last id. */
  report(): IdReport;
  /** Where the chain is, and back to there: for lines that must be read again. Nothing may have been reported in between. */
  mark(): IdMark;
  returnTo(mark: IdMark): void;
};

export type IdMark = {
  readonly last: { readonly id: number; readonly us: number } | null;
  readonly origin: number | null;
  readonly refetched: readonly Run[];
};

const mostSetbacks = 1000;
const head = String.raw`\{"recv_us":(\d+),"net_delay_ms":[^,}]+(,"repaired":true)?[^\n]*?`;

/** Up to the first and the last id of a line. Trades and diffs are numbered without a hole; books only rise; REST books do neither. */
const patterns: Record<StreamKind, { readonly ids: string; readonly contiguous: boolean } | null> = {
  aggTrade: { ids: String.raw`"a":(\d+)`, contiguous: true },
  // Over REST a trade's id is called `id`.
  trade: { ids: String.raw`"(?:t|id)":(\d+)`, contiguous: true },
  diffDepth: { ids: String.raw`"U":(\d+),"u":(\d+)`, contiguous: true },
  partialDepth: { ids: String.raw`"lastUpdateId":(\d+)`, contiguous: false },
  bookTicker: { ids: String.raw`"u":(\d+)`, contiguous: false },
  depthSnapshot: null,
};

/** A chain of the ids of one stream and symbol, or null where ids prove nothing. */
export function createIdChain(kind: StreamKind): IdChain | null {
  const rule = patterns[kind];
  if (rule === null) return null;
  const pattern = new RegExp(head + rule.ids, "y");
  let last: IdMark["last"] = null;
  let holes: IdHole[] = [];
  let setbacks: IdSetback[] = [];
  /** Refetched ids, as runs in the order of the lines. */
  let refetched: Run[] = [];
  /** First id of all; what was refetched from before it completes nothing. */
  let origin: number | null = null;

  function addLive(first: number, id: number, us: number): void {
    if (last !== null && first <= last.id) {
      if (setbacks.length < mostSetbacks) setbacks.push({ id: first, before: last.id, fromUs: last.us, toUs: us });
    } else if (last !== null && rule?.contiguous && first > last.id + 1) {
      holes.push({ firstId: last.id + 1, lastId: first - 1, fromUs: last.us, toUs: us });
    }
    origin ??= first;
    last = { id, us };
  }

  function addRefetched(id: number): void {
    const run = refetched.at(-1);
    if (run?.last === id - 1) run.last = id;
    else refetched.push({ first: id, last: id });
  }

  return {
    add(lines) {
      const text = lines.toString("latin1");
      for (let at = 0; at < text.length; at = text.indexOf("\n", at) + 1) {
        pattern.lastIndex = at;
        const match = pattern.exec(text);
        if (match === null) continue;
        const id = Number(match[3]);
        if (match[2] !== undefined) addRefetched(id);
        else addLive(id, Number(match[4] ?? id), Number(match[1]));
        at = pattern.lastIndex;
      }
    },
    report() {
      const { left, unused } = fill(holes, refetched);
      // The hole that a refetched record belongs to may end on the day after.
      const [lastId, firstId] = [last?.id ?? Number.NEGATIVE_INFINITY, origin ?? Number.POSITIVE_INFINITY];
      const later = unused.filter((run) => run.first > lastId);
      const doubled = unused.filter((run) => run.first <= lastId && run.last >= firstId);
      const found = { holes: left, setbacks, doubled: doubled.reduce((sum, run) => sum + run.last - run.first + 1, 0) };
      holes = [];
      setbacks = [];
      refetched = later;
      return found;
    },
    mark: () => ({ last, origin, refetched: refetched.map((run) => ({ ...run })) }),
    returnTo(mark) {
      ({ last, origin } = mark);
      refetched = mark.refetched.map((run) => ({ ...run }));
      holes = [];
      setbacks = [];
    },
  };
}

type Run = { first: number; last: number };

/** What remains of the holes once the refetched records are put into them, and what is left of those. Each hole takes an id once. */
function fill(holes: readonly IdHole[], runs: readonly Run[]): { left: IdHole[]; unused: Run[] } {
  const left: IdHole[] = [];
  const unused: Run[] = [];
  const queue = runs.toSorted((a, b) => a.first - b.first);
  for (const hole of holes.toSorted((a, b) => a.firstId - b.firstId)) {
    let nextId = hole.firstId;
    for (let run = queue[0]; run !== undefined && run.first <= hole.lastId; run = queue[0]) {
      queue.shift();
      const first = Math.max(run.first, nextId);
      const last = Math.min(run.last, hole.lastId);
      if (run.first < first) unused.push({ first: run.first, last: Math.min(run.last, first - 1) });
      if (first <= last) {
        if (first > nextId) left.push({ ...hole, firstId: nextId, lastId: first - 1 });
        nextId = last + 1;
      }
      if (run.last > hole.lastId) {
        queue.unshift({ first: Math.max(run.first, hole.lastId + 1), last: run.last });
        break;
      }
    }
    if (nextId <= hole.lastId) left.push({ ...hole, firstId: nextId });
  }
  return { left, unused: [...unused, ...queue] };
}
