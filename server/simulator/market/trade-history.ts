import type { AggTradeQuery } from "../protocol/market-source.ts";

/** The newest trades or aggregate trades of a symbol, for REST. */
export type TradeHistory<T extends RememberedTrade> = {
  /** Ids and times rise. */
  add(trade: T): void;
  /** As `GET /api/v3/aggTrades` answers: the first trades from the requested id or time, otherwise the newest; oldest first. */
  query(query: Partial<AggTradeQuery> & Pick<AggTradeQuery, "limit">): string;
};

/** The members by which trades are queried. */
export type RememberedTrade = { readonly id: number; readonly timeMs: number };

/** Remembers at least `most` trades, at most twice that many; `text` makes a trade's REST form once somebody asks. */
export function createTradeHistory<T extends RememberedTrade>(
  most: number,
  text: (trade: T) => string,
): TradeHistory<T> {
  const trades: T[] = [];
  return {
    add(trade) {
      if (trades.length >= most * 2) trades.splice(0, most);
      trades.push(trade);
    },
    query({ fromId = null, startTime = null, endTime = null, limit }) {
      const matching = trades.filter(
        (trade) =>
          (fromId === null || trade.id >= fromId) &&
          (startTime === null || trade.timeMs >= startTime) &&
          (endTime === null || trade.timeMs <= endTime),
      );
      const anchored = fromId !== null || startTime !== null;
      const chosen = anchored ? matching.slice(0, limit) : matching.slice(-limit);
      return `[${chosen.map(text).join(",")}]`;
    },
  };
}
