/** How often something arrives, learnt from when it did: what silence is normal and what is not. */
export type SilenceDetector = {
  /**
   * It arrived. `beforeUs` is when it last did on the same connection; 0 where the time since then tells nothing of the exchange:
   * the connection is new, or was given up meanwhile.
   */
  beat(recvUs: number, beforeUs: number): void;
  /** The longest silence of the last minutes, µs; null before enough has arrived to tell. */
  longestUs(): number | null;
  /** From this silence on something is wrong, µs; null before enough has arrived to tell. */
  timeoutUs(): number | null;
};

/** So many arrivals over so long are enough to tell. */
export type Enough = { readonly beats: number; readonly spanUs: number };

/** All streams of a connection together hardly ever pause; a single one first has to show how it does. */
export const enoughOfMany: Enough = { beats: 20, spanUs: 3_000_000 };
export const enoughOfOne: Enough = { beats: 100, spanUs: 30_000_000 };

/** The longest silence is that of this span and the one before it, µs. */
const spanUs = 300_000_000;

/** So many times the longest silence is no chance any more. */
const factor = 4;

/** Bounds of the time-out: a burst after a second's stall is routine; beyond a minute nothing else would notice either. */
const leastUs = 2_000_000;
const mostUs = 60_000_000;

/**
 * A rhythm that nothing is known of yet. Exponentially distributed intervals exceed four times the longest of a few hundred less than once
 * in a billion; real books come in bursts, and stall for a second and then catch up, hence the least time-out.
 */
export function createSilenceDetector(enough: Enough): SilenceDetector {
  let beats = 0;
  let firstUs = 0;
  let lastUs = 0;
  let spanStartUs = 0;
  let longest = 0;
  let longestBefore = 0;

  const isKnown = () => beats >= enough.beats && lastUs - firstUs >= enough.spanUs;
  const mostAtOnce = () => Math.max(leastUs / factor, 2 * Math.max(longest, longestBefore));
  const longestUs = () => (isKnown() ? Math.max(longest, longestBefore) : null);

  return {
    beat(recvUs, beforeUs) {
      beats++;
      lastUs = recvUs;
      if (firstUs === 0) {
        firstUs = recvUs;
        spanStartUs = recvUs;
      }
      const interval = beforeUs > 0 ? recvUs - beforeUs : 0;
      // One long silence must not make the next one pass unnoticed; a market that falls quiet is learnt step by step.
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
