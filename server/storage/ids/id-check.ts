import {
  type HighestRecord,
  higherOf,
  type IdRow,
  type MissingIds,
  missingBefore,
  removeBackfilled,
  removeIds,
} from "../../domain/ids/id-order.ts";
import { countIds, type IdRange } from "../../domain/ids/id-ranges.ts";
import { decodeLine, recordIds } from "../../domain/line.ts";
import { idMembers, isContiguous, type StreamKind, streamKinds } from "../../domain/stream-kinds.ts";
import { createSourceOrder, type SourceOrder } from "./source-order.ts";

/** Two successive records of which the later has the same or a lower id. */
export type IdSetback = {
  readonly id: number;
  readonly before: number;
  readonly fromUs: number;
  readonly toUs: number;
};

/** Findings about the ids of a day's lines. At most a thousand setbacks are listed. */
export type IdReport = {
  readonly holes: readonly MissingIds[];
  readonly setbacks: readonly IdSetback[];
  /** Backfilled records whose id was already there. */
  readonly doubled: number;
};

/** Follows the ids of a stream from line to line and from day to day. */
export type IdCheck = {
  /**
   * Must be called before the lines of a day. `sources` is the number of recorders whose rows the day combines.
   * The ids of each recorder rise. But where one recorder had a gap, rows of a slower recorder may come between its rows.
   */
  beginDay(sources: number): void;
  /** Adds whole lines, in order. */
  add(lines: Buffer): void;
  /**
   * Ends the day and returns its report.
   * Reading the next day may still fill missing ranges of the report, with rows that another recorder received after midnight.
   */
  report(): IdReport;
  /**
   * Returns all ids since the previous call, as ranges in the order of the lines.
   * If ids are not contiguous, it returns a single range from the lowest to the highest id.
   */
  takeRuns(): readonly IdRange[];
  /** Saves the state; `returnTo` restores it to read lines again. No report may be taken in between. */
  mark(): IdMark;
  returnTo(mark: IdMark): void;
};

/** A saved state of the check. */
export type IdMark = { readonly state: State };

type State = {
  last: HighestRecord | null;
  /** The lowest id so far. Backfilled ids below it fill no range. */
  origin: number | null;
  /** Backfilled ids, as ranges in the order of the lines. */
  backfilled: IdRange[];
  order: SourceOrder;
  /** Findings of the previous day and of the current day. */
  previous: Findings;
  current: Findings;
};

type Findings = { holes: MissingIds[]; setbacks: IdSetback[]; doubled: number };

const maxSetbacks = 1000;
/** Most ranges per day. Each is a missing range or a setback. */
const maxRanges = 100_000;
const head = String.raw`\{"recv_us":(\d+),"net_delay_ms":[^,}]+(,"repaired":true)?[^\n]*?`;

/** Creates the pattern that matches a line up to its first id, and up to its last id if it covers a range. */
function idPattern(kind: StreamKind): RegExp {
  const { firstId, id } = streamKinds[kind];
  const digits = String.raw`(\d+)`;
  const ids =
    firstId === null ? `"(?:${idMembers(kind).join("|")})":${digits}` : `"${firstId}":${digits},"${id}":${digits}`;
  return new RegExp(head + ids, "y");
}

/** Creates the check for one stream and symbol; null if its ids prove nothing. */
export function createIdCheck(kind: StreamKind): IdCheck | null {
  if (streamKinds[kind].numbering === "none") return null;
  const contiguous = isContiguous(kind);
  const pattern = idPattern(kind);
  let state: State = {
    last: null,
    origin: null,
    backfilled: [],
    order: createSourceOrder(),
    previous: noFindings(),
    current: noFindings(),
  };
  let runs: IdRange[] = [];

  function addRun(first: number, id: number): void {
    const run = runs.at(-1);
    if (run === undefined || (contiguous && (first !== run.last + 1 || runs.length >= maxRanges))) {
      if (runs.length < maxRanges) runs.push({ first, last: id });
      return;
    }
    run.first = Math.min(run.first, first);
    run.last = Math.max(run.last, id);
  }

  function addLive(row: IdRow): void {
    const { last, current, order } = state;
    if (last !== null && row.first <= last.id) addLate(row, last);
    else {
      const missing = missingBefore(kind, last, row);
      if (missing !== null) current.holes.push(missing);
      order.rise(row.last, row.recvUs);
      addRun(row.first, row.last);
    }
    state.last = higherOf(last, row);
    state.origin ??= row.first;
  }

  /** Adds a row that begins with an id that is not above all earlier ids. */
  function addLate(row: IdRow, before: HighestRecord): void {
    const { first, last: id, recvUs } = row;
    const { current, order } = state;
    const isDoubled = order.hasSeen(id);
    const wasMissing = !contiguous || fillMissing(row);
    const isInOrder = order.fall(id, recvUs, wasMissing && !isDoubled);
    // A book that arrives a moment after midnight must not make the id ranges of the two days overlap.
    if (contiguous || isDoubled || !isInOrder) addRun(first, id);
    if ((isDoubled || !isInOrder) && current.setbacks.length < maxSetbacks)
      current.setbacks.push({ id: first, before: before.id, fromUs: before.recvUs, toUs: recvUs });
  }

  /** Removes late ids from the missing ids. Returns false if some of them were not missing. */
  function fillMissing({ first, last: id, recvUs: us }: IdRow): boolean {
    const { current, previous, origin } = state;
    if (origin === null || first >= origin) {
      const ids = { first, last: id };
      return removeIds(current.holes, ids) + removeIds(previous.holes, ids) === id - first + 1;
    }
    if (id + 1 < origin) current.holes.unshift({ fromId: id + 1, toId: origin - 1, fromUs: us, toUs: us });
    state.origin = first;
    return id < origin;
  }

  function addBackfilled(id: number): void {
    addRun(id, id);
    const run = state.backfilled.at(-1);
    if (run?.last === id - 1) run.last = id;
    else state.backfilled.push({ first: id, last: id });
  }

  /** Adds a line whose payload has another shape than usual. */
  function addUnusual(line: string): void {
    const record = decodeLine(line);
    const ids = recordIds(line, kind);
    if (record === null || ids === null) return;
    if (record.repaired) addBackfilled(ids.last);
    else addLive({ ...ids, recvUs: record.recvUs });
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
        if (match === null) {
          addUnusual(text.slice(at, text.indexOf("\n", at)));
          continue;
        }
        const first = Number(match[3]);
        if (match[2] === undefined) addLive({ first, last: Number(match[4] ?? first), recvUs: Number(match[1]) });
        else addBackfilled(first);
        at = pattern.lastIndex;
      }
    },
    report() {
      const { current, last, origin } = state;
      const { rest, unused } = removeBackfilled(current.holes, state.backfilled);
      // The missing range of a backfilled record may end on the next day.
      const [lastId, firstId] = [last?.id ?? Number.NEGATIVE_INFINITY, origin ?? Number.POSITIVE_INFINITY];
      const later = unused.filter((run) => run.first > lastId);
      const doubled = unused.filter((run) => run.first <= lastId && run.last >= firstId);
      current.holes = rest;
      current.doubled += countIds(doubled);
      state = { ...state, previous: current, current: noFindings(), backfilled: later };
      return current;
    },
    takeRuns() {
      const finished = runs;
      runs = [];
      return finished;
    },
    mark: () => ({ state: copyOf(state) }),
    returnTo(mark) {
      // Reports already returned must stay the objects of this check, so that it can still fill their ranges.
      const { previous } = state;
      state = copyOf(mark.state);
      state.previous = Object.assign(previous, state.previous);
      runs = [];
    },
  };
}

function noFindings(): Findings {
  return { holes: [], setbacks: [], doubled: 0 };
}

function copyOf(state: State): State {
  const { last, origin, backfilled, order, previous, current } = state;
  const copyFindings = ({ holes, setbacks, doubled }: Findings) => ({
    holes: [...holes],
    setbacks: [...setbacks],
    doubled,
  });
  return {
    last,
    origin,
    order: order.copy(),
    previous: copyFindings(previous),
    current: copyFindings(current),
    backfilled: backfilled.map((run) => ({ ...run })),
  };
}
