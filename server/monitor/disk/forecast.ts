/** Foretells when something that can only become less will be used up. */
export type Forecast = {
  /** Takes what is left now. Returns the pace at which it becomes less, and when there is none left, s; null: not known, not soon. */
  note(nowMs: number, left: number): Outlook;
};

export type Outlook = { readonly perSecond: number | null; readonly overInS: number | null };

/** One sample a minute for six hours: long enough to see through sealing and compressing, short enough to see a change. */
const sampleMs = 60_000;
const mostSamples = 360;
const fewestSamples = 15;

/** Nobody looks that far, and nothing known today holds until then, s. */
const farthest = 400 * 86_400;

/** Nothing was noted yet. */
export function createForecast(): Forecast {
  const samples: { readonly atMs: number; readonly value: number }[] = [];
  let outlook: Outlook = { perSecond: null, overInS: null };
  return {
    note(nowMs, left) {
      const last = samples.at(-1);
      if (last !== undefined && nowMs - last.atMs < sampleMs) return outlook;
      samples.push({ atMs: nowMs, value: left });
      if (samples.length > mostSamples) samples.shift();
      if (samples.length < fewestSamples) return outlook;
      const perSecond = Math.round(-slopeOf(samples) * 1e6) / 1000;
      const seconds = perSecond > 0 ? Math.round(left / perSecond) : Number.POSITIVE_INFINITY;
      outlook = { perSecond, overInS: seconds > farthest ? null : seconds };
      return outlook;
    },
  };
}

/** Most points that are compared with each other. */
const mostPoints = 72;

/**
 * The slope of a series, per ms, by Theil and Sen: the median of the slopes between all pairs of points, which steps and outliers
 * in less than a quarter of the points do not move. 0 for less than two points.
 */
export function slopeOf(series: readonly { readonly atMs: number; readonly value: number }[]): number {
  const every = Math.ceil(series.length / mostPoints);
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
