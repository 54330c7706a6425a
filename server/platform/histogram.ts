/** How values were distributed since the start. */
export type Histogram = {
  observe(value: number): void;
  read(): HistogramView;
};

/** `counts[n]` values were at most `bounds[n]`, bigger ones are in `count` alone; counts and sum never fall. */
export type HistogramView = {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
};

/** A histogram with these upper bounds, rising; an observation costs a few comparisons. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const own = new Float64Array(bounds.length);
  let count = 0;
  let sum = 0;
  return {
    observe(value) {
      count++;
      sum += value;
      for (let n = 0; n < own.length; n++) {
        if (value > (bounds[n] ?? 0)) continue;
        own[n] = (own[n] ?? 0) + 1;
        return;
      }
    },
    read() {
      let below = 0;
      const counts = bounds.map((_, n) => {
        below += own[n] ?? 0;
        return below;
      });
      return { bounds, counts, count, sum };
    },
  };
}
