import type { FaultHooks } from "./faults/hooks.ts";
import type { AggTradeQuery, MarketEvent, MarketSource, TradeQuery } from "./protocol/market-source.ts";
import type { ListingStatus } from "./protocol/symbol-info.ts";

/** A source whose symbols have statuses that can be changed while it runs. */
export type Listing = MarketSource & {
  /**
   * Sets the status of a symbol. Unless it is TRADING its streams are silent. REST does not know `absent` symbols and keeps the
   * book of all others. A source that can halt a symbol does, so that its diffs continue without missing ids afterwards.
   */
  setStatus(symbol: string, status: ListingStatus): void;
};

/** Puts statuses, and the faults that touch all connections alike, between a source and the exchange. */
export function createListing(source: MarketSource, hooks: FaultHooks): Listing {
  const statuses = new Map<string, ListingStatus>();

  function emits({ stream }: MarketEvent): boolean {
    return !statuses.has(stream.slice(0, stream.indexOf("@")).toUpperCase());
  }

  return {
    start(emit, audience) {
      return source.start((events) => {
        const listed = statuses.size === 0 ? events : events.filter(emits);
        emit(hooks.ids === null ? listed : hooks.ids.events(listed));
      }, audience);
    },
    stop: () => source.stop(),
    inventsTimes: source.inventsTimes ?? false,
    audienceChanged: () => source.audienceChanged?.(),
    exchangeInfo() {
      const all = source.exchangeInfo();
      if (statuses.size === 0) return all;
      const present = all.filter(({ symbol }) => statuses.get(symbol) !== "absent");
      return present.map((info) => ({ ...info, status: statuses.get(info.symbol) ?? "TRADING" }));
    },
    depth(symbol, limit) {
      const book = statuses.get(symbol) === "absent" ? null : source.depth(symbol, limit);
      return book === null || hooks.ids === null ? book : hooks.ids.book(symbol, book);
    },
    aggTrades(symbol, query) {
      if (statuses.get(symbol) === "absent") return null;
      const ask = (asked: AggTradeQuery) => source.aggTrades?.(symbol, asked) ?? null;
      return hooks.ids === null ? ask(query) : hooks.ids.aggTrades(symbol, query, ask);
    },
    trades(symbol, query) {
      if (statuses.get(symbol) === "absent") return null;
      const ask = (asked: TradeQuery) => source.trades?.(symbol, asked) ?? null;
      return hooks.ids === null ? ask(query) : hooks.ids.trades(symbol, query, ask);
    },
    setStatus(symbol, status) {
      if (status === "TRADING") statuses.delete(symbol);
      else statuses.set(symbol, status);
      source.setHalted?.(symbol, status !== "TRADING");
    },
  };
}
