import { useComputed } from "@preact/signals";
import type { SeriesName } from "../../../../server/domain/queries.ts";
import { hour } from "../../present/hour.ts";

const width = 360;
const height = 28;

/** The last hour of a figure. Says nothing to a screen reader: the figure beside it does. */
export function Sparkline({ series, from = "zero" }: { series: SeriesName; from?: "zero" | "least" }) {
  const shape = useComputed(() => shapeOf(hour.value?.values[series] ?? [], from));
  const line = useComputed(() => shape.value.line);
  const area = useComputed(() => shape.value.area);
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="area" d={area} />
      <path class="line" d={line} />
    </svg>
  );
}

/** Unknown values break the line; from the least, the line uses the whole height, but never for a change of under a thousandth. */
function shapeOf(values: readonly (number | null)[], from: "zero" | "least"): { line: string; area: string } {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { line: "", area: "" };
  const top = Math.max(...known);
  const bottom = from === "zero" ? 0 : Math.min(Math.min(...known), top * 0.98);
  const range = top - bottom || 1;
  const step = width / Math.max(1, values.length - 1);
  let line = "";
  let area = "";
  let start = -1;
  values.forEach((value, n) => {
    const x = (n * step).toFixed(1);
    if (value === null) return;
    const y = (height - 1 - ((value - bottom) / range) * (height - 3)).toFixed(1);
    if (start < 0) {
      start = n;
      line += `M${x} ${y}`;
      area += `M${x} ${height}L${x} ${y}`;
    } else {
      line += `L${x} ${y}`;
      area += `L${x} ${y}`;
    }
    if (values[n + 1] === null || n === values.length - 1) {
      // A value that stands alone would be invisible.
      if (start === n) line += `h${step.toFixed(1)}`;
      area += `L${x} ${height}Z`;
      start = -1;
    }
  });
  return { line, area };
}
