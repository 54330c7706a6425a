import { dateOf } from "../../../domain/day.ts";
import { OperatorError } from "../../../platform/errors.ts";
import { recordedInstrument } from "../../../storage/instrument-facts.ts";

/** Quote assets of Binance, for symbols whose facts were not recorded. Longer names first. */
const quotes = ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "DAI", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY"];

/** Returns a symbol's pair as freqtrade names its files: `BTC_USDT`. @throws OperatorError if base and quote are unknown */
export function pairName(dataDir: string, symbol: string, nowUs = Date.now() * 1000): string {
  const instrument = recordedInstrument(dataDir, { symbol, date: dateOf(nowUs) });
  if (instrument !== null) return `${instrument.base}_${instrument.quote}`;
  const quote = quotes.find((name) => symbol.endsWith(name) && symbol.length > name.length);
  if (quote !== undefined) return `${symbol.slice(0, -quote.length)}_${quote}`;
  throw new OperatorError(
    `the pair of ${symbol} is unknown, as its exchangeInfo was not recorded; use --format feather and name the file yourself`,
  );
}
