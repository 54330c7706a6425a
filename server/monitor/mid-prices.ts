import type { MidPrices } from "../domain/queries.ts";
import type { BookView } from "../domain/status.ts";

/** Mid prices of the last hour, a minute each, and of the last two minutes, a second each: under 5 kB per symbol. */
export type MidHistory = {
  /** Replaces the symbols; symbols that stay keep their prices. */
  setSymbols(symbols: readonly string[]): void;
  /** Takes the newest prices. Call it once a second. */
  sample(nowUs: number, bookOf: (symbol: string) => BookView | "no_data" | null): void;
  /** Returns the newest mid price; null before the first book. */
  newest(symbol: string): number | null;
  /** Returns the last values with their receipt times, µs, oldest first; at most `keptValues`. */
  recent(symbol: string): readonly (readonly [recvUs: number, mid: number])[];
  hour(nowUs: number): MidPrices;
  /** Adds minutes of an earlier run. */
  restore(symbol: string, minutes: SavedMids): void;
  /** Returns the minutes of a symbol to store across a restart; null if there are none. */
  save(symbol: string): SavedMids | null;
};

/** Sixty minutes; `fromUs` is the start of the first. */
export type SavedMids = { readonly fromUs: number; readonly values: readonly (number | null)[] };

/** Values in the first message of a book, a second each. */
export const keptValues = 120;

const minuteUs = 60_000_000;
const minutes = 60;

type Prices = { recvUs: number; ring: [number, number][]; byMinute: Map<number, number> };

/** Creates the history of some symbols. */
export function createMidHistory(symbols: readonly string[]): MidHistory {
  let kept = new Map<string, Prices>();
  setSymbols(symbols);

  function setSymbols(wanted: readonly string[]): void {
    const before = kept;
    kept = new Map(
      wanted.map((symbol) => [symbol, before.get(symbol) ?? { recvUs: 0, ring: [], byMinute: new Map() }]),
    );
  }

  function add(prices: Prices, recvUs: number, mid: number): void {
    prices.ring.push([recvUs, mid]);
    if (prices.ring.length > keptValues) prices.ring.shift();
    const minute = Math.floor(recvUs / minuteUs);
    prices.byMinute.set(minute, mid);
    for (const old of prices.byMinute.keys()) {
      if (prices.byMinute.size <= minutes && Math.abs(old - minute) < minutes) break;
      prices.byMinute.delete(old);
    }
  }

  return {
    setSymbols,
    sample(nowUs, bookOf) {
      for (const [symbol, prices] of kept) {
        const view = bookOf(symbol);
        if (view === null || view === "no_data" || view.recv_us === prices.recvUs) continue;
        prices.recvUs = view.recv_us;
        const mid = midOf(view.book);
        if (mid !== null && view.recv_us <= nowUs) add(prices, view.recv_us, mid);
      }
    },
    newest: (symbol) => kept.get(symbol)?.ring.at(-1)?.[1] ?? null,
    recent: (symbol) => kept.get(symbol)?.ring ?? [],
    hour(nowUs) {
      const first = Math.floor(nowUs / minuteUs) - minutes + 1;
      return {
        from_us: first * minuteUs,
        step_s: 60,
        symbols: [...kept].map(([symbol, { byMinute }]) => ({
          symbol,
          mids: hourFrom(first, byMinute),
        })),
      };
    },
    restore(symbol, { fromUs, values }) {
      const prices = kept.get(symbol);
      if (prices === undefined || prices.byMinute.size > 0) return;
      for (const [n, mid] of values.slice(0, minutes).entries())
        if (mid !== null) prices.byMinute.set(Math.floor(fromUs / minuteUs) + n, mid);
    },
    save(symbol) {
      const byMinute = kept.get(symbol)?.byMinute;
      if (byMinute === undefined || byMinute.size === 0) return null;
      const first = Math.max(...byMinute.keys()) - minutes + 1;
      return { fromUs: first * minuteUs, values: hourFrom(first, byMinute) };
    },
  };
}

/** Returns sixty values from minute `first` on; null for minutes without a price. */
function hourFrom(first: number, byMinute: ReadonlyMap<number, number>): (number | null)[] {
  return Array.from({ length: minutes }, (_, n) => byMinute.get(first + n) ?? null);
}

const bidPattern = /"bids":\[\["([\d.]+)"/;
const askPattern = /"asks":\[\["([\d.]+)"/;

/** Reads the mean of the best bid and ask of a book; null if a side is empty. */
export function midOf(book: string): number | null {
  const [bid, ask] = [bidPattern.exec(book)?.[1], askPattern.exec(book)?.[1]];
  if (bid === undefined || ask === undefined) return null;
  // The sum of two decimals has stray digits; no price needs more than twelve.
  return Number(((Number(bid) + Number(ask)) / 2).toPrecision(12));
}
