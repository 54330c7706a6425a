import type { Cursor, Trail } from "../gaps/sequence-types.ts";
import type { StreamState } from "../gaps/stream-state.ts";
import type { Leftover } from "../sockets/parent-connection.ts";

/** How far a stream is. */
export function trailOf({ sequence, lastRecvUs }: StreamState): Trail & { readonly lastUs: number } {
  return { ...sequence.trail(), lastUs: lastRecvUs };
}

/** Gaps of a stream that nobody has been told of yet. */
export function leftoversOf({ stream, spans, gap }: StreamState): readonly Leftover[] {
  const over = spans.map((span) => ({ stream: stream.name, ...span }));
  if (gap === null) return over;
  return [...over, { stream: stream.name, ...gap, toUs: null }];
}

/**
 * What may be missing of a stream if all that bring it stop now: one connection began after another had been cut, and the others lag
 * behind and have not come so far yet, be it that the first one is gone by now as well. `standing` are of connections that stand; null where
 * nothing can be.
 */
export function unsettledOf({ stream, sequence }: StreamState, standing: readonly Cursor[]): Leftover | null {
  const ahead = sequence
    .gone()
    .filter((one) => standing.some((two) => two.epoch === one.epoch && two.recent < one.first));
  const cursors = [...standing, ...ahead];
  const [lowest, ...others] = cursors.filter(({ firstUs }) => firstUs > 0).toSorted((a, b) => a.first - b.first);
  if (lowest === undefined || cursors.some(({ epoch }) => epoch !== lowest.epoch)) return null;
  let reached = lowest;
  for (const next of others) {
    if (next.first > reached.recent) {
      const [fromUs, toUs] = [Math.min(reached.lastUs, next.firstUs), Math.max(reached.lastUs, next.firstUs)];
      return { stream: stream.name, fromUs, toUs, cause: "reconnect", alone: false, provable: sequence.holes !== null };
    }
    if (next.recent > reached.recent) reached = next;
  }
  return null;
}
