import { idMembers, isContiguous, type StreamKind, streamKinds } from "../../domain/stream-kinds.ts";
import { createSourceOrder, type SourceOrder } from "./source-order.ts";

/** A run of ids that no record has: the records before and after it were received at these times, µs. */
export type MissingRange = {
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

/** What the ids of a day's lines prove. At most a thousand setbacks are told apart. */
export type IdReport = {
  readonly holes: readonly MissingRange[];
  readonly setbacks: readonly IdSetback[];
  /** Refetched records that were there already. */
  readonly doubled: number;
};

/** Follows the ids of a stream from line to line and from day to day. */
export type IdCheck = {
  /**
   * Call it before the lines of a day. `sources` is the number of recorders whose rows it holds: each one's ids rise, but where the
   * quicker one had a gap the other's rows come between its own.
   */
  beginDay(sources: number): void;
  /** Whole lines, in order. */
  add(lines: Buffer): void;
  /** Ends the day. Reading the next day may still fill holes of the report: with rows that another recorder got after midnight. */
  report(): IdReport;
  /**
   * All ids since the call before, as runs in the order of the lines; where ids do not follow each other, one run from the lowest to the
   * highest.
   */
  takeRuns(): readonly IdRange[];
  /** Where the chain is, and back to there: for lines that must be read again. Nothing may have been reported in between. */
  mark(): IdMark;
  returnTo(mark: IdMark): void;
};

/** A state of the chain. */
export type IdMark = { readonly state: State };

type State = {
  /** The row with the highest id. */
  last: { readonly id: number; readonly us: number } | null;
  /** Lowest id of all; what was refetched from before it completes nothing. */
  origin: number | null;
  /** Refetched ids, as runs in the order of the lines. */
  refetched: IdRange[];
  order: SourceOrder;
  /** Of the day before and of this one. */
  before: Found;
  found: Found;
};

type Found = { holes: MissingRange[]; setbacks: IdSetback[]; doubled: number };

const mostSetbacks = 1000;
/** Runs of a day that are told apart: each is a hole or a step back. */
const mostRuns = 100_000;
const head = String.raw`\{"recv_us":(\d+),"net_delay_ms":[^,}]+(,"repaired":true)?[^\n]*?`;

/** A pattern of a line up to its first and, if it covers several, its last id. */
function idPattern(kind: StreamKind): RegExp {
  const { firstId, id } = streamKinds[kind];
  const digits = String.raw`(\d+)`;
  const ids =
    firstId === null ? `"(?:${idMembers(kind).join("|")})":${digits}` : `"${firstId}":${digits},"${id}":${digits}`;
  return new RegExp(head + ids, "y");
}

/** A chain of the ids of one stream and symbol, or null where ids prove nothing. */
export function createIdCheck(kind: StreamKind): IdCheck | null {
  if (streamKinds[kind].numbering === "none") return null;
  const contiguous = isContiguous(kind);
  const pattern = idPattern(kind);
  let state: State = {
    last: null,
    origin: null,
    refetched: [],
    order: createSourceOrder(),
    before: nothingFound(),
    found: nothingFound(),
  };
  let runs: IdRange[] = [];

  function addRun(first: number, id: number): void {
    const run = runs.at(-1);
    if (run === undefined || (contiguous && (first !== run.last + 1 || runs.length >= mostRuns))) {
      if (runs.length < mostRuns) runs.push({ first, last: id });
      return;
    }
    run.first = Math.min(run.first, first);
    run.last = Math.max(run.last, id);
  }

  function addLive(first: number, id: number, us: number): void {
    const { last, found, order } = state;
    if (last !== null && first <= last.id) addLate(first, id, us, last);
    else {
      if (last !== null && contiguous && first > last.id + 1)
        found.holes.push({ firstId: last.id + 1, lastId: first - 1, fromUs: last.us, toUs: us });
      state.last = { id, us };
      order.rise(id, us);
      addRun(first, id);
    }
    state.origin ??= first;
  }

  /** A row whose id is not above all before it. */
  function addLate(first: number, id: number, us: number, last: { id: number; us: number }): void {
    const { found, order } = state;
    const isDoubled = order.hasSeen(id);
    const isMissed = !isDoubled && (!contiguous || takeFromHoles(first, id, us));
    const isInOrder = order.fall(id, us, isMissed);
    // A book that comes a moment after midnight does not make the days' ids overlap.
    if (contiguous || isDoubled || !isInOrder) addRun(first, id);
    if ((isDoubled || !isInOrder) && found.setbacks.length < mostSetbacks)
      found.setbacks.push({ id: first, before: last.id, fromUs: last.us, toUs: us });
  }

  /** Fills a hole with ids that come late; false if they are in none. */
  function takeFromHoles(first: number, id: number, us: number): boolean {
    const { found, before, origin } = state;
    if (origin === null || first >= origin)
      return fillFrom(found.holes, first, id) || fillFrom(before.holes, first, id);
    if (id + 1 < origin) found.holes.unshift({ firstId: id + 1, lastId: origin - 1, fromUs: us, toUs: us });
    state.origin = first;
    return id < origin;
  }

  function addRefetched(id: number): void {
    addRun(id, id);
    const run = state.refetched.at(-1);
    if (run?.last === id - 1) run.last = id;
    else state.refetched.push({ first: id, last: id });
  }

  return {
    beginDay(sources) {
      state.order.allow(sources);
    },
    add(lines) {
      const text = lines.toString("latin1");
      for (let at = 0; at < text.length; at = text.indexOf("\n", at) + 1) {
        pattern.lastIndex = at;
        const match = pattern.exec(text);
        if (match === null) continue;
        const id = Number(match[3]);
        if (match[2] === undefined) addLive(id, Number(match[4] ?? id), Number(match[1]));
        else addRefetched(id);
        at = pattern.lastIndex;
      }
    },
    report() {
      const { found, last, origin } = state;
      const { left, unused } = fill(found.holes, state.refetched);
      // The hole that a refetched record belongs to may end on the day after.
      const [lastId, firstId] = [last?.id ?? Number.NEGATIVE_INFINITY, origin ?? Number.POSITIVE_INFINITY];
      const later = unused.filter((run) => run.first > lastId);
      const doubled = unused.filter((run) => run.first <= lastId && run.last >= firstId);
      found.holes = left;
      found.doubled += doubled.reduce((sum, run) => sum + run.last - run.first + 1, 0);
      state = { ...state, before: found, found: nothingFound(), refetched: later };
      return found;
    },
    takeRuns() {
      const taken = runs;
      runs = [];
      return taken;
    },
    mark: () => ({ state: copyOf(state) }),
    returnTo(mark) {
      // The reports that were handed out stay those of the chain.
      const { before } = state;
      state = copyOf(mark.state);
      state.before = Object.assign(before, state.before);
      runs = [];
    },
  };
}

function nothingFound(): Found {
  return { holes: [], setbacks: [], doubled: 0 };
}

function copyOf(state: State): State {
  const { last, origin, refetched, order, before, found } = state;
  const copyFound = ({ holes, setbacks, doubled }: Found) => ({ holes: [...holes], setbacks: [...setbacks], doubled });
  return {
    ...{ last, origin, order: order.copy(), before: copyFound(before), found: copyFound(found) },
    refetched: refetched.map((run) => ({ ...run })),
  };
}

/** Takes ids out of the hole that holds all of them, newest hole first; false if none does. */
function fillFrom(holes: MissingRange[], first: number, last: number): boolean {
  for (let at = holes.length - 1; at >= 0; at--) {
    const hole = holes[at];
    if (hole === undefined || first < hole.firstId) continue;
    if (last > hole.lastId) return false;
    const left: MissingRange[] = [];
    if (first > hole.firstId) left.push({ ...hole, lastId: first - 1 });
    if (last < hole.lastId) left.push({ ...hole, firstId: last + 1 });
    holes.splice(at, 1, ...left);
    return true;
  }
  return false;
}

/** Ids that follow each other. */
export type IdRange = { first: number; last: number };

/** What remains of the holes once the refetched records are put into them, and what is left of those. Each hole takes an id once. */
function fill(holes: readonly MissingRange[], runs: readonly IdRange[]): { left: MissingRange[]; unused: IdRange[] } {
  const left: MissingRange[] = [];
  const unused: IdRange[] = [];
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
