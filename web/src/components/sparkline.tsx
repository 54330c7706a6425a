import { useComputed } from "@preact/signals";
import { history, historyLength, type Series } from "../state.ts";

const width = 120;
const height = 28;

/** The last two minutes of a figure, from zero to its own highest value. Says nothing to a screen reader: the figure does. */
export function Sparkline({ series }: { series: Series }) {
  const line = useComputed(() => path(history(series).value));
  const area = useComputed(() => (line.value === "" ? "" : `${line.value}V${height}H${start(history(series).value)}Z`));
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="area" d={area} />
      <path class="line" d={line} />
    </svg>
  );
}

function path(values: readonly number[]): string {
  if (values.length < 2) return "";
  const top = Math.max(...values) * 1.1 || 1;
  const x = start(values);
  return values
    .map((value, i) => `${i === 0 ? "M" : "L"}${x + i} ${(height - (value / top) * (height - 2)).toFixed(1)}`)
    .join("");
}

function start(values: readonly number[]): number {
  return width - (width / historyLength) * values.length;
}
