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
  /** The symbol's entry as the exchange sent it once; answered instead of an invented entry. */
  readonly recorded?: Readonly<Record<string, unknown>>;
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

/** All members of an entry, in the exchange's order. Source: rest-api.md, "Exchange information", and filters.md. */
export function symbolReply(info: SymbolInfo): object {
  if (info.recorded !== undefined)
    return info.status === undefined ? info.recorded : { ...info.recorded, status: info.status };
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
    orderTypes: ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
    icebergAllowed: true,
    ocoAllowed: true,
    otoAllowed: true,
    opoAllowed: true,
    quoteOrderQtyMarketAllowed: true,
    allowTrailingStop: true,
    cancelReplaceAllowed: true,
    amendAllowed: true,
    pegInstructionsAllowed: true,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: filtersOf(info),
    permissions: [],
    permissionSets: [["SPOT"]],
    defaultSelfTradePreventionMode: "EXPIRE_MAKER",
    allowedSelfTradePreventionModes: ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"],
  };
}

function filtersOf(info: SymbolInfo): object[] {
  const tick = step(info.tickDecimals, info.pricePrecision);
  const lot = step(info.lotDecimals, info.quantityPrecision);
  const price = (value: number) => value.toFixed(info.pricePrecision);
  const quantity = (value: number) => value.toFixed(info.quantityPrecision);
  return [
    { filterType: "PRICE_FILTER", minPrice: tick, maxPrice: price(1_000_000), tickSize: tick },
    { filterType: "LOT_SIZE", minQty: lot, maxQty: quantity(9_000_000), stepSize: lot },
    { filterType: "ICEBERG_PARTS", limit: 100 },
    // The market's own step: 0 means that LOT_SIZE applies.
    { filterType: "MARKET_LOT_SIZE", minQty: quantity(0), maxQty: quantity(100), stepSize: quantity(0) },
    {
      filterType: "TRAILING_DELTA",
      minTrailingAboveDelta: 10,
      maxTrailingAboveDelta: 2000,
      minTrailingBelowDelta: 10,
      maxTrailingBelowDelta: 2000,
    },
    {
      filterType: "PERCENT_PRICE_BY_SIDE",
      bidMultiplierUp: "5",
      bidMultiplierDown: "0.2",
      askMultiplierUp: "5",
      askMultiplierDown: "0.2",
      avgPriceMins: 5,
    },
    {
      filterType: "NOTIONAL",
      minNotional: price(5),
      applyMinToMarket: true,
      maxNotional: price(9_000_000),
      applyMaxToMarket: false,
      avgPriceMins: 5,
    },
    { filterType: "MAX_NUM_ORDERS", maxNumOrders: 200 },
    { filterType: "MAX_NUM_ORDER_LISTS", maxNumOrderLists: 20 },
    { filterType: "MAX_NUM_ALGO_ORDERS", maxNumAlgoOrders: 5 },
    { filterType: "MAX_NUM_ORDER_AMENDS", maxNumOrderAmends: 10 },
  ];
}

function step(decimals: number, precision: number): string {
  return (10 ** -decimals).toFixed(precision);
}
