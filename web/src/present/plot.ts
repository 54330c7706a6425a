import { roundTicks, type Ticks, timeTicks } from "./ticks.ts";
import { clock, day, shortClock, zone } from "./time.ts";

/** Times in seconds, rising, and a value for each; null if unknown. */
export type ChartData = { readonly times: readonly number[]; readonly values: readonly (number | null)[] };

/** Where values lie in a drawing: `x` from `from` to `to`, `y` from `low` at the bottom to `high` at the top. */
export type Frame = {
  readonly width: number;
  readonly height: number;
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
};

/** Range of values with round marks: from 0, or from the least. */
export function rangeOf(values: readonly (number | null)[], fromZero: boolean, most: number): Ticks {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { values: [0, 1], decimals: 0 };
  const largest = Math.max(...known);
  const least = fromZero ? Math.min(0, ...known) : Math.min(...known);
  if (largest > least) return roundTicks(least, largest, most);
  const margin = Math.abs(largest) * 1e-4 || 1;
  return roundTicks(fromZero ? least : largest - margin, largest + margin, most);
}

export function xOf({ width, from, to }: Frame, time: number): number {
  return to > from ? ((time - from) / (to - from)) * width : 0;
}

export function yOf({ height, low, high }: Frame, value: number): number {
  return high > low ? height - ((value - low) / (high - low)) * height : height / 2;
}

/** A line through the values, stepped or straight, and the area below it. A null breaks both; a lone value is a short dash. */
export function linePath(
  frame: Frame,
  { times, values }: ChartData,
  isStepped: boolean,
): { readonly line: string; readonly area: string } {
  let line = "";
  let area = "";
  let last: { x: string; y: string } | null = null;
  const close = (x: string) => {
    area += `L${x} ${frame.height}Z`;
  };
  times.forEach((time, n) => {
    const value = values[n] ?? null;
    if (value === null || time < frame.from || time > frame.to) {
      if (last !== null) close(last.x);
      last = null;
      return;
    }
    const point = { x: xOf(frame, time).toFixed(1), y: yOf(frame, value).toFixed(1) };
    if (last === null) {
      line += `M${point.x} ${point.y}h.8`;
      area += `M${point.x} ${frame.height}L${point.x} ${point.y}`;
    } else {
      const step = isStepped ? `L${point.x} ${last.y}L${point.x} ${point.y}` : `L${point.x} ${point.y}`;
      line += step;
      area += step;
    }
    last = point;
  });
  if (last !== null) close((last as { x: string }).x);
  return { line, area };
}

/** Marks of the time axis, with their labels. */
export function timeMarks(from: number, to: number, width: number): { readonly at: number; readonly text: string }[] {
  const offset = zone.value === "utc" ? 0 : -new Date(from * 1000).getTimezoneOffset() * 60;
  const { values, step } = timeTicks(from, to, Math.max(2, Math.floor(width / 90)), offset);
  return values.map((at) => ({ at, text: timeText(at, step) }));
}

function timeText(at: number, step: number): string {
  if (step >= 86_400) return day(at * 1e6);
  return step >= 60 ? shortClock(at * 1e6) : clock(at * 1e6);
}

/** Place of the value nearest to a time; -1 without values. */
export function nearest({ times }: ChartData, time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  const before = times[low - 1];
  return before !== undefined && time - before < (times[low] ?? 0) - time ? low - 1 : low;
}
