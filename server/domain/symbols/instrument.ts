/** Facts about a symbol that a backtest needs, as `exchangeInfo` states them. Decimals are the exchange's own texts. */
export type Instrument = {
  /** Assets: `BTC` and `USDT` of BTCUSDT. */
  readonly base: string;
  readonly quote: string;
  /** Smallest step of a price (`PRICE_FILTER`) and of a quantity (`LOT_SIZE`); null if the exchange sets no such limit. */
  readonly tick_size: string | null;
  readonly step_size: string | null;
  /** `TRADING`, `HALT`, `BREAK`, `END_OF_DAY`, `CANCEL_ONLY`. */
  readonly status: string;
};

/** Facts, and when they were received, µs. */
export type KnownInstrument = { readonly recvUs: number; readonly instrument: Instrument };

/** A symbol's entry of an `exchangeInfo` answer. It can be stored as a line. */
export type SymbolEntry = {
  readonly symbol: string;
  /** The text of the entry, a JSON object, byte for byte as sent. */
  readonly text: string;
  /** When the answer had arrived, µs. */
  readonly recvUs: number;
  /** The exchange's time in the answer, ms; null if it names none. */
  readonly exchangeMs: number | null;
};

const decimal = /^\d+(\.\d+)?$/;

/** Reads the facts from a parsed entry; null if it has another form. Unknown members and filters are ignored. */
export function instrumentOf(entry: unknown): Instrument | null {
  if (!isObject(entry)) return null;
  const { baseAsset: base, quoteAsset: quote, status, filters } = entry;
  if (typeof base !== "string" || typeof quote !== "string" || typeof status !== "string") return null;
  if (base === "" || quote === "" || status === "") return null;
  const stepOf = (type: string, name: string): string | null => {
    const filter = Array.isArray(filters) ? filters.find((item) => isObject(item) && item.filterType === type) : null;
    const step = isObject(filter) ? filter[name] : null;
    return typeof step === "string" && decimal.test(step) ? step : null;
  };
  return {
    base,
    quote,
    tick_size: stepOf("PRICE_FILTER", "tickSize"),
    step_size: stepOf("LOT_SIZE", "stepSize"),
    status,
  };
}

/** Tests whether a value of a stored manifest is an instrument. */
export function isInstrument(value: unknown): value is Instrument {
  if (!isObject(value)) return false;
  const isText = (text: unknown) => typeof text === "string" && text !== "";
  const isStep = (step: unknown) => step === null || (typeof step === "string" && decimal.test(step));
  return [value.base, value.quote, value.status].every(isText) && isStep(value.tick_size) && isStep(value.step_size);
}

/** Removes zeros at the end of a decimal: `0.01000000` becomes `0.01`. */
export function shortDecimal(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
