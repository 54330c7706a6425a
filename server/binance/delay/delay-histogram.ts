/** Distribution of the delays of the last one or two minutes. */
export type DelayHistogram = {
  add(ms: number, atUs: number): void;
  /** The clock of `atUs` was stepped by `byUs`. */
  shift(byUs: number): void;
  /** Returns the delay that `share` of the messages did not exceed, ms, within 5 %; null without messages. */
  quantileMs(share: number): number | null;
};

const growth = Math.log(1.05);
/** Number of buckets: covers delays up to about four minutes. */
const buckets = 256;
const spanUs = 60_000_000;

/** Creates an empty histogram. It counts delays in the current minute and in the previous minute. */
export function createDelayHistogram(): DelayHistogram {
  let counts = new Uint32Array(buckets);
  let countsBefore = new Uint32Array(buckets);
  let startUs = 0;

  return {
    add(ms, atUs) {
      if (atUs - startUs > spanUs) {
        const old = countsBefore;
        countsBefore = counts;
        counts = old.fill(0);
        if (atUs - startUs > 2 * spanUs) countsBefore.fill(0);
        startUs = atUs;
      }
      const bucket = Math.min(buckets - 1, Math.floor(Math.log(Math.max(0, ms) + 1) / growth));
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    },
    shift(byUs) {
      startUs += byUs;
    },
    quantileMs(share) {
      let total = 0;
      for (let n = 0; n < buckets; n++) total += (counts[n] ?? 0) + (countsBefore[n] ?? 0);
      if (total === 0) return null;
      let remaining = Math.ceil(total * share);
      for (let n = 0; n < buckets; n++) {
        remaining -= (counts[n] ?? 0) + (countsBefore[n] ?? 0);
        if (remaining <= 0) return Math.round((Math.exp((n + 0.5) * growth) - 1) * 10) / 10;
      }
      return null;
    },
  };
}
