import { dayUs } from "../../domain/day.ts";
import { decimalScale, scaledDecimal } from "../decimal.ts";

/** What ends a bar: an interval of time, or an amount that was traded. */
export type BarRule =
  | { readonly kind: "time"; readonly everyUs: number }
  | { readonly kind: "trades"; readonly size: bigint }
  /** Sizes of base and quote asset are in 10⁻⁸. */
  | { readonly kind: "volume" | "quote"; readonly size: bigint };

const units: Readonly<Record<string, number>> = { ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: dayUs };
const shortestUs = 100e3;

export const acceptedIntervals = "an interval from 100ms to 1d that divides a day, such as 1s, 5m or 1h";
export const acceptedBars =
  "an interval that divides a day such as 1m, or an amount: 1000t (trades), 50v (volume), 1M$ (quote volume, also 1Mq), with k or M before the letter";

/** Parses an interval to µs: `1s`. Null unless it is at least 100 ms and divides a UTC day, so that every day has the same borders. */
export function parseInterval(text: string): number | null {
  const [, count = "", unit = ""] = /^(\d{1,6})(ms|s|m|h|d)$/.exec(text) ?? [];
  const us = Number(count) * (units[unit] ?? Number.NaN);
  return us >= shortestUs && dayUs % us === 0 ? us : null;
}

/** Parses the size of a bar: `1m`, `1000t`, `50v`, `1M$`. Null if it is not accepted. */
export function parseBarRule(text: string): BarRule | null {
  const everyUs = parseInterval(text);
  if (everyUs !== null) return { kind: "time", everyUs };
  const [, digits = "", factor = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,8})?)([kM]?)([tvq$])$/.exec(text) ?? [];
  if (unit === "") return null;
  const size = scaledDecimal(digits) * (factor === "M" ? 1_000_000n : factor === "k" ? 1_000n : 1n);
  if (size <= 0n) return null;
  if (unit !== "t") return { kind: unit === "v" ? "volume" : "quote", size };
  const one = 10n ** BigInt(decimalScale);
  return size % one === 0n ? { kind: "trades", size: size / one } : null;
}
