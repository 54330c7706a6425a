import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { Prices } from "../../state/prices.ts";

const width = 240;
const height = 32;
/** The axis is at least this long, minutes: two values are no trend. */
const shortest = 10;

/** The last hour of a price, stepped; it grows from the first value. The price beside it says the rest to a screen reader. */
export function Spark({ prices }: { prices: ReadonlySignal<Prices | null> }) {
  const shape = useComputed(() => sparkPath(prices.value?.values ?? []));
  const line = useComputed(() => shape.value.line);
  const end = useComputed(() => shape.value.end);
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={line} />
      <path class="end" d={end} />
    </svg>
  );
}

/** Values a minute as a stepped line; a minute without a value breaks it. Empty below two values. */
function sparkPath(values: readonly (number | null)[]): { readonly line: string; readonly end: string } {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return { line: "", end: "" };
  const least = Math.min(...known);
  const span = Math.max(...known) - least;
  const step = width / (Math.max(shortest, values.length) - 1);
  const left = width - (values.length - 1) * step;
  const yOf = (value: number) =>
    (span === 0 ? height / 2 : height - 2 - ((value - least) / span) * (height - 4)).toFixed(1);
  let line = "";
  let end = "";
  values.forEach((value, n) => {
    if (value === null) return;
    const x = (left + n * step).toFixed(1);
    const before = values[n - 1];
    line += before === null || before === undefined ? `M${x} ${yOf(value)}` : `H${x}V${yOf(value)}`;
    end = `M${x} ${yOf(value)}h.01`;
  });
  return { line, end };
}
