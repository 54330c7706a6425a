import type { StreamName } from "../../domain/stream.ts";
import type { SymbolInfo } from "./symbol-info.ts";

/** One payload of one stream, as the exchange words it. */
export type MarketEvent = {
  /** `btcusdt@aggTrade` */
  readonly stream: StreamName;
  /** JSON text of the payload, without the combined wrapper. */
  readonly payload: string;
  /** Sends the event to combined sockets subscribed to this stream, under the name `stream`, which cannot be subscribed to. */
  readonly concerns?: string;
};

/** The subscribers: a source may leave out streams without readers, and may wait for slow readers. */
export type MarketListeners = {
  /** True while at least one socket is subscribed to this stream. */
  wants(stream: StreamName): boolean;
  /** Null while every socket keeps up; otherwise resolves once all of them do again, or are gone. */
  pressure(): Promise<void> | null;
};

/** A REST query for aggregate trades of a symbol; at most one of `fromId` and the times is given. */
export type AggTradeQuery = {
  readonly fromId: number | null;
  /** ms, inclusive. */
  readonly startTime: number | null;
  readonly endTime: number | null;
  readonly limit: number;
};

/** A REST query for trades of a symbol: from an id on, or the newest. */
export type TradeQuery = { readonly fromId: number | null; readonly limit: number };

/** Source of the exchange's data: a recording or the synthetic market. */
export type MarketSource = {
  /**
   * Begins to call `emit` with one batch of events for each instant. Without an audience it emits every stream and does not
   * wait for readers.
   */
  start(emit: (events: readonly MarketEvent[]) => void, audience?: MarketListeners): void | Promise<void>;
  /** No batch is emitted after this has resolved. */
  stop(): void | Promise<void>;
  /** The exchange calls this after a socket subscribed, unsubscribed or left. */
  audienceChanged?(): void;
  /** Halts or resumes a symbol, if the source can. */
  setHalted?(symbol: string, halted: boolean): void;
  /** Symbols for `/api/v3/exchangeInfo`. */
  exchangeInfo(): SymbolInfo[];
  /** The REST book as JSON text, as of the newest diff emitted; null if the symbol is unknown or its book is not. */
  depth(symbol: string, limit: number): string | null;
  /** Aggregate trades in REST form, oldest first, as JSON text; null if the symbol is unknown. */
  aggTrades?(symbol: string, query: AggTradeQuery): string | null;
  /** Trades in REST form, oldest first, as JSON text; null if the symbol is unknown. */
  trades?(symbol: string, query: TradeQuery): string | null;
  /** True if times are invented: clients that ask for µs then get invented µs as well, not zeros. */
  readonly inventsTimes?: boolean;
  /** What the exchange's clock shows, ms; the wall clock's time where left out. */
  nowMs?(): number;
};
