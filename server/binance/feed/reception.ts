import type { GapCause } from "../../domain/gap.ts";
import type { GapResolver } from "../gaps/gap-resolver.ts";
import { lagsBehind, lose, part, regain, type StreamState } from "../gaps/stream-state.ts";
import { covers, type LiveConnection } from "../sockets/live-connection.ts";
import type { SuspendDetector } from "../sockets/suspend-detector.ts";

/** Which streams of a group are received at this moment, by at least one of its connections. */
export type Reception = {
  /** When the group last received anything, µs. */
  lastDataUs: number;
  /** Data flows on a connection on which none did: all that was asked for on it is received again. */
  onFlow(link: LiveConnection, recvUs: number): void;
  /** The exchange delivers these streams on the connection from now on. */
  onActive(link: LiveConnection, names: readonly string[], atUs: number): void;
  /** The connection delivers no more: what no other one delivers has a gap from now on. */
  onLost(link: LiveConnection, why: { readonly cause: GapCause; readonly isPlanned: boolean }): void;
  /** An attempt to connect was in vain. */
  onVain(): void;
};

/** Keeps `carried` up to date; streams whose gaps want judging are put into `pending`. */
export function createReception(deps: {
  carried: readonly (StreamState | null)[];
  pending: Pick<GapResolver, "add">;
  liveLinks: () => readonly LiveConnection[];
  sleep: Pick<SuspendDetector, "explains" | "stoodStill">;
  nowUs: () => number;
}): Reception {
  const { carried, pending } = deps;

  /** The connection delivers, although nothing of this stream has come yet. */
  function regainBeside(one: StreamState, atUs: number): void {
    if (one.gap?.alone) return;
    if (one.gap !== null || one.coveredUs === 0) regain(one, atUs);
    if (one.spans.length > 0) pending.add(one);
  }

  function causeOf(cause: GapCause, fromUs: number): GapCause {
    return deps.sleep.explains(fromUs) ? "host_asleep" : cause;
  }

  const coverage: Reception = {
    lastDataUs: 0,
    onFlow(link, recvUs) {
      link.isSilent = false;
      link.flowingUs = recvUs;
      if (link.firstDataUs === 0) link.firstDataUs = recvUs;
      for (const one of carried) if (one !== null && link.active.has(one.stream.name)) regainBeside(one, recvUs);
    },
    onActive(link, names, atUs) {
      for (const name of names) link.active.set(name, atUs);
      if (link.firstDataUs === 0 || names.length === 0) return;
      const active = new Set(names);
      for (const one of carried) if (one !== null && active.has(one.stream.name)) regainBeside(one, atUs);
    },
    onLost(link, why) {
      const others = deps.liveLinks().filter((other) => other !== link);
      const { lastDataUs } = coverage;
      const lost = carried.flatMap((one, index) => {
        if (one === null || one.isReference || !link.active.has(one.stream.name)) return [];
        const { name } = one.stream;
        const covering = others
          .filter((other) => covers(other, name))
          .map(({ cursors, active }) => ({ cursor: cursors[index], sinceUs: active.get(name) ?? 0 }));
        return [{ one, old: link.cursors[index], covering }];
      });
      const isLagging = lost.some(({ old, covering }) => lagsBehind(old, covering));
      const { stoodStill } = deps.sleep;
      const parted = { ...why, isLagging, stoodStill, lastDataUs: link.lastDataUs, nowUs: deps.nowUs() };
      for (const { one, old, covering } of lost) {
        if (covering.length === 0) lose(one, lastDataUs, causeOf(why.cause, lastDataUs));
        else if (part(one, old, covering, parted)) pending.add(one);
      }
    },
    onVain() {
      for (const one of carried) {
        const gap = one?.gap ?? null;
        if (gap !== null && !gap.alone && !isOfEarlierRun(gap.cause)) gap.cause = causeOf("exchange_down", gap.fromUs);
      }
    },
  };
  return coverage;
}

function isOfEarlierRun(cause: GapCause): boolean {
  return cause === "restart" || cause === "crash" || cause === "not_configured";
}
