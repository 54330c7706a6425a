/** Forecasts when a shrinking amount will be used up. */
export type Forecast = {
  /**
   * Adds the current amount and returns the forecast: the rate of decrease (null while unknown) and the seconds until it is used up (null
   * if unknown or far away).
   */
  addSample(nowMs: number, amount: number): Outlook;
};

export type Outlook = { readonly perSecond: number | null; readonly overInS: number | null };

/** One sample a minute for six hours: long enough to average over sealing and compressing, short enough to notice a change. */
const sampleMs = 60_000;
const maxSamples = 360;

/** Fewest samples for any forecast, and for one without a limit: in a quarter of an hour, another program's work looks like a trend. */
const minSamples = 15;
const trustedSamples = 180;

/** Before that, a forecast reaches at most twelve times as far as the samples: a disk that fills within hours is reported at once. */
const reach = 12;

const unknown: Outlook = { perSecond: null, overInS: null };

/** Longest forecast, s. The present rate does not predict beyond it. */
const farthest = 400 * 86_400;

/** Creates a forecast without samples. */
export function createForecast(): Forecast {
  const samples: { readonly atMs: number; readonly value: number }[] = [];
  let outlook = unknown;
  return {
    addSample(nowMs, amount) {
      const last = samples.at(-1);
      if (last !== undefined && nowMs - last.atMs < sampleMs) return outlook;
      samples.push({ atMs: nowMs, value: amount });
      if (samples.length > maxSamples) samples.shift();
      if (samples.length < minSamples) return outlook;
      const perSecond = Math.round(-slopeOf(samples) * 1e6) / 1000;
      const seconds = perSecond > 0 ? Math.round(amount / perSecond) : Number.POSITIVE_INFINITY;
      const isKnown = samples.length >= trustedSamples || seconds <= (reach * samples.length * sampleMs) / 1000;
      outlook = isKnown ? { perSecond, overInS: seconds > farthest ? null : seconds } : unknown;
      return outlook;
    },
  };
}

/** Most points to compare with each other. */
const maxPoints = 72;

/**
 * Computes the slope of a series per ms, by Theil and Sen: the median of the slopes between all pairs of points.
 * Steps and outliers in less than a quarter of the points do not change it. 0 for fewer than two points.
 */
export function slopeOf(series: readonly { readonly atMs: number; readonly value: number }[]): number {
  const every = Math.ceil(series.length / maxPoints);
  const points = series.filter((_, index) => (series.length - 1 - index) % every === 0);
  const slopes: number[] = [];
  for (const [index, a] of points.entries()) {
    for (const b of points.slice(index + 1)) {
      if (b.atMs > a.atMs) slopes.push((b.value - a.value) / (b.atMs - a.atMs));
    }
  }
  slopes.sort((a, b) => a - b);
  const middle = Math.floor(slopes.length / 2);
  if (slopes.length === 0) return 0;
  return slopes.length % 2 === 1 ? (slopes[middle] ?? 0) : ((slopes[middle - 1] ?? 0) + (slopes[middle] ?? 0)) / 2;
}
