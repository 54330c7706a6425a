import { streamKinds } from "../../domain/stream-kinds.ts";
import type { StreamState } from "../gaps/stream-state.ts";
import type { LiveConnection } from "./live-connection.ts";

/** Before anything is known of the rhythm, µs. */
const unknownUs = 10_000_000;

/** A fresh connection has to be subscribed on the other side first, µs. */
const freshUs = 3_000_000;

/** A book that nothing has been seen of yet; thin ones are silent for 15 to 19 s now and then. */
const firstUs = 30_000_000;

/** Streams that may pause longer than this are quiet; their silence says nothing while others flow, µs. */
const quietUs = 15_000_000;

/** Trades come in bursts: their silence has to be so many times longer than that of a book. */
const tradeFactor = 5;

/** True if the connection is open and has delivered nothing for longer than is normal, whatever its pings say. */
export function isConnectionSilent(link: LiveConnection, staleUs: number | null, nowUs: number): boolean {
  if (link.isSilent) return false;
  const usualUs = staleUs ?? link.rhythm.timeoutUs() ?? unknownUs;
  const timeoutUs = link.firstDataUs === 0 ? Math.max(usualUs, freshUs) : usualUs;
  return nowUs - Math.max(link.openedUs, link.lastDataUs) > timeoutUs;
}

/**
 * Streams that are silent by their own measure while their connection delivers others: busy ones that have paused too long, and those
 * that should have shown a first message by now.
 */
export function silentStreams(
  carried: readonly (StreamState | null)[],
  staleUs: number | null,
  nowUs: number,
): readonly StreamState[] {
  return carried.filter((one): one is StreamState => {
    if (one === null || one.isReference || one.coveredUs === 0) return false;
    if (one.gap !== null && !one.gap.alone) return false;
    const { isSteady } = streamKinds[one.stream.type.kind];
    const silentUs = nowUs - Math.max(one.lastRecvUs, one.coveredUs);
    if (one.lastRecvUs === 0) return isSteady && silentUs > firstUs;
    const rhythmUs = one.rhythm.timeoutUs();
    if (rhythmUs === null) return false;
    const timeoutUs = staleUs ?? (isSteady ? rhythmUs : rhythmUs * tradeFactor);
    return timeoutUs <= quietUs && silentUs > timeoutUs;
  });
}
