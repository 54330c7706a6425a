import { type SymbolInfo, splitSymbol } from "../protocol/symbol-info.ts";
import { hash } from "./random.ts";

/** How a symbol of the synthetic market looks and moves. Times are ticks of 100 ms, prices are counted in tick sizes. */
export type SymbolProfile = SymbolInfo & {
  /** The first price; later prices are weakly drawn back to it. */
  readonly price: number;
  /** Mean distance of neighbouring levels near the best, in tick sizes, at least 1. */
  readonly gap: number;
  /** Liveliness: 1 is BTCUSDT. All rates below are per tick at pace 1. */
  readonly pace: number;
  /** Levels that come or go near the best, a side. */
  readonly structure: number;
  /** Quantities that change near the best, a side, the best itself aside. */
  readonly requotes: number;
  /** Chance that the price moves away. */
  readonly moves: number;
  /** Market orders that do not move the price. */
  readonly takers: number;
  /** Median quantity that rests on a level, in lots. */
  readonly restingLots: number;
};

/** The first price, and the first ids of updates, trades and aggregate trades. */
export type MarketStart = {
  readonly price: number;
  readonly updateId: number;
  readonly tradeId: number;
  readonly aggId: number;
};

type Known = Pick<SymbolProfile, "price" | "tickDecimals" | "lotDecimals" | "gap" | "pace"> & { restingLots: number };
type Flow = Pick<SymbolProfile, "structure" | "requotes" | "moves" | "takers">;

const flow: Flow = { structure: 2, requotes: 0.55, moves: 0.1, takers: 0.8 };
/** Where nearly every tick size is a level, orders move in and out of levels that stay. */
const denseFlow: Flow = { structure: 2.4, requotes: 1.4, moves: 0.11, takers: 0.65 };

const known: Readonly<Record<string, Known>> = {
  BTCUSDT: { price: 86_704, tickDecimals: 2, lotDecimals: 5, gap: 52, pace: 1, restingLots: 6_500 },
  ETHUSDT: { price: 2_830, tickDecimals: 2, lotDecimals: 4, gap: 2.7, pace: 0.9, restingLots: 18_000 },
  SOLUSDT: { price: 128.4, tickDecimals: 2, lotDecimals: 3, gap: 1.1, pace: 0.7, restingLots: 60_000 },
  XRPUSDT: { price: 2.0512, tickDecimals: 4, lotDecimals: 1, gap: 1.1, pace: 0.55, restingLots: 30_000 },
  BNBUSDT: { price: 834.2, tickDecimals: 2, lotDecimals: 3, gap: 2.2, pace: 0.5, restingLots: 1_500 },
  DOGEUSDT: { price: 0.14123, tickDecimals: 5, lotDecimals: 0, gap: 1.1, pace: 0.45, restingLots: 40_000 },
  ADAUSDT: { price: 0.4102, tickDecimals: 4, lotDecimals: 1, gap: 1.05, pace: 0.3, restingLots: 90_000 },
  TRXUSDT: { price: 0.2745, tickDecimals: 4, lotDecimals: 1, gap: 1.05, pace: 0.25, restingLots: 150_000 },
  LINKUSDT: { price: 12.43, tickDecimals: 2, lotDecimals: 2, gap: 1.05, pace: 0.25, restingLots: 30_000 },
  AVAXUSDT: { price: 13.27, tickDecimals: 2, lotDecimals: 2, gap: 1.05, pace: 0.25, restingLots: 25_000 },
  LTCUSDT: { price: 84.31, tickDecimals: 2, lotDecimals: 3, gap: 1.4, pace: 0.2, restingLots: 12_000 },
  DOTUSDT: { price: 2.312, tickDecimals: 3, lotDecimals: 2, gap: 1.1, pace: 0.15, restingLots: 60_000 },
  SUIUSDT: { price: 1.3812, tickDecimals: 4, lotDecimals: 1, gap: 1.3, pace: 0.35, restingLots: 5_000 },
  BCHUSDT: { price: 541.3, tickDecimals: 1, lotDecimals: 3, gap: 1.1, pace: 0.15, restingLots: 3_000 },
  SHIBUSDT: { price: 0.00000781, tickDecimals: 8, lotDecimals: 0, gap: 1.05, pace: 0.15, restingLots: 90_000_000 },
  PEPEUSDT: { price: 0.00000423, tickDecimals: 8, lotDecimals: 0, gap: 1.05, pace: 0.3, restingLots: 200_000_000 },
};

/** The profile of a symbol: fixed for well-known symbols, otherwise plausible values derived from the name alone. */
export function profileOf(symbol: string): SymbolProfile {
  const values = known[symbol] ?? derive(symbol);
  return {
    symbol,
    ...splitSymbol(symbol),
    pricePrecision: 8,
    quantityPrecision: 8,
    ...(values.gap < 5 ? denseFlow : flow),
    ...values,
  };
}

/** Most symbols of the exchange are small and quiet: pace from 0.002 (a change in many seconds) to 0.2, low values more often. */
function derive(symbol: string): Known {
  const chance = (n: number) => (hash(symbol, n) >>> 0) / 2 ** 32;
  const price = 10 ** (-3 + 5 * chance(1));
  const tickDecimals = Math.min(8, Math.max(2, 4 - Math.floor(Math.log10(price))));
  const lotDecimals = Math.max(0, Math.min(5, 1 + Math.floor(Math.log10(price))));
  return {
    price,
    tickDecimals,
    lotDecimals,
    gap: 1 + 4 * chance(2) ** 2,
    pace: 0.002 * 100 ** chance(3),
    restingLots: Math.max(20, Math.round((300 / price) * 10 ** lotDecimals * 4 ** (chance(4) - 0.5))),
  };
}
