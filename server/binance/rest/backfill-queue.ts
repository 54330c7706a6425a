import type { GapCause } from "../../domain/gap.ts";
import type { Stream, StreamName } from "../../domain/stream.ts";

/** Trades that are missing according to their ids; both ends are included. */
export type MissingTrades = {
  /** An aggTrade or trade stream. */
  readonly stream: Stream;
  readonly fromId: number;
  readonly toId: number;
  /** Start and end of the gap that the trades belong to, µs. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly cause: GapCause;
};

/** Missing trades that are being backfilled. A stored backfill is restored in this form after a restart. */
export type PendingBackfill = MissingTrades & {
  /** Ids below this id are done. */
  readonly nextId: number;
  readonly fetched: number;
};

/** How many ids were withdrawn from the gap that starts at `fromUs`. */
export type WithdrawnIds = { readonly fromUs: number; readonly count: number };

/** The result of a backfill. `reason` explains in words why some trades are still missing; null if all were fetched. */
export type BackfillResult = { readonly fetched: number; readonly missing: number; readonly reason: string | null };

/** A backfill in memory, with the state that its turns need. */
export type WaitingBackfill = {
  backfill: PendingBackfill;
  /** Earliest time of the next request, ms. */
  notBeforeMs: number;
  /** Failed attempts in a row. */
  failures: number;
  /** How many answers ended before `toId`, because the exchange's history ended there. */
  ends: number;
  /** Highest id of this backfill in the latest of those answers; 0 without answer. */
  listedId: number;
  /** The ids turned out not to be missing. */
  isWithdrawn: boolean;
  /** This process has not handed over a page yet, so the next page may already be on disk. */
  untouched: boolean;
};

/** Waiting backfills by stream, in order of arrival within each stream. */
export type BackfillQueue = {
  /**
   * Adds the part of the backfill that is not waiting yet: its end, and usually all of it. Returns the added part; null if all of it is
   * waiting already; "full" if the queue is full.
   */
  add(backfill: PendingBackfill): PendingBackfill | null | "full";
  /** Returns the first backfill of the stream whose turn it is; null if the queue is empty or all must wait. */
  next(nowMs: number): WaitingBackfill | null;
  /** When the next request may be sent, ms; Infinity if the queue is empty. */
  dueMs(): number;
  remove(waiting: WaitingBackfill): void;
  all(): readonly PendingBackfill[];
  /** Returns the backfills of a stream. */
  of(stream: Stream): readonly WaitingBackfill[];
  size(): number;
};

const mostBackfills = 50_000;

/** Creates an empty queue. Streams take turns, one page each, so a long backfill does not keep other streams waiting. */
export function createBackfillQueue(): BackfillQueue {
  const byStream = new Map<StreamName, WaitingBackfill[]>();
  let count = 0;

  return {
    add(backfill) {
      const waiting = byStream.get(backfill.stream.name) ?? [];
      const rest = withoutWaiting(backfill, waiting);
      if (rest === null) return null;
      if (count >= mostBackfills) return "full";
      count++;
      waiting.push({
        backfill: rest,
        notBeforeMs: 0,
        failures: 0,
        ends: 0,
        listedId: 0,
        isWithdrawn: false,
        untouched: true,
      });
      byStream.set(backfill.stream.name, waiting);
      return rest;
    },
    next(nowMs) {
      for (const [name, waiting] of byStream) {
        const first = waiting[0];
        if (first === undefined || first.notBeforeMs > nowMs) continue;
        byStream.delete(name);
        byStream.set(name, waiting);
        return first;
      }
      return null;
    },
    dueMs() {
      let due = Number.POSITIVE_INFINITY;
      for (const [first] of byStream.values()) due = Math.min(due, first?.notBeforeMs ?? due);
      return due;
    },
    remove(done) {
      const { name } = done.backfill.stream;
      const waiting = byStream.get(name) ?? [];
      if (!waiting.includes(done)) return;
      count--;
      const others = waiting.filter((entry) => entry !== done);
      if (others.length === 0) byStream.delete(name);
      else byStream.set(name, others);
    },
    all: () => [...byStream.values()].flat().map(({ backfill }) => backfill),
    of: ({ name }) => [...(byStream.get(name) ?? [])],
    size: () => count,
  };
}

function withoutWaiting(backfill: PendingBackfill, waiting: readonly WaitingBackfill[]): PendingBackfill | null {
  let { nextId } = backfill;
  for (const { backfill: earlier } of waiting)
    if (earlier.fromId <= nextId && earlier.toId >= nextId) nextId = earlier.toId + 1;
  if (nextId > backfill.toId) return null;
  return nextId === backfill.nextId ? backfill : { ...backfill, fromId: nextId, nextId };
}
