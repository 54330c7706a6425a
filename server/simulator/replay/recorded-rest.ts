import { exchangeMs } from "../../domain/market/exchange-time.ts";
import type { Stream } from "../../domain/stream.ts";
import { createTradeHistory, type TradeHistory } from "../market/trade-history.ts";
import type { AggTradeQuery, TradeQuery } from "../protocol/market-source.ts";
import { restTrade } from "../protocol/rest-trade.ts";
import { createRecordedBook, type RecordedBook } from "./recorded-book.ts";

/** REST answers from a recording: only from messages played so far. */
export type RecordedRest = {
  /** A payload that is being emitted now. */
  record(stream: Stream, payload: string): void;
  depth(symbol: string, limit: number): string;
  aggTrades(symbol: string, query: AggTradeQuery): string;
  /** Empty where `trade` was not recorded. */
  trades(symbol: string, query: TradeQuery): string;
};

type Known = { readonly book: RecordedBook; readonly aggTrades: PlayedTrades; readonly trades: PlayedTrades };

/** Trades, and as many aggregate trades, remembered a symbol. */
const history = 5000;

/** Books and recent trades of all symbols. */
export function createRecordedRest(): RecordedRest {
  const symbols = new Map<string, Known>();

  function of(symbol: string): Known {
    let known = symbols.get(symbol);
    if (known === undefined) {
      known = {
        book: createRecordedBook(),
        aggTrades: createPlayedTrades("a", aggTradeInRest),
        trades: createPlayedTrades("t", tradeInRest),
      };
      symbols.set(symbol, known);
    }
    return known;
  }

  return {
    record({ symbol, type }, payload) {
      const { book, aggTrades, trades } = of(symbol);
      if (type.kind === "aggTrade") aggTrades.record(payload);
      else if (type.kind === "trade") trades.record(payload);
      else book.record(type.kind, payload);
    },
    depth: (symbol, limit) => of(symbol).book.depth(limit),
    aggTrades: (symbol, query) => of(symbol).aggTrades.query(query),
    trades: (symbol, query) => of(symbol).trades.query(query),
  };
}

type Played = { readonly id: number; readonly timeMs: number; readonly payload: string };
type PlayedTrades = { record(payload: string): void } & Pick<TradeHistory<Played>, "query">;

/** Payloads that have `member` as their id; they are parsed only for a query. */
function createPlayedTrades(member: string, inRest: (payload: string) => string): PlayedTrades {
  const past = createTradeHistory(history, (trade: Played) => inRest(trade.payload));
  const untold: string[] = [];
  const mark = `"${member}":`;
  const idPattern = new RegExp(`${mark}(\\d+)`);
  return {
    record(payload) {
      // Looking into it makes it a text of its own; otherwise it would keep all that was read with it in memory.
      if (payload.indexOf(mark) < 0) return;
      if (untold.length >= history * 2) untold.splice(0, history);
      untold.push(payload);
    },
    query(query) {
      for (const payload of untold.splice(0)) {
        const id = idPattern.exec(payload)?.[1];
        const time = /"T":(\d+)/.exec(payload)?.[1];
        if (id !== undefined && time !== undefined)
          past.add({ id: Number(id), timeMs: exchangeMs(Number(time)), payload });
      }
      return past.query(query);
    },
  };
}

/** REST words an aggTrade without type, event time and symbol. */
function aggTradeInRest(payload: string): string {
  return `{${payload.slice(payload.indexOf('"a":'))}`;
}

function tradeInRest(payload: string): string {
  const { t, p, q, T, m } = JSON.parse(payload) as { t: number; p: string; q: string; T: number; m: boolean };
  return restTrade({ id: t, price: p, quantity: q, timeMs: T, buyerIsMaker: m });
}
