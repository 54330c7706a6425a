import type { GapCause } from "../../domain/gap.ts";
import type { GapResolver } from "../gaps/gap-resolver.ts";
import { hasReachedFirst, lagsBehind, lose, part, regain, type StreamState } from "../gaps/stream-state.ts";
import { addSpan } from "../gaps/uncovered.ts";
import { covers, type LiveConnection } from "../sockets/live-connection.ts";
import type { SuspendDetector } from "../sockets/suspend-detector.ts";

/** Tracks which streams of a group at least one connection receives, and opens and closes their gaps. */
export type Reception = {
  /** When the group last received anything, µs. */
  lastDataUs: number;
  /** A connection delivers again, or for the first time: all streams that are active on it are received. */
  onFlow(live: LiveConnection, recvUs: number): void;
  /** The exchange delivers these streams on the connection from `atUs` on. */
  onActive(live: LiveConnection, names: readonly string[], atUs: number): void;
  /** The connection delivers no more. Streams that no other connection delivers have a gap from now on. */
  onLost(live: LiveConnection, why: { readonly cause: GapCause; readonly isPlanned: boolean }): void;
  /** An attempt to connect has failed: the cause of open gaps becomes `exchange_down`. */
  onConnectFailed(): void;
};

/** How many lost connections are remembered. */
const mostEnded = 8;

/** Creates the reception. It updates `states`, and adds streams whose gaps can be resolved to `pending`. */
export function createReception(deps: {
  states: readonly (StreamState | null)[];
  pending: Pick<GapResolver, "add">;
  liveConnections: () => readonly LiveConnection[];
  suspendDetector: Pick<SuspendDetector, "explains" | "stoodStill">;
  nowUs: () => number;
}): Reception {
  const { states, pending } = deps;
  /** The connections that were lost last. */
  const ended: Pick<LiveConnection, "active" | "lastDataUs">[] = [];

  /** Ends the gap of a stream because its connection delivers other streams, although no record of this stream has come yet. */
  function regainBeside(state: StreamState, atUs: number): void {
    if (state.gap?.alone) return;
    if (state.gap !== null || state.coveredUs === 0) regain(state, atUs);
    if (state.spans.length > 0) pending.add(state);
  }

  /**
   * Adds the times before `untilUs` in which no connection listened, although only now all are known to be lost: this connection had been
   * silent since its last data, and others began and ended in between.
   */
  function addUnheard(state: StreamState, live: LiveConnection, cause: GapCause, untilUs: number): void {
    const { name } = state.stream;
    if (state.gap !== null || live.lastDataUs < state.coveredUs || live.lastDataUs === 0) return;
    const heard = [...deps.liveConnections(), ...ended]
      .filter((other) => other !== live && other.lastDataUs > 0 && other.active.has(name))
      .map(({ active, lastDataUs }) => ({ sinceUs: active.get(name) ?? 0, lastDataUs }));
    let atUs = live.lastDataUs;
    for (const { sinceUs, lastDataUs } of heard.toSorted((a, b) => a.sinceUs - b.sinceUs)) {
      if (sinceUs > atUs && sinceUs <= untilUs) addSpan(state, { fromUs: atUs, toUs: sinceUs }, causeOf(cause, atUs));
      atUs = Math.max(atUs, lastDataUs);
    }
    if (state.spans.length > 0) pending.add(state);
  }

  function causeOf(cause: GapCause, fromUs: number): GapCause {
    return deps.suspendDetector.explains(fromUs) ? "host_asleep" : cause;
  }

  const reception: Reception = {
    lastDataUs: 0,
    onFlow(live, recvUs) {
      live.isSilent = false;
      live.flowingUs = recvUs;
      if (live.firstDataUs === 0) live.firstDataUs = recvUs;
      for (const state of states) if (state !== null && live.active.has(state.stream.name)) regainBeside(state, recvUs);
    },
    onActive(live, names, atUs) {
      for (const name of names) live.active.set(name, atUs);
      if (live.firstDataUs === 0 || names.length === 0) return;
      const active = new Set(names);
      for (const state of states) if (state !== null && active.has(state.stream.name)) regainBeside(state, atUs);
    },
    onLost(live, why) {
      const others = deps.liveConnections().filter((other) => other !== live);
      const { lastDataUs } = reception;
      const lostStreams = states.flatMap((state, index) => {
        if (state === null || state.isReference || !live.active.has(state.stream.name)) return [];
        const { name } = state.stream;
        const covering = others
          .filter((other) => covers(other, name))
          .map(({ cursors, active }) => ({ cursor: cursors[index], sinceUs: active.get(name) ?? 0 }));
        return [{ state, old: live.cursors[index], covering }];
      });
      const isLagging = lostStreams.some(({ old, covering }) => lagsBehind(old, covering));
      const { stoodStill } = deps.suspendDetector;
      const hasReached = lostStreams.some(({ old, covering }) =>
        covering.some(({ cursor }) => hasReachedFirst(old, cursor)),
      );
      const parted = { ...why, isLagging, hasReached, stoodStill, lastDataUs: live.lastDataUs, nowUs: deps.nowUs() };
      for (const { state, old, covering } of lostStreams) {
        if (covering.length === 0) {
          addUnheard(state, live, why.cause, lastDataUs);
          lose(state, lastDataUs, causeOf(why.cause, lastDataUs));
        } else if (part(state, old, covering, parted)) pending.add(state);
      }
      ended.push({ active: live.active, lastDataUs: live.lastDataUs });
      if (ended.length > mostEnded) ended.shift();
    },
    onConnectFailed() {
      for (const state of states) {
        const gap = state?.gap ?? null;
        if (gap !== null && !gap.alone && !isOfEarlierRun(gap.cause)) gap.cause = causeOf("exchange_down", gap.fromUs);
      }
    },
  };
  return reception;
}

function isOfEarlierRun(cause: GapCause): boolean {
  return cause === "restart" || cause === "crash" || cause === "not_configured";
}
