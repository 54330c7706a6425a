import type { Instrument } from "../domain/symbols/instrument.ts";
import { OperatorError } from "../platform/errors.ts";

/** Units of prices and of quantities as decimal text (`0.01`), for numbers in ticks. */
export type TickSizes = { readonly price: string; readonly quantity: string };

/** Returns the units of a symbol's prices and quantities. @throws OperatorError if they are unknown */
export function tickSizesOf(instrument: Instrument | null, symbol: string, date: string): TickSizes {
  const { tick_size: price = null, step_size: quantity = null } = instrument ?? {};
  if (price !== null && quantity !== null) return { price, quantity };
  throw new OperatorError(
    `the tick size of ${symbol} on ${date} is unknown: its exchangeInfo was not recorded; use --numbers decimal`,
  );
}
