import { grouped, shortQuantity } from "./digits.ts";

/** One price level, ready to be shown. */
export type Level = {
  readonly price: string;
  /** The price as a number, for drawings. */
  readonly at: number;
  /** The quantity without the zeros that fill its column, those zeros, and the whole figure. */
  readonly quantity: string;
  readonly padding: string;
  readonly exact: string;
  /** Sum of the quantities from the best price to here. */
  readonly total: string;
  /** The same as a share of the larger side's whole, 0 to 1. */
  readonly depth: number;
};

export type Ladder = {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly mid: string;
  readonly middle: number | null;
  readonly priceDecimals: number;
  readonly spread: string;
  /** Spread in basis points of the mid; null if a side is empty. */
  readonly spreadBp: number | null;
  /** Share of the bids in everything quoted, 0 to 1; null for an empty book. */
  readonly bidShare: number | null;
  /** Sum of the larger side. */
  readonly whole: number;
};

type Pairs = readonly (readonly [price: string, quantity: string])[];

/** Makes a book ready to be shown. Prices and quantities stay the exchange's own digits, less the zeros that no level needs. */
export function createLadder(bids: Pairs, asks: Pairs): Ladder {
  const all = [...bids, ...asks];
  const priceDecimals = Math.max(2, ...all.map(([price]) => decimals(price)));
  const quantityDecimals = Math.max(0, ...all.map(([, quantity]) => decimals(quantity)));
  const bidSum = sum(bids);
  const askSum = sum(asks);
  const whole = Math.max(bidSum, askSum);
  const side = (pairs: Pairs): Level[] => {
    let total = 0;
    return pairs.map(([price, quantity]) => {
      total += Number(quantity);
      const padded = trim(quantity, quantityDecimals);
      const short = shortQuantity(padded);
      const kept =
        short === grouped(padded) ? short.replace(/\.?0+$/, (zeros) => (short.includes(".") ? "" : zeros)) : short;
      return {
        price: grouped(trim(price, priceDecimals)),
        at: Number(price),
        quantity: kept,
        padding: short.slice(kept.length),
        exact: grouped(padded),
        total: shortQuantity(total.toFixed(quantityDecimals)),
        depth: whole > 0 ? total / whole : 0,
      };
    });
  };
  const bid = bids[0] === undefined ? null : Number(bids[0][0]);
  const ask = asks[0] === undefined ? null : Number(asks[0][0]);
  const middle = bid === null || ask === null ? null : (bid + ask) / 2;
  const spread = bid === null || ask === null ? null : ask - bid;
  return {
    bids: side(bids),
    asks: side(asks),
    mid: middle === null ? "–" : grouped(middle.toFixed(priceDecimals + 1)),
    middle,
    priceDecimals,
    spread: spread === null ? "–" : grouped(spread.toFixed(priceDecimals)),
    spreadBp: middle === null || spread === null || middle === 0 ? null : (spread / middle) * 10_000,
    bidShare: bidSum + askSum > 0 ? bidSum / (bidSum + askSum) : null,
    whole,
  };
}

function sum(pairs: Pairs): number {
  return pairs.reduce((total, [, quantity]) => total + Number(quantity), 0);
}

/** Decimals of a decimal text that are not trailing zeros. */
function decimals(text: string): number {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.replace(/0+$/, "").length - point - 1;
}

function trim(text: string, count: number): string {
  const [whole = "", fraction = ""] = text.split(".");
  return count === 0 ? whole : `${whole}.${fraction.slice(0, count).padEnd(count, "0")}`;
}
