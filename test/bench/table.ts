import { cpus, totalmem } from "node:os";
import { median } from "./cpu.ts";

/** A line of the performance table: measurement, goal, result. */
export type Row = {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean | null;
};

/** "1.42 (1.41–1.52)": median, smallest and largest. */
export function spread(values: readonly number[], digits = 2): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const middle = median(values).toFixed(digits);
  return values.length < 2 ? middle : `${middle} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

/** A row with a goal that the median must not exceed. */
export function atMost(what: string, goal: number, values: readonly number[], digits = 2, unit = ""): Row {
  const measured = `${spread(values, digits)}${unit}`;
  return { what, goal: `≤ ${goal}${unit}`, measured, met: median(values) <= goal };
}

/** A row without a goal. */
export function told(what: string, measured: string): Row {
  return { what, goal: "", measured, met: null };
}

/** Which machine this is. */
export function machine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus()[0]?.model}, ${cpus().length} cores, ${gigabytes} GiB, Bun ${Bun.version}, ${new Date().toISOString().slice(0, 10)}`;
}

export const tableHead = "| what | goal | measured, median (min–max) | |\n| --- | --- | --- | --- |";

export function markdownOf({ what, goal, measured, met }: Row): string {
  return `| ${what} | ${goal} | ${measured} | ${met === null ? "" : met ? "met" : "**missed**"} |`;
}

/** The smallest value that this share of the values does not exceed; NaN without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
