import type { GapCause } from "../../domain/gap.ts";
import type { StreamName } from "../../domain/stream.ts";
import type { Reception } from "../feed/reception.ts";
import { checkRollover, type Rollover, type RolloverTimes } from "../feed/rollover-check.ts";
import type { GapResolver } from "../gaps/gap-resolver.ts";
import type { Cursor, Followed, Trail } from "../gaps/sequence-types.ts";
import { createSilenceDetector, enoughOfMany } from "../gaps/silence-detector.ts";
import { forgetIds, regain, type StreamState, underWayUs } from "../gaps/stream-state.ts";
import { covers, createLiveConnection, type LiveConnection } from "./live-connection.ts";

/** How far the parent process was with each stream when it began to report its messages. */
export type InheritedFeed = ReadonlyMap<StreamName, Trail & { readonly lastUs: number }>;

/** A gap that the parent process leaves. `toUs` is null if the gap is still open. */
export type Leftover = {
  readonly stream: StreamName;
  readonly fromUs: number;
  readonly toUs: number | null;
  readonly cause: GapCause;
  /** Only the stream's next record ends the gap, because its connection delivers other streams. */
  readonly alone: boolean;
  /** The id before the gap is known, so the next id can prove that no record was missed. */
  readonly provable: boolean;
};

/**
 * The parent process as a connection of a stream group, until this process takes over (upgrade).
 *
 * 1. `inherited` says how far the parent is with each stream. The sequences continue from there.
 * 2. `follow` reports the ids of each message after the parent has recorded it. The group treats the parent like any connection.
 * 3. `checkRollover` says whether the group's own connections deliver all streams of the parent, as in any rollover.
 * 4. `leave` ends it: the parent receives no more. Its open gaps continue here; its closed gaps are checked against the reception here.
 */
export type ParentConnection = {
  /** Returns the connection; empty after `leave`. */
  liveConnections(): readonly LiveConnection[];
  /** The parent has recorded a message. Ignored for streams that are not in this group or that the parent did not record. */
  follow(name: StreamName, message: Followed): void;
  /** Checks whether the group's own connections deliver all streams of the parent. */
  checkRollover(nowUs: number): Rollover;
  /** The parent has received no data since `stoppedUs`, and all its messages were reported. Its gaps are decided here. */
  leave(leftovers: readonly Leftover[], stoppedUs: number): void;
};

type ParentConnectionDeps = {
  readonly states: readonly (StreamState | null)[];
  readonly reception: Reception;
  readonly pending: Pick<GapResolver, "add">;
  readonly ownConnections: () => readonly LiveConnection[];
  readonly rolloverTimes: RolloverTimes;
  readonly nowUs: () => number;
};

/** Creates the connection. The sequences of `states` continue from where the parent is. */
export function createParentConnection(inherited: InheritedFeed, deps: ParentConnectionDeps): ParentConnection {
  const { states, reception, pending } = deps;
  const live = createLiveConnection({
    address: "",
    connection: { host: "", subscribe() {}, unsubscribe() {}, confirm: () => [], close() {} },
    silenceDetector: createSilenceDetector(enoughOfMany),
    replace() {},
  });
  const indexes = new Map<StreamName, number>();
  let hasLeft = false;

  const beganUs = deps.nowUs();
  Object.assign(live, { openedUs: beganUs, firstDataUs: beganUs, flowingUs: beganUs });
  for (const [index, state] of states.entries()) {
    const trail = state === null || state.isReference ? undefined : inherited.get(state.stream.name);
    if (state === null || trail === undefined) continue;
    live.cursors[index] = state.sequence.inherit(trail, trail.lastUs);
    live.active.set(state.stream.name, beganUs);
    live.lastDataUs = Math.max(live.lastDataUs, trail.lastUs);
    indexes.set(state.stream.name, index);
    state.lastRecvUs = trail.lastUs;
    state.coveredUs = beganUs;
  }
  reception.lastDataUs = live.lastDataUs;

  /** Returns this process's connections that deliver the stream. */
  function covering(state: StreamState): readonly LiveConnection[] {
    return deps.ownConnections().filter((ours) => covers(ours, state.stream.name));
  }

  /** True if a connection here has listened long enough before `untilUs`: earlier messages had reached the parent by then. */
  function hasListened(state: StreamState, untilUs: number): boolean {
    return covering(state).some(({ active }) => Number(active.get(state.stream.name)) < untilUs - underWayUs);
  }

  /** Continues an open gap of the parent. It ends with the first data received here. */
  function continueGap(state: StreamState, index: number, { fromUs, cause, alone, provable }: Leftover): void {
    state.gap = { fromUs, cause, alone, provable };
    const leastUs = hasListened(state, fromUs) ? 0 : fromUs + 1;
    const times = covering(state).map((ours) => (alone ? firstSince(ours.cursors[index], fromUs) : ours.flowingUs));
    const sinceUs = Math.min(...times.filter((us) => us > 0).map((us) => Math.max(us, leastUs)));
    if (Number.isFinite(sinceUs)) regain(state, sinceUs);
  }

  /** Keeps a closed gap of the parent only if this process did not receive the stream at that time. */
  function addClosedGap(state: StreamState, { fromUs, toUs, cause, alone, provable }: Leftover): void {
    const isContiguous = state.sequence.missingIds !== null;
    if (isContiguous ? cause !== "missing" : !hasListened(state, fromUs))
      state.spans.push({ fromUs, toUs: toUs ?? fromUs, cause, alone, provable });
  }

  return {
    liveConnections: () => (hasLeft ? [] : [live]),
    follow(name, message) {
      const { recvUs, isEpoch } = message;
      const index = indexes.get(name);
      const state = index === undefined ? null : states[index];
      const cursor = index === undefined ? undefined : live.cursors[index];
      if (hasLeft || state === null || state === undefined || cursor === undefined) return;
      live.lastDataUs = Math.max(live.lastDataUs, recvUs);
      reception.lastDataUs = Math.max(reception.lastDataUs, recvUs);
      state.sequence.follow(cursor, message);
      if (isEpoch) forgetIds(state);
      state.lastRecvUs = Math.max(state.lastRecvUs, recvUs);
      if ((state.sequence.missingIds?.waiting() ?? 0) > 0) pending.add(state);
    },
    checkRollover(nowUs) {
      const wanted = states.map((state, index) => (live.cursors[index] === undefined ? null : state));
      const results = deps.ownConnections().map((ours) => checkRollover(live, ours, wanted, nowUs, deps.rolloverTimes));
      if (hasLeft || indexes.size === 0 || results.includes("done")) return "done";
      return results.length > 0 && results.every((result) => result === "in_vain") ? "in_vain" : "waiting";
    },
    leave(leftovers, stoppedUs) {
      if (hasLeft) return;
      hasLeft = true;
      for (const [index, cursor] of live.cursors.entries()) {
        if (cursor === undefined) continue;
        const state = states[index];
        state?.sequence.leave(cursor);
        // Skip streams that the parent never received, and streams that a connection here has covered long enough.
        if (cursor.lastUs === 0 || (state !== null && state !== undefined && hasListened(state, stoppedUs)))
          live.cursors[index] = undefined;
      }
      reception.onLost(live, { cause: "reconnect", isPlanned: true });
      for (const leftover of leftovers) {
        const index = indexes.get(leftover.stream);
        const state = index === undefined ? null : states[index];
        if (index === undefined || state === null || state === undefined) continue;
        if (leftover.toUs === null) continueGap(state, index, leftover);
        else addClosedGap(state, leftover);
        if (state.spans.length > 0) pending.add(state);
      }
    },
  };
}

/** Returns when a stream was received again after `sinceUs`, µs; 0 if it was not. */
function firstSince(cursor: Cursor | undefined, sinceUs: number): number {
  if (cursor === undefined || cursor.lastUs <= sinceUs) return 0;
  return Math.max(cursor.firstUs, sinceUs);
}
