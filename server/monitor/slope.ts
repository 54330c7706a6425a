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
