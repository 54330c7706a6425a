/** Assets that prices are quoted in on Binance, longest first where one ends like another. */
const quotes = ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY", "USD"];

/** What a symbol's quantities and prices are in: `BTCUSDT` is BTC in USDT. Both are empty if it is not known. */
export function quoteUnits(symbol: string): readonly [base: string, quote: string] {
  const quote = quotes.find((name) => symbol.endsWith(name) && symbol.length > name.length);
  return quote === undefined ? ["", ""] : [symbol.slice(0, -quote.length), quote];
}
