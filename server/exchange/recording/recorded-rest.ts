import type { Stream } from "../../stream.ts";
import { createTradeHistory, type TradeHistory } from "../market/trade-history.ts";
import type { AggTradeQuery } from "../source.ts";
import { createRecordedBook, type RecordedBook } from "./recorded-book.ts";

/** What REST can say of a recording: only what has been played so far. */
export type RecordedRest = {
  /** A payload that is being emitted now. */
  note(stream: Stream, payload: string): void;
  depth(symbol: string, limit: number): string;
  aggTrades(symbol: string, query: AggTradeQuery): string;
};

/** `untold`: payloads of trades that nobody has asked for since they came. */
type Known = { readonly book: RecordedBook; readonly trades: TradeHistory; readonly untold: string[] };

/** Aggregate trades remembered a symbol. */
const history = 5000;

/** Books and recent aggregate trades of all symbols. */
export function createRecordedRest(): RecordedRest {
  const symbols = new Map<string, Known>();

  function of(symbol: string): Known {
    let known = symbols.get(symbol);
    if (known === undefined) {
      known = { book: createRecordedBook(), trades: createTradeHistory(history), untold: [] };
      symbols.set(symbol, known);
    }
    return known;
  }

  return {
    note(stream, payload) {
      const { book, untold } = of(stream.symbol);
      if (stream.type.kind !== "aggTrade") return book.note(stream.type.kind, payload);
      // Looking into it makes it a text of its own; otherwise it would keep all that was read with it in memory.
      if (payload.indexOf('"a":') < 0) return;
      if (untold.length >= history * 2) untold.splice(0, history);
      untold.push(payload);
    },
    depth: (symbol, limit) => of(symbol).book.depth(limit),
    aggTrades(symbol, query) {
      const { trades, untold } = of(symbol);
      for (const payload of untold.splice(0)) noteTrade(trades, payload);
      return trades.query(query);
    },
  };
}

/** REST words an aggTrade without type, event time and symbol. */
function noteTrade(trades: TradeHistory, payload: string): void {
  const at = payload.indexOf('"a":');
  const id = /"a":(\d+)/.exec(payload)?.[1];
  const time = /"T":(\d+)/.exec(payload)?.[1];
  if (at > 0 && id !== undefined && time !== undefined) trades.add(Number(id), Number(time), `{${payload.slice(at)}`);
}
