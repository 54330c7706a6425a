import type { GapCause } from "../../domain/gap.ts";
import { isNewNumbering, type MissingIds } from "../../domain/ids/id-order.ts";
import type { Stream } from "../../domain/stream.ts";
import { isContiguous, isNumbered, streamKinds } from "../../domain/stream-kinds.ts";
import type { FeedGap } from "./feed-events.ts";
import { createSequence } from "./sequence.ts";
import type { Cursor, Sequence } from "./sequence-types.ts";
import { createSilenceDetector, enoughOfOne, type SilenceDetector } from "./silence-detector.ts";
import { addUncovered, type OpenGap, type Span } from "./uncovered.ts";

/**
 * The reception of one stream by its group.
 *
 * | state            | fields                | entered by                                  | next                                        |
 * |------------------|-----------------------|---------------------------------------------|---------------------------------------------|
 * | received         | `gap` null            | `regain`                                    | `lose`: not received                        |
 * | not received     | `gap` set             | `lose`                                      | `regain`: the gap moves to `spans`          |
 * | gap not resolved | an entry in `spans`   | `regain`, `part`                            | `judge`: reported, once ids have decided    |
 */
export type StreamState = {
  readonly stream: Stream;
  /** Subscribed only for its event times; not recorded. */
  readonly isReference: boolean;
  readonly sequence: Sequence;
  readonly silenceDetector: SilenceDetector;
  /** Receipt of the newest record, µs; 0 before the first. */
  lastRecvUs: number;
  /** Since when it is received without interruption, µs; 0 if never. */
  coveredUs: number;
  gap: OpenGap | null;
  /** Gaps that have ended but are not resolved: the ids of the next record decide whether records were missed. */
  spans: Span[];
  /** When the next connection may be tried because only this stream is silent, µs, and the attempts so far. */
  nextTryUs: number;
  tries: number;
};

/** The gap that an earlier run left: its start and cause, the last recorded id, and ids of the last records. */
export type Interruption = {
  readonly fromUs: number;
  readonly cause: GapCause;
  readonly lastId: number | null;
  readonly repeatedIds?: readonly number[];
};

/** A stream that never pauses longer is busy, µs: its last record shows when its reception ended. */
const busyUs = 500_000;

/** Upper bound for messages in flight, µs: messages sent before a new connection opened have arrived by then. */
export const underWayUs = 2_000_000;

/** Creates the state of a stream before its first record. */
export function createStreamState(
  stream: Stream,
  isReference: boolean,
  interruption: Interruption | null,
): StreamState {
  const { kind } = stream.type;
  const gap = interruption && {
    fromUs: interruption.fromUs,
    cause: interruption.cause,
    alone: false,
    provable: interruption.lastId !== null,
  };
  return {
    stream,
    isReference,
    sequence: createSequence({
      contiguous: isContiguous(kind),
      mayVary: streamKinds[kind].firstId !== null,
      lastId: interruption?.lastId ?? null,
      ...(interruption?.repeatedIds !== undefined && { repeatedIds: interruption.repeatedIds }),
    }),
    silenceDetector: createSilenceDetector(enoughOfOne),
    lastRecvUs: 0,
    coveredUs: 0,
    gap,
    spans: [],
    nextTryUs: 0,
    tries: 0,
  };
}

/** Opens a gap: the stream is not received any more. `lastDataUs`: when its group last received data. */
export function lose(state: StreamState, lastDataUs: number, cause: GapCause, alone = false): void {
  if (state.gap !== null || (state.lastRecvUs === 0 && state.coveredUs === 0)) return;
  const fromUs = alone || isBusy(state) ? state.lastRecvUs : Math.max(state.lastRecvUs, lastDataUs);
  state.gap = { fromUs: Math.max(fromUs, state.coveredUs), cause, alone, provable: state.lastRecvUs > 0 };
}

/**
 * How a connection ended. `isLagging`: its other streams show that messages were still in flight. `hasReached`: a stream of it has
 * reached the first record of another connection, so that all messages sent before that record had arrived. `stoodStill`: true if the process
 * stood still at that time, so receipts do not show the order of sending.
 */
export type PartedConnection = {
  readonly cause: GapCause;
  readonly isPlanned: boolean;
  readonly isLagging: boolean;
  readonly hasReached: boolean;
  readonly stoodStill: (atUs: number) => boolean;
  readonly lastDataUs: number;
  readonly nowUs: number;
};

/** Another connection: its cursor in the stream, and since when the stream is active on it. */
export type Other = { readonly cursor: Cursor | undefined; readonly sinceUs: number };

/**
 * Adds the gap of a stream when a connection ends while other connections are open; true if there may be a gap. The others began later, so
 * messages in flight on the ended connection may be on none of them.
 *
 * | the ended connection                                          | gap                                                            |
 * |---------------------------------------------------------------|----------------------------------------------------------------|
 * | has reached another connection's first record                 | none                                                           |
 * | has reached it in another stream; the others have not delivered this stream | an open gap, if the stream is busy             |
 * | has not delivered the stream                                  | from its last data to the start of the others, if it was silent |
 * | has delivered it, the others have not, messages were in flight | around the start of the others                                 |
 * | has delivered it, the others have not                         | open gap, if the stream is busy                                |
 * | has delivered it, the others too                              | between its last record and their first record                 |
 */
export function part(
  state: StreamState,
  old: Cursor | undefined,
  others: readonly Other[],
  { cause, isPlanned, isLagging, hasReached, stoodStill, lastDataUs, nowUs }: PartedConnection,
): boolean {
  if (state.gap !== null) return false;
  const began = others.map(({ cursor }) => cursor).filter((cursor) => cursor !== undefined);
  const sinceUs = Math.min(...others.map((other) => other.sinceUs));
  if (old === undefined) {
    // The connection covered the stream as long as it delivered other streams.
    if (isPlanned || lastDataUs === 0) return false;
    // A connection that was cut had listened until then, unless it was dead before.
    if (cause !== "silent" && sinceUs - lastDataUs < busyUs) return false;
    return addUncovered(state, { fromUs: lastDataUs, toUs: sinceUs }, cause, []);
  }
  if (began.some((other) => old.epoch > other.epoch || hasReachedFirst(old, other))) return false;
  if (began.length === 0) {
    if (!hasReached && (isLagging || lastDataUs < sinceUs || stoodStill(lastDataUs))) {
      // The connection was dead before the others began: in between no connection listened. After a standstill its last data and the start
      // of the others have the same receipt time.
      const fromUs = lastDataUs < sinceUs ? lastDataUs : Math.max(old.lastUs, sinceUs - underWayUs);
      const toUs = Math.max(sinceUs, lastDataUs, fromUs + 1);
      return addUncovered(state, { fromUs, toUs }, cause, [old]);
    }
    // A quiet stream may simply have no messages, and so may a busy stream after a while.
    const isLate = others.some((other) => old.lastUs < other.sinceUs && nowUs - other.sinceUs > underWayUs);
    if (!isPlanned && !isLate && isBusy(state)) lose(state, old.lastUs, cause, true);
    return false;
  }
  const firstUs = Math.min(...began.map((cursor) => cursor.firstUs));
  const span = { fromUs: Math.min(old.lastUs, firstUs), toUs: Math.max(old.lastUs, firstUs) };
  return addUncovered(state, span, cause, [old, ...began]);
}

/** True if a connection has delivered the first record of another connection in this stream, or a later record. */
export function hasReachedFirst(old: Cursor | undefined, other: Cursor | undefined): boolean {
  return old !== undefined && old.epoch === other?.epoch && old.recent >= other.first;
}

/** True if another connection began at an id that the old connection had not reached. */
export function lagsBehind(old: Cursor | undefined, others: readonly Other[]): boolean {
  return others.some(({ cursor }) => old?.epoch === cursor?.epoch && Number(old?.highest) < Number(cursor?.first));
}

/** Ends the gap: the stream is received again. */
export function regain(state: StreamState, atUs: number): void {
  const { gap } = state;
  state.coveredUs = atUs;
  state.gap = null;
  if (gap !== null && gap.fromUs < atUs) state.spans.push({ ...gap, toUs: atUs });
}

/**
 * Returns the gaps that can be decided now, and removes them from the state.
 *
 * - Contiguous ids: the next record shows which ids are missing. Another connection may fill them until `beforeUs`; a lagging one of the
 *   `connections` gets more time.
 * - Other streams: ids prove nothing, so a gap counts as soon as it has ended.
 */
export function judge(state: StreamState, beforeUs: number, connections = 0): readonly FeedGap[] {
  const { stream } = state;
  const { missingIds } = state.sequence;
  if (missingIds === null) return state.spans.splice(0).map((span) => gapOf(stream, span, null));
  const judged = gapsOfMissing(state, state.sequence.takeMissingIds(beforeUs, connections));
  if (missingIds.waiting() > 0) return judged;
  // If the id before a gap is unknown, the first id behind it starts a search on disk.
  const isAnswered = ({ toUs, provable }: Span) =>
    state.lastRecvUs >= toUs && (provable || !state.sequence.mayBeginEarlier(toUs, beforeUs, connections));
  const answered = state.spans.filter(isAnswered);
  if (answered.length > 0) state.spans = state.spans.filter((span) => !answered.includes(span));
  return [...judged, ...answered.map((span) => gapOf(stream, span, span.provable ? 0 : null))];
}

/** Returns the gaps of ids that still wait for late records, once no record will follow. */
export function gapsOfWaiting(state: StreamState): readonly FeedGap[] {
  return gapsOfMissing(state, state.sequence.missingIds?.open() ?? []);
}

/** Converts missing ids to gaps. Spans within them are reported with them. */
function gapsOfMissing(state: StreamState, ranges: readonly MissingIds[]): FeedGap[] {
  const { stream, spans } = state;
  const judged: FeedGap[] = [];
  for (const range of ranges) {
    const within = spans.filter((span) => span.fromUs >= range.fromUs && span.toUs <= range.toUs);
    state.spans = state.spans.filter((span) => !within.includes(span));
    const isNew = isNumbered(stream.type.kind) && isNewNumbering(range.fromId - 1, range.toId + 1);
    if (isNew && within.length === 0) continue;
    const numbered = isNumbered(stream.type.kind) && !isNew;
    // It is unknown which of several gaps contains the missing ids. They are counted in the last gap.
    for (const span of within.slice(0, -1)) judged.push(gapOf(stream, span, numbered ? 0 : null));
    const { fromUs, toUs, cause } = within.at(-1) ?? { ...range, cause: "missing" as const };
    const missing = numbered ? range.toId - range.fromId + 1 : null;
    judged.push({ stream, fromUs, toUs, cause, missing, holes: numbered ? [range] : [] });
  }
  return judged;
}

/** Returns the gaps of the stream that have not been reported; an open gap ends at `nowUs`. */
export function unjudged(state: StreamState, nowUs: number): readonly FeedGap[] {
  const { stream, gap } = state;
  const open = gap === null ? [] : [{ ...gap, toUs: nowUs }];
  return [...state.spans, ...open].map((span) => gapOf(stream, span, null));
}

/** The ids have restarted: the next id cannot prove that no record was missed before. */
export function forgetIds(state: StreamState): void {
  state.spans = state.spans.map((span) => ({ ...span, provable: false }));
}

function isBusy(state: StreamState): boolean {
  return (state.silenceDetector.longestUs() ?? Number.POSITIVE_INFINITY) <= busyUs;
}

function gapOf(stream: Stream, { fromUs, toUs, cause }: Span, missing: number | null): FeedGap {
  return { stream, fromUs, toUs, cause, missing, holes: [] };
}
