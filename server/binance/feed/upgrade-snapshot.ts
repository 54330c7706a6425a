import type { Cursor, Trail } from "../gaps/sequence-types.ts";
import type { StreamState } from "../gaps/stream-state.ts";
import type { Leftover } from "../sockets/parent-connection.ts";

/** Returns how far a stream is, for the child process of an upgrade. */
export function trailOf({ sequence, lastRecvUs }: StreamState): Trail & { readonly lastUs: number } {
  return { ...sequence.trail(), lastUs: lastRecvUs };
}

/** Returns the gaps of a stream that have not been reported yet; `toUs` is null for an open gap. */
export function leftoversOf({ stream, spans, gap }: StreamState): readonly Leftover[] {
  const over = spans.map((span) => ({ stream: stream.name, ...span }));
  if (gap === null) return over;
  return [...over, { stream: stream.name, ...gap, toUs: null }];
}

/**
 * Returns the span in which records may be missing if all connections stop now; null if all are proven to be received.
 *
 * 1. Connection A was cut. Connection B began later, so messages between A's end and B's start are on neither.
 * 2. Connection C lags behind and has not reached B's start yet. It would have delivered those messages.
 * 3. If C stops now, it is not proven that they were received. This also holds if B is gone by now (`sequence.gone()`).
 *
 * `open`: the cursors of open connections.
 */
export function unsettledOf({ stream, sequence }: StreamState, open: readonly Cursor[]): Leftover | null {
  const goneAhead = sequence
    .gone()
    .filter((left) => open.some((cursor) => cursor.epoch === left.epoch && cursor.recent < left.first));
  const cursors = [...open, ...goneAhead];
  const [lowest, ...others] = cursors.filter(({ firstUs }) => firstUs > 0).toSorted((a, b) => a.first - b.first);
  if (lowest === undefined || cursors.some(({ epoch }) => epoch !== lowest.epoch)) return null;
  let reached = lowest;
  for (const next of others) {
    if (next.first > reached.recent) {
      const [fromUs, toUs] = [Math.min(reached.lastUs, next.firstUs), Math.max(reached.lastUs, next.firstUs)];
      return {
        stream: stream.name,
        fromUs,
        toUs,
        cause: "reconnect",
        alone: false,
        provable: sequence.missingIds !== null,
      };
    }
    if (next.recent > reached.recent) reached = next;
  }
  return null;
}
