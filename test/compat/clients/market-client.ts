import type { BookImage } from "./local-book.ts";

export type Urls = { readonly wsUrl: string; readonly restUrl: string };

/** A data frame as a client hands it on: parsed, possibly with members of its own. */
export type OnFrame = (stream: string, payload: Readonly<Record<string, unknown>>) => void;

/** What the clients under test have in common. Everything goes through their own public functions. */
export type MarketClient = {
  subscribe(streams: readonly string[]): Promise<void>;
  unsubscribe(streams: readonly string[]): Promise<void>;
  listSubscriptions(): Promise<readonly string[]>;
  ping(): Promise<unknown>;
  /** The exchange's clock, ms. */
  time(): Promise<number>;
  exchangeInfo(): Promise<{ readonly symbols: readonly { readonly symbol: string; readonly status: string }[] }>;
  depth(symbol: string, limit: number): Promise<BookImage>;
  bookTicker(symbol: string): Promise<unknown>;
  aggTrades(symbol: string, limit: number): Promise<readonly unknown[]>;
  close(): Promise<void>;
};

export type OpenClient = (urls: Urls, onFrame: OnFrame) => Promise<MarketClient>;
