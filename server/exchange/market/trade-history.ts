import type { AggTradeQuery } from "../source.ts";

/** The newest trades or aggregate trades of a symbol, for REST. */
export type TradeHistory = {
  /** `text` makes the trade's REST form, once somebody asks; ids and times rise. */
  add(id: number, timeMs: number, text: () => string): void;
  /** As `GET /api/v3/aggTrades` answers: the first after what was asked for, or the newest; oldest first. */
  query(query: AggTradeQuery): string;
};

/** Asks for the newest, whatever they are. */
export const newest: Omit<AggTradeQuery, "limit"> = { fromId: null, startTime: null, endTime: null };

/** Remembers at least `most` trades, at most twice that many. */
export function createTradeHistory(most: number): TradeHistory {
  const trades: { id: number; timeMs: number; text: () => string }[] = [];
  return {
    add(id, timeMs, text) {
      if (trades.length >= most * 2) trades.splice(0, most);
      trades.push({ id, timeMs, text });
    },
    query({ fromId, startTime, endTime, limit }) {
      const matching = trades.filter(
        (trade) =>
          (fromId === null || trade.id >= fromId) &&
          (startTime === null || trade.timeMs >= startTime) &&
          (endTime === null || trade.timeMs <= endTime),
      );
      const anchored = fromId !== null || startTime !== null;
      const chosen = anchored ? matching.slice(0, limit) : matching.slice(-limit);
      return `[${chosen.map((trade) => trade.text()).join(",")}]`;
    },
  };
}
