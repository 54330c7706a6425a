import type { SubscribedKind } from "../../domain/stream-kinds.ts";
import type { AggTradeQuery, MarketEvent, TradeQuery } from "../protocol/market-source.ts";
import { restTrade, type TradeOf } from "../protocol/rest-trade.ts";
import { type BookSide, type ChangeWindow, createBookSide } from "./book-side.ts";
import { createDayStatistics } from "./day-statistics.ts";
import { decimalFormat } from "./decimal.ts";
import { createOrderFlow, gapGrowth } from "./order-flow.ts";
import { createQuantities } from "./quantity.ts";
import { createRandom } from "./random.ts";
import type { MarketStart, SymbolProfile } from "./symbol-profile.ts";
import { createTradeHistory } from "./trade-history.ts";
import { type AggTrade, createTradeTape, type Trade } from "./trade-tape.ts";

/** One symbol of the synthetic market. */
export type SyntheticSymbol = {
  readonly profile: SymbolProfile;
  /**
   * One tick at `atMs`; appends its events to `events`, in the order of the wire: bookTicker and trades as they happened, then
   * the diff, then partial depth with the diff's id. `second` is true on every tenth tick, when the slow streams are due.
   */
  tick(atMs: number, second: boolean, wants: (stream: string) => boolean, events: MarketEvent[]): void;
  /** The whole book as of the last tick, `limit` levels a side. */
  depth(limit: number): string;
  aggTrades(query: AggTradeQuery): string;
  trades(query: TradeQuery): string;
};

/** Every n-th aggregate trade has a block trade beside it. */
const blockEvery = 50;

/** A trade with its time, ms. */
type Timed<T> = T & { readonly timeMs: number };

type Quote = { readonly id: number; readonly bid: string; readonly ask: string };

/** The same seed and symbol give the same events. `levels` are kept a side, `history` aggregate trades and twice as many trades are for REST. */
export function createSyntheticSymbol(
  profile: SymbolProfile,
  options: { seed: number; levels: number; history: number; tickMs: number; start?: MarketStart | null },
): SyntheticSymbol {
  const random = createRandom(options.seed, profile.symbol);
  const price = decimalFormat(profile.tickDecimals, profile.pricePrecision);
  const quantity = decimalFormat(profile.lotDecimals, profile.quantityPrecision);
  const bids = createBookSide(-1, price, quantity);
  const asks = createBookSide(1, price, quantity);
  const quantities = createQuantities(profile.restingLots, random);
  const seedId = 1_000_000 + random.below(9_000_000) * Math.ceil(1 + 10_000 * profile.pace);
  const firstId = options.start?.updateId ?? seedId;
  const tape = createTradeTape(
    options.start?.tradeId ?? 1 + Math.floor(seedId / 13),
    options.start?.aggId ?? 1 + Math.floor(seedId / 17),
  );
  const past = createTradeHistory(options.history, (trade: Timed<AggTrade>) => `{${aggTradeValues(trade)}`);
  const pastTrades = createTradeHistory(2 * options.history, (trade: Timed<Trade>) => restTrade(inWords(trade)));
  const name = stringName(profile.symbol);
  const stream = (kind: string) => `${profile.symbol.toLowerCase()}@${kind}`;
  const names = {
    bookTicker: stream("bookTicker"),
    trade: stream("trade"),
    aggTrade: stream("aggTrade"),
    blockTrade: stream("blockTrade"),
    miniTicker: stream("miniTicker"),
    partialDepth: [5, 10, 20].map((levels) => ({
      levels,
      fast: stream(`depth${levels}@100ms`),
      slow: stream(`depth${levels}`),
    })),
    diffDepth: { "100ms": stream("depth@100ms"), "1000ms": stream("depth") },
  } satisfies Record<SubscribedKind, unknown>;
  let id = firstId;
  let tickFrom = firstId;
  let secondFrom = firstId;
  let quotes: Quote[] = [];
  let keepQuotes = false;
  const day = createDayStatistics({ price, quantity });
  const quote = { bidTick: 0, bidLots: 0, askTick: 0, askLots: 0 };

  function set(side: BookSide, tick: number, lots: number): void {
    side.set(tick, lots);
    id += 1;
    if (keepQuotes) recordQuote();
  }

  function recordQuote(): void {
    const bid = bids.at(0);
    const ask = asks.at(0);
    if (bid === undefined || ask === undefined) return;
    const same = bid.tick === quote.bidTick && bid.lots === quote.bidLots;
    if (same && ask.tick === quote.askTick && ask.lots === quote.askLots) return;
    Object.assign(quote, { bidTick: bid.tick, bidLots: bid.lots, askTick: ask.tick, askLots: ask.lots });
    quotes.push({
      id,
      bid: `"b":"${price(bid.tick)}","B":"${quantity(bid.lots)}"`,
      ask: `"a":"${price(ask.tick)}","A":"${quantity(ask.lots)}"`,
    });
  }

  const book = { bids, asks, set, touched: () => id > tickFrom };
  const flow = createOrderFlow({ profile, levels: options.levels }, { book, tape, quantities, random });
  seedBook();

  /** Levels thin out with their distance. */
  function seedBook(): void {
    const best = Math.max(30, Math.round(profile.price * 10 ** profile.tickDecimals));
    for (const side of [bids, asks]) {
      let tick = side === bids ? best : best + 1;
      for (let rank = 0; rank < options.levels && tick > 0; rank++) {
        side.set(tick, rank === 0 ? 28 * profile.restingLots : quantities.resting());
        const mean = profile.gap * gapGrowth(rank) - 1;
        tick += (side === bids ? -1 : 1) * (1 + Math.round(mean * random.exponential()));
      }
      side.clearChanges("100ms");
      side.clearChanges("1000ms");
    }
  }

  function tradeEvents(atMs: number, wants: (stream: string) => boolean, events: MarketEvent[]): void {
    const { trades, aggTrades } = tape.drain();
    if (aggTrades.length === 0) return;
    const orders = (aggTrades.at(-1)?.order ?? 0) - (aggTrades[0]?.order ?? 0) + 1;
    const before = (order: number) =>
      ((aggTrades.at(-1)?.order ?? order) - order) * Math.floor((options.tickMs - 1) / orders);
    const tradesWanted = wants(names.trade);
    for (const trade of trades) {
      const timed = { ...trade, timeMs: atMs - before(trade.order) };
      pastTrades.add(timed);
      if (!tradesWanted) continue;
      const values = `"t":${trade.id},"p":"${price(trade.tick)}","q":"${quantity(trade.lots)}","T":${timed.timeMs}`;
      const payload = `{"e":"trade","E":${atMs},"s":${name},${values},"m":${trade.buyerIsMaker},"M":true}`;
      events.push({ stream: names.trade, payload });
    }
    const wanted = wants(names.aggTrade);
    for (const trade of aggTrades) {
      const timed = { ...trade, timeMs: atMs - before(trade.order) };
      past.add(timed);
      day.add(trade);
      if (trade.id % blockEvery === 0 && wants(names.blockTrade)) events.push(blockEvent(timed, atMs));
      if (!wanted) continue;
      const payload = `{"e":"aggTrade","E":${atMs},"s":${name},${aggTradeValues(timed)}`;
      events.push({ stream: names.aggTrade, payload });
    }
  }

  /** A block beside the book, at the price of this trade; its id counts blocks. */
  function blockEvent({ id, tick, lots, timeMs, buyerIsMaker }: Timed<AggTrade>, atMs: number): MarketEvent {
    const values = `"t":${id / blockEvery},"p":"${price(tick)}","q":"${quantity(lots * 100)}","T":${timeMs},"m":${buyerIsMaker}`;
    return { stream: names.blockTrade, payload: `{"e":"blockTrade","E":${atMs},"s":${name},${values}}` };
  }

  function aggTradeValues(trade: Timed<AggTrade>): string {
    const values = `"a":${trade.id},"p":"${price(trade.tick)}","q":"${quantity(trade.lots)}","f":${trade.first},"l":${trade.last}`;
    return `${values},"T":${trade.timeMs},"m":${trade.buyerIsMaker},"M":true}`;
  }

  function inWords({ id, tick, lots, timeMs, buyerIsMaker }: Timed<Trade>): TradeOf {
    return { id, price: price(tick), quantity: quantity(lots), timeMs, buyerIsMaker };
  }

  function diffEvent(window: ChangeWindow, from: number, atMs: number): MarketEvent {
    const ids = `"U":${from + 1},"u":${id}`;
    const sides = `"b":${bids.changes(window)},"a":${asks.changes(window)}`;
    return { stream: names.diffDepth[window], payload: `{"e":"depthUpdate","E":${atMs},"s":${name},${ids},${sides}}` };
  }

  function clear(window: ChangeWindow): void {
    bids.clearChanges(window);
    asks.clearChanges(window);
  }

  return {
    profile,

    tick(atMs, second, wants, events) {
      keepQuotes = wants(names.bookTicker);
      flow.tick();
      tradeEvents(atMs, wants, events);
      for (const { id: u, bid, ask } of quotes) {
        events.push({ stream: names.bookTicker, payload: `{"u":${u},"s":${name},${bid},${ask}}` });
      }
      if (quotes.length > 0) quotes = [];
      const fast = id > tickFrom;
      const slow = second && id > secondFrom;
      if (fast && wants(names.diffDepth["100ms"])) events.push(diffEvent("100ms", tickFrom, atMs));
      if (slow && wants(names.diffDepth["1000ms"])) events.push(diffEvent("1000ms", secondFrom, atMs));
      for (const partial of names.partialDepth) {
        const fastWanted = fast && wants(partial.fast);
        const slowWanted = slow && wants(partial.slow);
        if (!fastWanted && !slowWanted) continue;
        const payload = `{"lastUpdateId":${id},"bids":${bids.top(partial.levels)},"asks":${asks.top(partial.levels)}}`;
        if (fastWanted) events.push({ stream: partial.fast, payload });
        if (slowWanted) events.push({ stream: partial.slow, payload });
      }
      if (second && wants(names.miniTicker)) {
        const values = day.miniTicker();
        const event = `"e":"24hrMiniTicker","E":${atMs},"s":${name}`;
        if (values !== null) events.push({ stream: names.miniTicker, payload: `{${event},${values}}` });
      }
      if (fast) clear("100ms");
      tickFrom = id;
      if (slow) {
        clear("1000ms");
        secondFrom = id;
      }
    },

    depth(limit) {
      return `{"lastUpdateId":${id},"bids":${bids.top(limit)},"asks":${asks.top(limit)}}`;
    },

    aggTrades: past.query,
    trades: pastTrades.query,
  };
}

function stringName(symbol: string): string {
  return JSON.stringify(symbol);
}
