/** A symbol as `/api/v3/exchangeInfo` describes it, as far as market data goes. */
export type SymbolInfo = {
  /** As the exchange spells it: `BTCUSDT`. */
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  /** Digits behind the point of the tick size and of the lot size. */
  readonly tickDecimals: number;
  readonly lotDecimals: number;
  /** Digits behind the point that prices and quantities are padded to, normally 8. */
  readonly pricePrecision: number;
  readonly quantityPrecision: number;
  /** TRADING where left out. */
  readonly status?: ListingStatus;
};

/** As exchangeInfo has it (enums.md, "Symbol status"); `absent` symbols are not listed at all. */
export type ListingStatus = "TRADING" | "END_OF_DAY" | "HALT" | "BREAK" | "CANCEL_ONLY" | "absent";

const quoteAssets = ["USDT", "USDC", "FDUSD", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY", "USD"];

/** Base and quote of a symbol, judged by its ending; a name without a known ending is cut in the middle. */
export function splitSymbol(symbol: string): { baseAsset: string; quoteAsset: string } {
  const quote = quoteAssets.find((asset) => symbol.length > asset.length && symbol.endsWith(asset));
  if (quote !== undefined) return { baseAsset: symbol.slice(0, -quote.length), quoteAsset: quote };
  const letters = [...symbol];
  const middle = Math.ceil(letters.length / 2);
  return { baseAsset: letters.slice(0, middle).join(""), quoteAsset: letters.slice(middle).join("") };
}

/**
 * The reply of `GET /api/v3/exchangeInfo`.
 * Source: binance-spot-api-docs, rest-api.md, "Exchange information" and filters.md.
 */
export function exchangeInfoReply(symbols: readonly SymbolInfo[], serverTime: number, weightPerMinute: number): object {
  return {
    timezone: "UTC",
    serverTime,
    rateLimits: [
      { rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: weightPerMinute },
      { rateLimitType: "RAW_REQUESTS", interval: "MINUTE", intervalNum: 5, limit: 300_000 },
    ],
    exchangeFilters: [],
    symbols: symbols.map(symbolReply),
  };
}

function symbolReply(info: SymbolInfo): object {
  const tick = step(info.tickDecimals, info.pricePrecision);
  const lot = step(info.lotDecimals, info.quantityPrecision);
  return {
    symbol: info.symbol,
    status: info.status ?? "TRADING",
    baseAsset: info.baseAsset,
    baseAssetPrecision: info.quantityPrecision,
    quoteAsset: info.quoteAsset,
    quotePrecision: info.pricePrecision,
    quoteAssetPrecision: info.pricePrecision,
    baseCommissionPrecision: info.quantityPrecision,
    quoteCommissionPrecision: info.pricePrecision,
    orderTypes: ["LIMIT", "LIMIT_MAKER", "MARKET"],
    icebergAllowed: true,
    ocoAllowed: true,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: [
      {
        filterType: "PRICE_FILTER",
        minPrice: tick,
        maxPrice: (1_000_000).toFixed(info.pricePrecision),
        tickSize: tick,
      },
      { filterType: "LOT_SIZE", minQty: lot, maxQty: (9_000_000).toFixed(info.quantityPrecision), stepSize: lot },
    ],
    permissions: [],
    permissionSets: [["SPOT"]],
    defaultSelfTradePreventionMode: "EXPIRE_MAKER",
    allowedSelfTradePreventionModes: ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
  };
}

function step(decimals: number, precision: number): string {
  return (10 ** -decimals).toFixed(precision);
}
