import { usualLagUs } from "../../domain/ids/id-order.ts";
import type { FeedGap } from "./feed-events.ts";
import { judge, type StreamState } from "./stream-state.ts";

/** Streams of a group whose gaps or missing ids are not resolved yet. */
export type GapResolver = {
  add(state: StreamState): void;
  /** Reports all gaps that can be decided now. `connections`: how many connections are open. */
  resolve(nowUs: number, connections: number): void;
};

/** Wait for swapped neighbours on a single connection, µs. With several connections their lag decides. */
const neighbourUs = 1_000_000;

/** Creates an empty resolver. */
export function createGapResolver(onGaps: (gaps: readonly FeedGap[]) => void): GapResolver {
  const pending = new Set<StreamState>();
  /** When there was last more than one connection, µs. */
  let severalUs = 0;

  return {
    add: (state) => void pending.add(state),
    resolve(nowUs, connections) {
      if (connections > 1) severalUs = nowUs;
      if (pending.size === 0) return;
      const beforeUs = nowUs - (nowUs - severalUs < 2 * usualLagUs ? usualLagUs : neighbourUs);
      const gaps: FeedGap[] = [];
      for (const state of pending) {
        gaps.push(...judge(state, beforeUs, connections));
        if (state.spans.length === 0 && (state.sequence.missingIds?.waiting() ?? 0) === 0) pending.delete(state);
      }
      if (gaps.length > 0) onGaps(gaps);
    },
  };
}
