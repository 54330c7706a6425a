/** What a stream carries, in Binance's own words; `depthSnapshot` is the REST book, recorded as a stream of its own. */
export type StreamKind = "partialDepth" | "diffDepth" | "aggTrade" | "trade" | "bookTicker" | "depthSnapshot";

/** One kind of stream, without a symbol: what `record.streams` lists. */
export type StreamType = {
  /** As Binance writes it behind the `@`: `depth20@100ms`, `aggTrade`. */
  readonly name: string;
  readonly kind: StreamKind;
  /** Levels a side of a partial depth stream, otherwise null. */
  readonly levels: 5 | 10 | 20 | null;
  /** Milliseconds between updates of a depth stream, otherwise null (real time). */
  readonly speedMs: 100 | 1000 | null;
  /** Value of `stream=` in paths: the name without its speed. */
  readonly folder: string;
};

/** One stream of one symbol. */
export type Stream = {
  /** Upper case, as in `exchangeInfo`: `BTCUSDT`. */
  readonly symbol: string;
  readonly type: StreamType;
  /** As subscribed: `btcusdt@depth20@100ms`. */
  readonly name: string;
};

const types = new Map<string, StreamType>(
  [
    ...([5, 10, 20] as const).flatMap((levels) => [
      streamType("partialDepth", `depth${levels}`, "", levels, 1000),
      streamType("partialDepth", `depth${levels}`, "@100ms", levels, 100),
    ]),
    streamType("diffDepth", "depth", "", null, 1000),
    streamType("diffDepth", "depth", "@100ms", null, 100),
    streamType("aggTrade", "aggTrade", "", null, null),
    streamType("trade", "trade", "", null, null),
    streamType("bookTicker", "bookTicker", "", null, null),
  ].map((type) => [type.name, type]),
);

/** The REST order book as a stream; it is recorded, never subscribed to. */
export const depthSnapshot: StreamType = streamType("depthSnapshot", "depthSnapshot", "", null, null);

/** Every stream type that can be subscribed to, by name. */
export const streamTypeNames: readonly string[] = [...types.keys()];

/** The stream type of a name such as `depth20@100ms`, or null if RT-Data does not record such a stream. Case matters, as it does to Binance. */
export function parseStreamType(name: string): StreamType | null {
  return types.get(name) ?? null;
}

/**
 * A symbol as Binance spells it, or null. Letters of any script, digits, `_` and `.` (Binance has listed non-ASCII symbols
 * since 2025-12); never anything that could leave the data folder when it becomes a path.
 */
export function parseSymbol(text: string): string | null {
  const symbol = text.trim().toUpperCase();
  return /^[\p{L}\p{N}][\p{L}\p{N}_.]{0,39}$/u.test(symbol) ? symbol : null;
}

/** The stream of a symbol and a type. */
export function createStream(symbol: string, type: StreamType): Stream {
  return { symbol, type, name: `${symbol.toLowerCase()}@${type.name}` };
}

/** The stream of a full name such as `btcusdt@depth20@100ms`, or null. */
export function parseStreamName(name: string): Stream | null {
  const at = name.indexOf("@");
  const type = at < 0 ? null : parseStreamType(name.slice(at + 1));
  const symbol = type === null ? null : parseSymbol(name.slice(0, at));
  return type === null || symbol === null ? null : createStream(symbol, type);
}

/** The stream type whose folder this is, or null. The speed is not part of the folder name; 100 ms is assumed. */
export function streamTypeOfFolder(folder: string): StreamType | null {
  if (folder === depthSnapshot.folder) return depthSnapshot;
  return types.get(`${folder}@100ms`) ?? types.get(folder) ?? null;
}

function streamType(
  kind: StreamKind,
  folder: string,
  suffix: "" | "@100ms",
  levels: StreamType["levels"],
  speedMs: StreamType["speedMs"],
): StreamType {
  return { name: folder + suffix, kind, levels, speedMs, folder };
}

/** The symbols of these streams, each once. */
export function symbolsOf(streams: readonly Stream[]): readonly string[] {
  return [...new Set(streams.map(({ symbol }) => symbol))];
}
