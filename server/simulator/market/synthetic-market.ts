import type { MarketEvent, MarketListeners, MarketSource } from "../protocol/market-source.ts";
import { createSyntheticSymbol } from "./symbol.ts";
import { type MarketStart, profileOf, type SymbolProfile } from "./symbol-profile.ts";
import { createTickClock } from "./tick-clock.ts";

export type SyntheticOptions = {
  /** Known names get their own price and pace, other names plausible values derived from the name. */
  readonly symbols: readonly string[];
  /** The same seed gives the same events (1). */
  readonly seed?: number;
  /** Milliseconds between ticks (100.05, as measured at the exchange). */
  readonly tickMs?: number;
  /** Ticks come this many times faster than their times say (1); Infinity: as fast as the slowest reader takes them. */
  readonly speed?: number;
  /** Time of the first tick; the wall clock where left out. */
  readonly startMs?: number;
  /** Levels kept a side (1000; fewer where there are many symbols). */
  readonly levels?: number;
  /** Aggregate trades remembered a symbol for REST, and twice as many trades (20,000; fewer where there are many symbols). */
  readonly history?: number;
  /** Replaces `profileOf`. */
  readonly symbolFactory?: (symbol: string) => SymbolProfile;
  /** Price and ids with which a symbol begins; null: its usual price, and ids derived from the seed. */
  readonly startOf?: (symbol: string) => MarketStart | null;
};

export type SyntheticMarket = MarketSource & {
  /**
   * One tick at `atMs`, without waiting: its events, for every stream unless `wants` says which. Ids go on from tick to tick, so a
   * past can be generated first and the market started afterwards.
   */
  tick(atMs: number, wants?: (stream: string) => boolean): readonly MarketEvent[];
};

/** An invented market with the statistics of a real market: all symbols share one tick, only changed symbols emit. */
export function createSyntheticMarket(options: SyntheticOptions): SyntheticMarket {
  const names = [...new Set(options.symbols)];
  const tickMs = options.tickMs ?? 100.05;
  const perSymbol = {
    seed: options.seed ?? 1,
    tickMs,
    levels: options.levels ?? Math.max(100, Math.min(1000, Math.floor(60_000 / Math.max(1, names.length)))),
    history: options.history ?? Math.max(1000, Math.min(20_000, Math.floor(300_000 / Math.max(1, names.length)))),
  };
  const symbols = names.map((name) => {
    const start = options.startOf?.(name) ?? null;
    const profile = (options.symbolFactory ?? profileOf)(name);
    return createSyntheticSymbol(start === null ? profile : { ...profile, price: start.price }, {
      ...perSymbol,
      start,
    });
  });
  const bySymbol = new Map(symbols.map((symbol) => [symbol.profile.symbol, symbol]));
  const clock = createTickClock({ tickMs, speed: options.speed ?? 1, startMs: options.startMs ?? null });
  const halted = new Set<string>();
  let ticks = 0;

  function tick(atMs: number, wants: (stream: string) => boolean = () => true): readonly MarketEvent[] {
    const events: MarketEvent[] = [];
    ticks += 1;
    for (const symbol of symbols) {
      if (!halted.has(symbol.profile.symbol)) symbol.tick(atMs, ticks % 10 === 0, wants, events);
    }
    return events;
  }

  return {
    tick,
    start(emit: (events: readonly MarketEvent[]) => void, audience?: MarketListeners) {
      clock.start((atMs) => {
        const events = tick(atMs, audience?.wants);
        if (events.length > 0) emit(events);
        return audience?.pressure() ?? null;
      });
    },
    stop: () => clock.stop(),
    setHalted(symbol, isHalted) {
      if (isHalted) halted.add(symbol);
      else halted.delete(symbol);
    },
    inventsTimes: true,
    exchangeInfo: () => symbols.map((symbol) => symbol.profile),
    depth: (symbol, limit) => bySymbol.get(symbol)?.depth(limit) ?? null,
    aggTrades: (symbol, query) => bySymbol.get(symbol)?.aggTrades(query) ?? null,
    trades: (symbol, query) => bySymbol.get(symbol)?.trades(query) ?? null,
  };
}
