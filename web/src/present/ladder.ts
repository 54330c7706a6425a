/** One price level, ready to be shown. */
export type Level = {
  readonly price: string;
  readonly quantity: string;
  /** Sum of the quantities from the best price to here. */
  readonly total: string;
  /** The same as a share of the larger side's whole, 0 to 1. */
  readonly depth: number;
};

export type Ladder = {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly mid: string;
  readonly spread: string;
  /** Spread in basis points of the mid; null where a side is empty. */
  readonly spreadBp: number | null;
  /** Share of the bids in all that is quoted, 0 to 1; null where nothing is. */
  readonly bidShare: number | null;
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
      return {
        price: trim(price, priceDecimals),
        quantity: trim(quantity, quantityDecimals),
        total: total.toFixed(quantityDecimals),
        depth: whole > 0 ? total / whole : 0,
      };
    });
  };
  const bid = bids[0] === undefined ? null : Number(bids[0][0]);
  const ask = asks[0] === undefined ? null : Number(asks[0][0]);
  const known = bid !== null && ask !== null;
  const mid = known ? (bid + ask) / 2 : null;
  const spread = known ? ask - bid : null;
  return {
    bids: side(bids),
    asks: side(asks),
    mid: mid === null ? "–" : mid.toFixed(priceDecimals + 1),
    spread: spread === null ? "–" : spread.toFixed(priceDecimals),
    spreadBp: mid === null || spread === null || mid === 0 ? null : (spread / mid) * 10_000,
    bidShare: bidSum + askSum > 0 ? bidSum / (bidSum + askSum) : null,
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
