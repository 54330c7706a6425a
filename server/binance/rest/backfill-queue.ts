import type { GapCause } from "../../domain/gap.ts";
import type { Stream, StreamName } from "../../domain/stream.ts";

/** Trades that the ids prove to be missing, both ends included. */
export type MissingTrades = {
  /** An aggTrade or trade stream. */
  readonly stream: Stream;
  readonly fromId: number;
  readonly toId: number;
  /** The gap it belongs to, µs. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly cause: GapCause;
};

/** A hole that is being refetched; holes that are kept over a restart are given back as this. */
export type PendingBackfill = MissingTrades & {
  /** All before this id is done. */
  readonly nextId: number;
  readonly fetched: number;
};

/** Holes in memory, with what is needed to take turns. */
export type WaitingBackfill = {
  hole: PendingBackfill;
  /** Not to be asked for before, ms. */
  notBeforeMs: number;
  /** Attempts in a row that failed. */
  failures: number;
  /** Answers at which the exchange's history ended before the hole did, and the highest id of the hole in the last one; 0 if none. */
  ends: number;
  listedId: number;
  /** Nothing of it is missing any more. */
  isWithdrawn: boolean;
  /** Nothing of it has been handed over in this process: what comes next may be on disk already. */
  untouched: boolean;
};

/** The holes that wait, by stream, each stream's in order of arrival. */
export type BackfillQueue = {
  /**
   * Takes what of the hole is not waiting already (its end, most often all of it), and returns that, or null where nothing is left;
   * "full" if there are too many.
   */
  add(hole: PendingBackfill): PendingBackfill | null | "full";
  /** The first hole of the stream whose turn it is; null if all must wait or none is there. */
  next(nowMs: number): WaitingBackfill | null;
  /** When the next one may be asked for, ms; Infinity if there is none. */
  dueMs(): number;
  remove(waiting: WaitingBackfill): void;
  all(): readonly PendingBackfill[];
  /** Those of a stream. */
  of(stream: Stream): readonly WaitingBackfill[];
  size(): number;
};

const mostHoles = 50_000;

/** Streams take turns, a page each, so that a long hole of one does not keep the others waiting. */
export function createBackfillQueue(): BackfillQueue {
  const byStream = new Map<StreamName, WaitingBackfill[]>();
  let count = 0;

  return {
    add(hole) {
      const waiting = byStream.get(hole.stream.name) ?? [];
      const rest = withoutWaiting(hole, waiting);
      if (rest === null) return null;
      if (count >= mostHoles) return "full";
      count++;
      waiting.push({
        hole: rest,
        notBeforeMs: 0,
        failures: 0,
        ends: 0,
        listedId: 0,
        isWithdrawn: false,
        untouched: true,
      });
      byStream.set(hole.stream.name, waiting);
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
      const { name } = done.hole.stream;
      const waiting = byStream.get(name) ?? [];
      if (!waiting.includes(done)) return;
      count--;
      const others = waiting.filter((one) => one !== done);
      if (others.length === 0) byStream.delete(name);
      else byStream.set(name, others);
    },
    all: () => [...byStream.values()].flat().map(({ hole }) => hole),
    of: ({ name }) => [...(byStream.get(name) ?? [])],
    size: () => count,
  };
}

function withoutWaiting(hole: PendingBackfill, waiting: readonly WaitingBackfill[]): PendingBackfill | null {
  let { nextId } = hole;
  for (const { hole: other } of waiting) if (other.fromId <= nextId && other.toId >= nextId) nextId = other.toId + 1;
  if (nextId > hole.toId) return null;
  return nextId === hole.nextId ? hole : { ...hole, fromId: nextId, nextId };
}
