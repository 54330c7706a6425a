import type { AggTrade } from "./trade-tape.ts";

/** First, last, highest and lowest price and the volumes of a symbol since its first trade. */
export type DayStatistics = {
  add(trade: Pick<AggTrade, "tick" | "lots">): void;
  /** Members of a miniTicker behind the symbol, as JSON text; null before the first trade. */
  miniTicker(): string | null;
};

/** Creates empty statistics. The exchange's window of 24 hours is the market's life here. `price`, `quantity`: print ticks and lots. */
export function createDayStatistics(print: {
  price: (tick: number) => string;
  quantity: (lots: number) => string;
}): DayStatistics {
  const { price, quantity } = print;
  let open = 0;
  let [close, high, low, lots] = [0, 0, Number.POSITIVE_INFINITY, 0];
  let turnover = 0;

  return {
    add(trade) {
      if (open === 0) open = trade.tick;
      close = trade.tick;
      high = Math.max(high, trade.tick);
      low = Math.min(low, trade.tick);
      lots += trade.lots;
      turnover += Number(price(trade.tick)) * Number(quantity(trade.lots));
    },
    miniTicker() {
      if (open === 0) return null;
      const prices = `"c":"${price(close)}","o":"${price(open)}","h":"${price(high)}","l":"${price(low)}"`;
      return `${prices},"v":"${quantity(lots)}","q":"${turnover.toFixed(8)}"`;
    },
  };
}
