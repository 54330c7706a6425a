/** How delays were distributed over the last minute or two. */
export type DelayHistogram = {
  add(ms: number, atUs: number): void;
  /** The clock of `atUs` was set by so much. */
  shift(byUs: number): void;
  /** The delay that this share of messages did not exceed, ms, within 5 %; null if there were none. */
  quantileMs(share: number): number | null;
};

const growth = Math.log(1.05);
/** Up to some four minutes. */
const buckets = 256;
const spanUs = 60_000_000;

/** Counts by size of the delay, in the running minute and the one before. */
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
      let left = Math.ceil(total * share);
      for (let n = 0; n < buckets; n++) {
        left -= (counts[n] ?? 0) + (countsBefore[n] ?? 0);
        if (left <= 0) return Math.round((Math.exp((n + 0.5) * growth) - 1) * 10) / 10;
      }
      return null;
    },
  };
}
