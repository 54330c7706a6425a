import { streamKinds } from "../../domain/stream-kinds.ts";
import type { StreamState } from "../gaps/stream-state.ts";
import type { LiveConnection } from "./live-connection.ts";

/** Timeout before the silence detector knows the usual intervals, µs. */
const unknownUs = 10_000_000;

/** Shortest timeout of a connection without data: the exchange has to set up the subscription first, µs. */
const freshUs = 3_000_000;

/** Timeout for the first message of a book, µs. Thin books are silent for 15 to 19 s at times. */
const firstUs = 30_000_000;

/** Streams with a longer timeout are quiet streams, µs: their silence is normal while other streams deliver. */
const quietUs = 15_000_000;

/** Factor on the timeout of trade streams: trades come in bursts. */
const tradeFactor = 5;

/** True if an open connection has delivered no data for longer than its timeout. Pings do not count. */
export function isConnectionSilent(live: LiveConnection, staleUs: number | null, nowUs: number): boolean {
  if (live.isSilent) return false;
  const usualUs = staleUs ?? live.silenceDetector.timeoutUs() ?? unknownUs;
  const timeoutUs = live.firstDataUs === 0 ? Math.max(usualUs, freshUs) : usualUs;
  return nowUs - Math.max(live.openedUs, live.lastDataUs) > timeoutUs;
}

/**
 * Returns open connections that have become silent, in the order in which they did: until the next one is lost, it shows since when it has
 * covered the streams of the one before.
 */
export function silentConnections(
  connections: readonly LiveConnection[],
  staleUs: number | null,
  nowUs: number,
): readonly LiveConnection[] {
  return connections
    .filter((live) => isConnectionSilent(live, staleUs, nowUs))
    .sort((a, b) => a.lastDataUs - b.lastDataUs);
}

/**
 * Returns streams that are silent while their connection delivers other streams.
 *
 * | stream                         | silent after                                                          |
 * |--------------------------------|-----------------------------------------------------------------------|
 * | in a gap of all its streams    | never: the gap has another cause                                      |
 * | no message yet, steady (books) | `firstUs`                                                             |
 * | no message yet, others         | never                                                                 |
 * | timeout above `quietUs`        | never                                                                 |
 * | others                         | `staleUs`, else the detector's timeout, times `tradeFactor` if trades |
 */
export function silentStreams(
  states: readonly (StreamState | null)[],
  staleUs: number | null,
  nowUs: number,
): readonly StreamState[] {
  return states.filter((state): state is StreamState => {
    if (state === null || state.isReference || state.coveredUs === 0) return false;
    if (state.gap !== null && !state.gap.alone) return false;
    const { isSteady } = streamKinds[state.stream.type.kind];
    const silentUs = nowUs - Math.max(state.lastRecvUs, state.coveredUs);
    if (state.lastRecvUs === 0) return isSteady && silentUs > firstUs;
    const learntUs = state.silenceDetector.timeoutUs();
    if (learntUs === null) return false;
    const timeoutUs = staleUs ?? (isSteady ? learntUs : learntUs * tradeFactor);
    return timeoutUs <= quietUs && silentUs > timeoutUs;
  });
}
