import { computed } from "@preact/signals";
import { hour } from "./hour.ts";

/** Fewer minutes than this say nothing about the pace, and later than this is no news, s. */
const leastMinutes = 10;
const farSeconds = 400 * 86_400;

/** Seconds until the disk is full at the pace of the last hour, or null where it is not filling up or nobody can tell. */
export const forecastSeconds = computed(() => {
  const view = hour.value;
  return view === null ? null : secondsUntilEmpty(view.values.disk_free_bytes, view.step_s);
});

/** The straight line through the known values (least squares), followed to zero. */
export function secondsUntilEmpty(free: readonly (number | null)[], stepS: number): number | null {
  const points = free.flatMap((value, n) => (value === null ? [] : [[n * stepS, value] as const]));
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || last[0] - first[0] < leastMinutes * 60) return null;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const slope = over / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (slope >= 0) return null;
  const seconds = last[1] / -slope;
  return seconds > farSeconds ? null : seconds;
}
