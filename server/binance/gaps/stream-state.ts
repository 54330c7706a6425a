import type { GapCause } from "../../domain/gap.ts";
import type { Stream } from "../../domain/stream.ts";
import { isContiguous, isNumbered, streamKinds } from "../../domain/stream-kinds.ts";
import type { FeedGap } from "./feed-events.ts";
import { createSequence } from "./sequence.ts";
import type { Cursor, Sequence } from "./sequence-types.ts";
import { createSilenceDetector, enoughOfOne, type SilenceDetector } from "./silence-detector.ts";

/** A stream as a group carries it: what has come of it, and since when it has not. */
export type StreamState = {
  readonly stream: Stream;
  /** Subscribed to for its event times alone, not recorded. */
  readonly isReference: boolean;
  readonly sequence: Sequence;
  readonly silenceDetector: SilenceDetector;
  /** Receipt of the newest record, µs; 0 before the first. */
  lastRecvUs: number;
  /** Since when it is received without interruption, as far as is known, µs. */
  coveredUs: number;
  gap: OpenGap | null;
  /** Gaps that are over, but not judged: the ids of the next record tell whether something was missed. */
  spans: Span[];
  /** When another connection may be tried because this stream alone is silent, µs, and how often that was in vain. */
  nextTryUs: number;
  tries: number;
};

/**
 * `alone`: only its own next record ends it, since the connection delivers other streams. `provable`: the id before it is known, so
 * that the next one can prove that nothing was missed.
 */
export type OpenGap = { readonly fromUs: number; cause: GapCause; readonly alone: boolean; readonly provable: boolean };

type Span = OpenGap & { readonly toUs: number };

/** What an earlier run left: since when nothing is recorded, why, the last id it had, and ids of its last records. */
export type Interruption = {
  readonly fromUs: number;
  readonly cause: GapCause;
  readonly lastId: number | null;
  readonly repeatedIds?: readonly number[];
};

/** A stream is busy enough for its own last record to tell when it broke off, if it never pauses longer, µs. */
const busyUs = 500_000;

/** What was sent before another connection began has come by so much later, µs. */
export const underWayUs = 2_000_000;

/** A stream of which nothing has come yet. */
export function createStreamState(
  stream: Stream,
  isReference: boolean,
  interruption: Interruption | null,
): StreamState {
  const { kind } = stream.type;
  const gap = interruption && {
    ...{ fromUs: interruption.fromUs, cause: interruption.cause, alone: false },
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
    ...{ lastRecvUs: 0, coveredUs: 0, gap, spans: [], nextTryUs: 0, tries: 0 },
  };
}

/** The stream is not received from now on; `lastDataUs` is when its group last received anything. */
export function lose(one: StreamState, lastDataUs: number, cause: GapCause, alone = false): void {
  if (one.gap !== null || (one.lastRecvUs === 0 && one.coveredUs === 0)) return;
  const fromUs = alone || isBusy(one) ? one.lastRecvUs : Math.max(one.lastRecvUs, lastDataUs);
  one.gap = { fromUs: Math.max(fromUs, one.coveredUs), cause, alone, provable: one.lastRecvUs > 0 };
}

/**
 * How a connection went. `isLagging`: its other streams show that something was still under way on it. `stoodStill`: the process stood
 * still at that time, so that receipts tell nothing of the order of sending.
 */
export type PartedConnection = {
  readonly cause: GapCause;
  readonly isPlanned: boolean;
  readonly isLagging: boolean;
  readonly stoodStill: (atUs: number) => boolean;
  readonly lastDataUs: number;
  readonly nowUs: number;
};

/** Another connection: what it has shown of a stream, and since when the stream is active on it. */
export type Other = { readonly cursor: Cursor | undefined; readonly sinceUs: number };

/**
 * A connection is gone and others stand, which began later: what was under way on it may be in none, unless it had come as far as
 * another one's first record. `lastDataUs` is when the connection last delivered anything. Returns true if there may be a gap.
 */
export function part(
  one: StreamState,
  old: Cursor | undefined,
  others: readonly Other[],
  { cause, isPlanned, isLagging, stoodStill, lastDataUs, nowUs }: PartedConnection,
): boolean {
  if (one.gap !== null) return false;
  const began = others.map(({ cursor }) => cursor).filter((cursor) => cursor !== undefined);
  const sinceUs = Math.min(...others.map((other) => other.sinceUs));
  if (old === undefined) {
    // Nothing of the stream has come on it; it covered the stream as long as it delivered others.
    if (isPlanned || lastDataUs === 0) return false;
    // One that was cut had listened until then, unless it was dead before.
    if (cause !== "silent" && sinceUs - lastDataUs < busyUs) return false;
    return pushUncovered(one, { fromUs: lastDataUs, toUs: sinceUs }, cause, []);
  }
  if (began.some((other) => old.epoch > other.epoch || (old.epoch === other.epoch && old.recent >= other.first)))
    return false;
  if (began.length === 0) {
    if (isLagging || lastDataUs < sinceUs || stoodStill(lastDataUs)) {
      // It was dead already when the others began to deliver: in between nobody listened. A process that stood still finds the last data of
      // the one and the beginning of the other in the same moment.
      const fromUs = lastDataUs < sinceUs ? lastDataUs : Math.max(old.lastUs, sinceUs - underWayUs);
      const toUs = Math.max(sinceUs, lastDataUs, fromUs + 1);
      return pushUncovered(one, { fromUs, toUs }, cause, [old]);
    }
    // Nothing of a quiet stream on either is what it looks like, nor is that of a busy one after a while.
    const isLate = others.some((other) => old.lastUs < other.sinceUs && nowUs - other.sinceUs > underWayUs);
    if (!isPlanned && !isLate && isBusy(one)) lose(one, old.lastUs, cause, true);
    return false;
  }
  const firstUs = Math.min(...began.map((cursor) => cursor.firstUs));
  const span = { fromUs: Math.min(old.lastUs, firstUs), toUs: Math.max(old.lastUs, firstUs) };
  return pushUncovered(one, span, cause, [old, ...began]);
}

/** Notes what of a span no connection but those `between` has covered, be it gone by now; false if that is nothing. */
function pushUncovered(
  one: StreamState,
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
  cause: GapCause,
  between: readonly Cursor[],
): boolean {
  const { sequence, spans } = one;
  const others = sequence.cursors().filter((cursor) => !between.includes(cursor));
  let atUs = fromUs;
  const before = spans.length;
  const push = (endUs: number) =>
    spans.push({ fromUs: atUs, toUs: endUs, cause, alone: false, provable: sequence.holes !== null });
  for (const { firstUs, lastUs } of others.toSorted((a, b) => a.firstUs - b.firstUs)) {
    if (lastUs <= atUs || firstUs >= toUs || lastUs <= firstUs) continue;
    if (firstUs > atUs) push(firstUs);
    atUs = lastUs;
  }
  if (atUs < toUs) push(toUs);
  return spans.length > before;
}

/** Has another connection begun with something that the old one had not come as far as? */
export function lagsBehind(old: Cursor | undefined, others: readonly Other[]): boolean {
  return others.some(({ cursor }) => old?.epoch === cursor?.epoch && Number(old?.highest) < Number(cursor?.first));
}

/** It is received again. */
export function regain(one: StreamState, atUs: number): void {
  const { gap } = one;
  one.coveredUs = atUs;
  one.gap = null;
  if (gap !== null && gap.fromUs < atUs) one.spans.push({ ...gap, toUs: atUs });
}

/**
 * The gaps that can be judged now. Where ids follow each other they say what was missed, once the next record is there; a hole is
 * given until `beforeUs` for another connection to fill it, and longer for one of the `connections` that lags behind. Elsewhere nobody can
 * tell, and a gap counts as soon as it is over.
 */
export function judge(one: StreamState, beforeUs: number, connections = 0): readonly FeedGap[] {
  const { stream, spans } = one;
  const { holes } = one.sequence;
  if (holes === null) return one.spans.splice(0).map((span) => gapOf(stream, span, null));
  const judged: FeedGap[] = [];
  for (const hole of one.sequence.takeHoles(beforeUs, connections)) {
    const within = spans.filter((span) => span.fromUs >= hole.fromUs && span.toUs <= hole.toUs);
    one.spans = one.spans.filter((span) => !within.includes(span));
    const numbered = isNumbered(stream.type.kind);
    // Which of several pauses the absent ones lie in cannot be told: they are counted with the last.
    for (const span of within.slice(0, -1)) judged.push(gapOf(stream, span, numbered ? 0 : null));
    const { fromUs, toUs, cause } = within.at(-1) ?? { ...hole, cause: "missing" as const };
    const missing = numbered ? hole.toId - hole.fromId + 1 : null;
    judged.push({ stream, fromUs, toUs, cause, missing, holes: numbered ? [hole] : [] });
  }
  if (holes.waiting() > 0) return judged;
  // Without an id before it a gap is looked into by the first id behind it.
  const isAnswered = ({ toUs, provable }: Span) =>
    one.lastRecvUs >= toUs && (provable || !one.sequence.mayBeginEarlier(toUs, beforeUs, connections));
  const answered = one.spans.filter(isAnswered);
  if (answered.length > 0) one.spans = one.spans.filter((span) => !answered.includes(span));
  return [...judged, ...answered.map((span) => gapOf(stream, span, span.provable ? 0 : null))];
}

/** Gaps of the stream that nobody has been told of yet; what is not over reaches up to `nowUs`. */
export function unjudged(one: StreamState, nowUs: number): readonly FeedGap[] {
  const { stream, gap } = one;
  const open = gap === null ? [] : [{ ...gap, toUs: nowUs }];
  return [...one.spans, ...open].map((span) => gapOf(stream, span, null));
}

/** The exchange counts anew: the next id proves nothing of what was before. */
export function forgetIds(one: StreamState): void {
  one.spans = one.spans.map((span) => ({ ...span, provable: false }));
}

function isBusy(one: StreamState): boolean {
  return (one.silenceDetector.longestUs() ?? Number.POSITIVE_INFINITY) <= busyUs;
}

function gapOf(stream: Stream, { fromUs, toUs, cause }: Span, missing: number | null): FeedGap {
  return { stream, fromUs, toUs, cause, missing, holes: [] };
}
