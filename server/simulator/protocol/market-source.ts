import type { StreamName } from "../../domain/stream.ts";
import type { SymbolInfo } from "./symbol-info.ts";

/** One payload of one stream, as the exchange words it. */
export type MarketEvent = {
  /** `btcusdt@aggTrade` */
  readonly stream: StreamName;
  /** JSON text of the payload, without the combined wrapper. */
  readonly payload: string;
  /** Goes to the combined sockets that are subscribed to this stream, under the name `stream` that nobody subscribes to. */
  readonly concerns?: string;
};

/** Who listens: lets a source leave out what nobody reads, and wait for slow readers where it may. */
export type MarketListeners = {
  /** True while at least one socket is subscribed to this stream. */
  wants(stream: StreamName): boolean;
  /** Null while every socket keeps up; otherwise resolves once all of them do again, or are gone. */
  pressure(): Promise<void> | null;
};

/** What of a symbol's aggregate trades REST asks for; at most one of `fromId` and the times is given. */
export type AggTradeQuery = {
  readonly fromId: number | null;
  /** ms, inclusive. */
  readonly startTime: number | null;
  readonly endTime: number | null;
  readonly limit: number;
};

/** What of a symbol's trades REST asks for: those from an id on, or the newest. */
export type TradeQuery = { readonly fromId: number | null; readonly limit: number };

/** Where the exchange's data comes from: a recording or the synthetic market. */
export type MarketSource = {
  /**
   * Begins to call `emit` with what happens at one instant, one batch each. Without an audience every stream is emitted and
   * nobody is waited for.
   */
  start(emit: (events: readonly MarketEvent[]) => void, audience?: MarketListeners): void | Promise<void>;
  /** No batch is emitted after this has resolved. */
  stop(): void | Promise<void>;
  /** The exchange calls this after a socket subscribed, unsubscribed or left. */
  audienceChanged?(): void;
  /** From now on nothing happens to a symbol, or again; for sources that can. */
  setHalted?(symbol: string, halted: boolean): void;
  /** Symbols for `/api/v3/exchangeInfo`. */
  exchangeInfo(): SymbolInfo[];
  /** The REST book as JSON text, as of the newest diff emitted; null if the symbol is unknown or its book is not. */
  depth(symbol: string, limit: number): string | null;
  /** Aggregate trades in REST form, oldest first, as JSON text; null if the symbol is unknown. */
  aggTrades?(symbol: string, query: AggTradeQuery): string | null;
  /** Trades in REST form, oldest first, as JSON text; null if the symbol is unknown. */
  trades?(symbol: string, query: TradeQuery): string | null;
  /** What the exchange's clock shows, ms; the wall clock's time where left out. */
  nowMs?(): number;
};
