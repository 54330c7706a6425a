import type { Cell, ExportColumn } from "../column.ts";
import { decimalScale } from "../decimal.ts";
import type { BarTrade } from "./bar-trade.ts";

/** The trades of a span of time. Prices and volumes are in 10⁻⁸, the quote volume in 10⁻¹⁶: sums of integers are exact. */
export type Bar = {
  readonly startUs: number;
  /** End, excluded, of an interval; time of the last trade of other bars. */
  endUs: number;
  open: bigint;
  high: bigint;
  low: bigint;
  close: bigint;
  volume: bigint;
  quote: bigint;
  buyVolume: bigint;
  buyQuote: bigint;
  /** Number of trades. */
  trades: number;
};

/** Starts a bar without trades at a price. */
export function emptyBar(startUs: number, endUs: number, price: bigint): Bar {
  return {
    ...{ startUs, endUs, open: price, high: price, low: price, close: price },
    ...{ volume: 0n, quote: 0n, buyVolume: 0n, buyQuote: 0n, trades: 0 },
  };
}

/** Adds a trade, which must be the newest. */
export function addTrade(bar: Bar, { price, quantity, count, isBuy }: BarTrade): void {
  if (bar.trades === 0) bar.open = bar.high = bar.low = price;
  if (price > bar.high) bar.high = price;
  if (price < bar.low) bar.low = price;
  bar.close = price;
  bar.trades += count;
  bar.volume += quantity;
  bar.quote += price * quantity;
  if (!isBuy) return;
  bar.buyVolume += quantity;
  bar.buyQuote += price * quantity;
}

const one = 10n ** BigInt(decimalScale);

/** Writes a number of 10⁻⁸ as a decimal with eight digits after the point, as the exchange does: `86704.77000000`. */
export function decimalText(scaled: bigint): string {
  const sign = scaled < 0n ? "-" : "";
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(decimalScale + 1, "0");
  return `${sign}${digits.slice(0, -decimalScale)}.${digits.slice(-decimalScale)}`;
}

/** Divides and rounds to the nearest integer, halves away from zero. `divisor` is positive. */
export function rounded(dividend: bigint, divisor: bigint): bigint {
  const half = divisor / 2n;
  return (dividend < 0n ? dividend - half : dividend + half) / divisor;
}

/** Creates a column that is computed, so it has no member of the line. */
export function computed(name: string, kind: ExportColumn["kind"], nullable = false): ExportColumn {
  return { name, kind, nullable, member: null };
}

export const spanColumns: readonly ExportColumn[] = [computed("start_us", "integer"), computed("end_us", "integer")];
export const spanTail: readonly ExportColumn[] = [
  computed("start_time", "timestamp"),
  computed("end_time", "timestamp"),
  computed("since_gap", "boolean"),
];

export const barColumns: readonly ExportColumn[] = [
  ...["open", "high", "low", "close", "volume", "quote_volume"].map((name) => computed(name, "number")),
  computed("vwap", "number", true),
  computed("trades", "integer"),
  ...["taker_buy_volume", "taker_buy_quote_volume"].map((name) => computed(name, "number")),
];

/** Returns the cells of `barColumns`. Quote volume and VWAP are rounded to eight digits, once, from exact sums; everything else is exact. */
export function barCells(bar: Bar): Cell[] {
  return [
    ...[bar.open, bar.high, bar.low, bar.close, bar.volume, rounded(bar.quote, one)].map(decimalText),
    bar.volume === 0n ? null : decimalText(rounded(bar.quote, bar.volume)),
    bar.trades,
    ...[bar.buyVolume, rounded(bar.buyQuote, one)].map(decimalText),
  ];
}
