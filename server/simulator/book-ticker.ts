import type { SymbolInfo } from "./protocol/symbol-info.ts";

type Book = { readonly bids: readonly (readonly string[])[]; readonly asks: readonly (readonly string[])[] };

/**
 * What `GET /api/v3/ticker/bookTicker` says of one symbol, given its REST book; a side without levels is all zeros.
 * Source: binance-spot-api-docs, rest-api.md, "Symbol order book ticker".
 */
export function bookTickerReply(info: SymbolInfo, depth: string): object {
  const { bids, asks } = JSON.parse(depth) as Book;
  const none = [(0).toFixed(info.pricePrecision), (0).toFixed(info.quantityPrecision)];
  const [bidPrice, bidQty] = bids[0] ?? none;
  const [askPrice, askQty] = asks[0] ?? none;
  return { symbol: info.symbol, bidPrice, bidQty, askPrice, askQty };
}
