import type { GapCause } from "../../domain/gap.ts";
import type { StreamName } from "../../domain/stream.ts";
import type { Reception } from "../feed/reception.ts";
import { checkRollover, type Rollover, type RolloverTimes } from "../feed/rollover-check.ts";
import type { GapResolver } from "../gaps/gap-resolver.ts";
import type { Cursor, Followed, Trail } from "../gaps/sequence-types.ts";
import { createSilenceDetector, enoughOfMany } from "../gaps/silence-detector.ts";
import { forgetIds, regain, type StreamState, underWayUs } from "../gaps/stream-state.ts";
import { covers, createLiveConnection, type LiveConnection } from "./live-connection.ts";

/** How far another process was with its streams, by their names, when it began to tell of what it records. */
export type InheritedFeed = ReadonlyMap<StreamName, Trail & { readonly lastUs: number }>;

/** A gap that another process leaves: one that is over, or, where `toUs` is null, one that is not. */
export type Leftover = {
  readonly stream: StreamName;
  readonly fromUs: number;
  readonly toUs: number | null;
  readonly cause: GapCause;
  readonly alone: boolean;
  /** The id before it is known, so that the next one can prove that nothing was missed. */
  readonly provable: boolean;
};

/**
 * The process that records until this one takes over. To its group it is a connection like any other, of which only the ids of what
 * it brings are told, after it has recorded them: so all is decided as when one connection replaces another.
 */
export type ParentConnection = {
  /** One connection until it has left. */
  links(): readonly LiveConnection[];
  /** It has recorded a message; ignored for streams that this group does not have, or that it was not known to record. */
  note(name: StreamName, message: Followed): void;
  /** Whether the group's own connections bring all that it records. */
  judge(nowUs: number): Rollover;
  /** It receives no more since `stoppedUs`; all has been told. What it leaves is judged here. */
  leave(leftovers: readonly Leftover[], stoppedUs: number): void;
};

type PredecessorDeps = {
  readonly carried: readonly (StreamState | null)[];
  readonly coverage: Reception;
  readonly pending: Pick<GapResolver, "add">;
  readonly ownLinks: () => readonly LiveConnection[];
  readonly handover: RolloverTimes;
  readonly nowUs: () => number;
};

/** Lets the sequences of `carried` go on where the other process is. */
export function createParentConnection(inherited: InheritedFeed, deps: PredecessorDeps): ParentConnection {
  const { carried, coverage, pending } = deps;
  const link = createLiveConnection({
    address: "",
    connection: { host: "", subscribe() {}, unsubscribe() {}, confirm: () => [], close() {} },
    rhythm: createSilenceDetector(enoughOfMany),
    replace() {},
  });
  const indexes = new Map<StreamName, number>();
  let hasLeft = false;

  const beganUs = deps.nowUs();
  Object.assign(link, { openedUs: beganUs, firstDataUs: beganUs, flowingUs: beganUs });
  for (const [index, one] of carried.entries()) {
    const trail = one === null || one.isReference ? undefined : inherited.get(one.stream.name);
    if (one === null || trail === undefined) continue;
    link.cursors[index] = one.sequence.inherit(trail, trail.lastUs);
    link.active.set(one.stream.name, beganUs);
    link.lastDataUs = Math.max(link.lastDataUs, trail.lastUs);
    indexes.set(one.stream.name, index);
    one.lastRecvUs = trail.lastUs;
    one.coveredUs = beganUs;
  }
  coverage.lastDataUs = link.lastDataUs;

  /** Connections here that deliver the stream. */
  function covering(one: StreamState): readonly LiveConnection[] {
    return deps.ownLinks().filter((own) => covers(own, one.stream.name));
  }

  /** One of them has listened for so long that all that was sent before it began had come to the other process by then. */
  function hasListened(one: StreamState, untilUs: number): boolean {
    return covering(one).some(({ active }) => Number(active.get(one.stream.name)) < untilUs - underWayUs);
  }

  /** The gap was open in the other process; it ends with what this one receives. */
  function goOn(one: StreamState, index: number, { fromUs, cause, alone, provable }: Leftover): void {
    one.gap = { fromUs, cause, alone, provable };
    const leastUs = hasListened(one, fromUs) ? 0 : fromUs + 1;
    const times = covering(one).map((own) => (alone ? firstSince(own.cursors[index], fromUs) : own.flowingUs));
    const sinceUs = Math.min(...times.filter((us) => us > 0).map((us) => Math.max(us, leastUs)));
    if (Number.isFinite(sinceUs)) regain(one, sinceUs);
  }

  /** What is over counts only where nothing was received here at that time. */
  function judgeOver(one: StreamState, { fromUs, toUs, cause, alone, provable }: Leftover): void {
    const isContiguous = one.sequence.holes !== null;
    if (isContiguous ? cause !== "missing" : !hasListened(one, fromUs))
      one.spans.push({ fromUs, toUs: toUs ?? fromUs, cause, alone, provable });
  }

  return {
    links: () => (hasLeft ? [] : [link]),
    note(name, message) {
      const { recvUs, isEpoch } = message;
      const index = indexes.get(name);
      const one = index === undefined ? null : carried[index];
      const cursor = index === undefined ? undefined : link.cursors[index];
      if (hasLeft || one === null || one === undefined || cursor === undefined) return;
      link.lastDataUs = Math.max(link.lastDataUs, recvUs);
      coverage.lastDataUs = Math.max(coverage.lastDataUs, recvUs);
      one.sequence.follow(cursor, message);
      if (isEpoch) forgetIds(one);
      one.lastRecvUs = Math.max(one.lastRecvUs, recvUs);
      if ((one.sequence.holes?.waiting() ?? 0) > 0) pending.add(one);
    },
    judge(nowUs) {
      const wanted = carried.map((one, index) => (link.cursors[index] === undefined ? null : one));
      const results = deps.ownLinks().map((own) => checkRollover(link, own, wanted, nowUs, deps.handover));
      if (hasLeft || indexes.size === 0 || results.includes("done")) return "done";
      return results.length > 0 && results.every((result) => result === "in_vain") ? "in_vain" : "waiting";
    },
    leave(leftovers, stoppedUs) {
      if (hasLeft) return;
      hasLeft = true;
      for (const [index, cursor] of link.cursors.entries()) {
        if (cursor === undefined) continue;
        const one = carried[index];
        one?.sequence.leave(cursor);
        // Of a stream that it has never received it has nothing to hand over, and of some nothing can be missing.
        if (cursor.lastUs === 0 || (one !== null && one !== undefined && hasListened(one, stoppedUs)))
          link.cursors[index] = undefined;
      }
      coverage.onLost(link, { cause: "reconnect", isPlanned: true });
      for (const leftover of leftovers) {
        const index = indexes.get(leftover.stream);
        const one = index === undefined ? null : carried[index];
        if (index === undefined || one === null || one === undefined) continue;
        if (leftover.toUs === null) goOn(one, index, leftover);
        else judgeOver(one, leftover);
        if (one.spans.length > 0) pending.add(one);
      }
    },
  };
}

/** When something of a stream was received that had been silent since then, µs; 0 if nothing was. */
function firstSince(cursor: Cursor | undefined, sinceUs: number): number {
  if (cursor === undefined || cursor.lastUs <= sinceUs) return 0;
  return Math.max(cursor.firstUs, sinceUs);
}
