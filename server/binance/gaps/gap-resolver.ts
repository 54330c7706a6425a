import type { FeedGap } from "./feed-events.ts";
import { judge, type StreamState } from "./stream-state.ts";

/** Streams of a group with gaps or holes that want judging. */
export type GapResolver = {
  add(one: StreamState): void;
  /** Hands over what can be judged now; `connections` is how many there are at the moment. */
  judge(nowUs: number, connections: number): void;
};

/** How long a swapped neighbour, and how long another connection, may take to fill a hole, µs. */
const neighbourUs = 1_000_000;
const lagUs = 5_000_000;

/** Nothing is pending at first. */
export function createGapResolver(onGaps: (gaps: readonly FeedGap[]) => void): GapResolver {
  const pending = new Set<StreamState>();
  /** When there last was more than one connection, µs. */
  let severalUs = 0;

  return {
    add: (one) => void pending.add(one),
    judge(nowUs, connections) {
      if (connections > 1) severalUs = nowUs;
      if (pending.size === 0) return;
      const beforeUs = nowUs - (nowUs - severalUs < 2 * lagUs ? lagUs : neighbourUs);
      const gaps: FeedGap[] = [];
      for (const one of pending) {
        gaps.push(...judge(one, beforeUs, connections));
        if (one.spans.length === 0 && (one.sequence.holes?.waiting() ?? 0) === 0) pending.delete(one);
      }
      if (gaps.length > 0) onGaps(gaps);
    },
  };
}
