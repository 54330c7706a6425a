/** One trade. Prices and quantities are in ticks and lots. */
export type Trade = {
  readonly id: number;
  readonly tick: number;
  readonly lots: number;
  readonly buyerIsMaker: boolean;
  readonly order: number;
};

/** Trades of one order at one price, under an id of their own. */
export type AggTrade = {
  readonly id: number;
  readonly tick: number;
  readonly lots: number;
  readonly first: number;
  readonly last: number;
  readonly buyerIsMaker: boolean;
  readonly order: number;
};

/** Numbers trades and aggregates them as the exchange does: consecutive fills of one order at one price are one aggTrade. */
export type TradeTape = {
  /** Begins a new market order; its fills are not aggregated with earlier fills. */
  begin(): void;
  /** The order trades at `tick` against one resting order for each of `lots`. */
  fill(tick: number, lots: readonly number[], buyerIsMaker: boolean): void;
  /** Everything since the last call, in order. */
  drain(): { trades: readonly Trade[]; aggTrades: readonly AggTrade[] };
};

/** `firstId` and `firstAggId` are the ids of the first trade and aggregate. */
export function createTradeTape(firstId: number, firstAggId: number): TradeTape {
  let nextId = firstId;
  let nextAggId = firstAggId;
  let order = 0;
  let trades: Trade[] = [];
  let aggTrades: AggTrade[] = [];

  return {
    begin() {
      order += 1;
    },
    fill(tick, lots, buyerIsMaker) {
      const first = nextId;
      let sum = 0;
      for (const part of lots) {
        trades.push({ id: nextId, tick, lots: part, buyerIsMaker, order });
        nextId += 1;
        sum += part;
      }
      aggTrades.push({ id: nextAggId, tick, lots: sum, first, last: nextId - 1, buyerIsMaker, order });
      nextAggId += 1;
    },
    drain() {
      const drained = { trades, aggTrades };
      if (trades.length > 0) trades = [];
      if (aggTrades.length > 0) aggTrades = [];
      return drained;
    },
  };
}
