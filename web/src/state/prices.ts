import { type Signal, signal } from "@preact/signals";
import type { MidPrices } from "../../../server/domain/queries.ts";
import type { Status } from "../../../server/domain/status.ts";
import { decimalsOf } from "../present/ticks.ts";

/** Mid prices of a symbol, the newest of each minute; the last is that of the running minute. */
export type Prices = { readonly fromMinute: number; readonly values: readonly (number | null)[] };

/** Minutes that are kept. */
const most = 60;

const bySymbol = new Map<string, Signal<Prices | null>>();

/** True once any symbol has a price: without books there is no column of prices. */
export const hasPrices = signal(false);

/** Minutes of the longest known row of prices. */
export const longestPrices = signal(0);

/** The last hour of a symbol's mid price; null while it is not known. */
export function pricesOf(symbol: string): Signal<Prices | null> {
  const known = bySymbol.get(symbol);
  if (known !== undefined) return known;
  const made = signal<Prices | null>(null);
  bySymbol.set(symbol, made);
  return made;
}

/** Decimals that a symbol's mid price has had: fewer would make its digits jump. */
const decimalsSeen = new Map<string, number>();

/** Mid price of a symbol in the live status, as a decimal text; null if it has no book. */
export function midOf(symbol: Status["symbols"][number]): string | null {
  if (symbol.mid === null) return null;
  const decimals = Math.max(2, decimalsSeen.get(symbol.symbol) ?? 0, decimalsOf(symbol.mid));
  decimalsSeen.set(symbol.symbol, decimals);
  return symbol.mid.toFixed(decimals);
}

/** Takes over the prices of the last hour. */
export function receivePrices({ from_us, symbols }: MidPrices): void {
  for (const { symbol, mids } of symbols) {
    const first = mids.findIndex((value) => value !== null);
    if (first < 0) continue;
    const values = mids.slice(Math.max(first, mids.length - most));
    pricesOf(symbol).value = { fromMinute: Math.round(from_us / 60e6) + mids.length - values.length, values };
    longestPrices.value = Math.max(longestPrices.value, values.length);
  }
}

/** Appends the prices of a new status. */
export function appendPrices(status: Status): void {
  const minute = Math.floor(status.now_us / 60e6);
  for (const symbol of status.symbols) {
    const { mid } = symbol;
    if (mid === null) continue;
    hasPrices.value = true;
    const prices = pricesOf(symbol.symbol);
    const known = prices.peek();
    if (known === null) {
      prices.value = { fromMinute: minute, values: [mid] };
      continue;
    }
    const at = minute - known.fromMinute;
    if (at < 0 || known.values[at] === mid) continue;
    const filled = [...known.values, ...Array<null>(Math.max(0, Math.min(most, at - known.values.length))).fill(null)];
    filled[Math.min(at, filled.length)] = mid;
    const over = Math.max(0, filled.length - most);
    prices.value = { fromMinute: known.fromMinute + over, values: filled.slice(over) };
    longestPrices.value = Math.max(longestPrices.value, filled.length - over);
  }
}
