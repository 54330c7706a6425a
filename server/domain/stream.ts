import { type StreamKind, streamKindNames, streamKinds } from "./stream-kinds.ts";

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

const allTypes = streamKindNames.flatMap((kind) =>
  streamKinds[kind].types.flatMap(({ folder, levels, speeds }) =>
    speeds.map((speedMs): StreamType => {
      return { name: speedMs === 100 ? `${folder}@100ms` : folder, kind, levels, speedMs, folder };
    }),
  ),
);

const types = new Map(
  allTypes.filter(({ kind }) => streamKinds[kind].source === "socket").map((type) => [type.name, type]),
);

/** By folder; of types that share one, the quickest. */
const typesByFolder = new Map(allTypes.map((type) => [type.folder, type]));

/** The REST order book as a stream; it is recorded, never subscribed to. */
export const depthSnapshot: StreamType = typeOfKind("depthSnapshot");

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
  return typesByFolder.get(folder) ?? null;
}

/** The quickest stream type of a kind; if the kind has several depths, the deepest. */
export function typeOfKind(kind: StreamKind): StreamType {
  const type = allTypes.findLast((type) => type.kind === kind);
  if (type === undefined) throw new Error(`the table of stream kinds has no type of ${kind}`);
  return type;
}

/** The symbols of these streams, each once. */
export function symbolsOf(streams: readonly Stream[]): readonly string[] {
  return [...new Set(streams.map(({ symbol }) => symbol))];
}
