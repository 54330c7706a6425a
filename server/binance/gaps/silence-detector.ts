/** Learns how often messages arrive, and returns which silence is no longer normal. */
export type SilenceDetector = {
  /**
   * A message arrived. `beforeUs`: the previous arrival on the same connection. 0 if the interval proves nothing about the exchange,
   * because the connection is new or was silent meanwhile.
   */
  observe(recvUs: number, beforeUs: number): void;
  /** Returns the longest silence of the last minutes, µs; null before enough messages have arrived. */
  longestUs(): number | null;
  /** Returns the silence from which on a connection counts as silent, µs; null before enough messages have arrived. */
  timeoutUs(): number | null;
};

/** How many arrivals over which time are enough to learn from. */
export type Enough = { readonly arrivals: number; readonly spanUs: number };

/** All streams of a connection together hardly ever pause; a single stream takes longer to learn. */
export const enoughOfMany: Enough = { arrivals: 20, spanUs: 3_000_000 };
export const enoughOfOne: Enough = { arrivals: 100, spanUs: 30_000_000 };

/** The longest silence is taken over the current and the previous span of this length, µs. */
const spanUs = 300_000_000;

/** Timeout as a multiple of the longest silence. */
const factor = 4;

/** Bounds of the timeout, µs: bursts after a stall of a second are routine; more than a minute would be too late. */
const leastUs = 2_000_000;
const mostUs = 60_000_000;

/**
 * Creates a detector without observations. If intervals are exponentially distributed, less than one in a billion exceeds
 * four times the longest of a few hundred. Real books come in bursts: they stall for a second and then catch up, hence the lower bound of the timeout.
 */
export function createSilenceDetector(enough: Enough): SilenceDetector {
  let arrivals = 0;
  let firstUs = 0;
  let lastUs = 0;
  let spanStartUs = 0;
  let longest = 0;
  let longestBefore = 0;

  const isKnown = () => arrivals >= enough.arrivals && lastUs - firstUs >= enough.spanUs;
  const mostAtOnce = () => Math.max(leastUs / factor, 2 * Math.max(longest, longestBefore));
  const longestUs = () => (isKnown() ? Math.max(longest, longestBefore) : null);

  return {
    observe(recvUs, beforeUs) {
      arrivals++;
      lastUs = recvUs;
      if (firstUs === 0) {
        firstUs = recvUs;
        spanStartUs = recvUs;
      }
      const interval = beforeUs > 0 ? recvUs - beforeUs : 0;
      // One long silence must not hide the next. A market that falls quiet is learnt step by step.
      if (interval > longest) longest = isKnown() ? Math.min(interval, mostAtOnce()) : interval;
      if (recvUs - spanStartUs > spanUs) {
        longestBefore = longest;
        longest = 0;
        spanStartUs = recvUs;
      }
    },
    longestUs,
    timeoutUs() {
      const silenceUs = longestUs();
      return silenceUs === null ? null : Math.min(mostUs, Math.max(leastUs, factor * silenceUs));
    },
  };
}
