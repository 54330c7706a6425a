/** Distribution of observed values since the start. */
export type Histogram = {
  observe(value: number): void;
  read(): HistogramView;
};

/** `counts[n]` values were at most `bounds[n]`. Larger values appear only in `count`. Counts and sum never decrease. */
export type HistogramView = {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
};

/** Creates a histogram with ascending upper bounds. An observation costs a few comparisons. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const buckets = new Float64Array(bounds.length);
  let count = 0;
  let sum = 0;
  return {
    observe(value) {
      count++;
      sum += value;
      for (let n = 0; n < buckets.length; n++) {
        if (value > (bounds[n] ?? 0)) continue;
        buckets[n] = (buckets[n] ?? 0) + 1;
        return;
      }
    },
    read() {
      let below = 0;
      const counts = bounds.map((_, n) => {
        below += buckets[n] ?? 0;
        return below;
      });
      return { bounds, counts, count, sum };
    },
  };
}
