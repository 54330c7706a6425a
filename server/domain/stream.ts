import { type StreamKind, streamKindNames, streamKinds } from "./stream-kinds.ts";

declare const meaning: unique symbol;

/**
 * A string with one meaning. A plain string may become one, so that texts from outside need no ceremony; a string with another meaning
 * does not, so that a name can never be taken for a folder.
 */
type Meaning<M extends string> = string & { readonly [meaning]?: M };

/** One stream of one symbol, as subscribed: `btcusdt@depth20@100ms`. */
export type StreamName = Meaning<"StreamName">;

/** A type of stream, without a symbol, as `record.streams` lists it: `depth20@100ms`. */
export type StreamTypeName = Meaning<"StreamTypeName">;

/** Value of `stream=` in paths, which leaves out the speed: `depth20`. */
export type StreamFolder = Meaning<"StreamFolder">;

/** Folder and symbol of a recorded stream: `depth20/BTCUSDT`. */
export type SeriesKey = Meaning<"SeriesKey">;

/** One kind of stream, without a symbol. `record.streams` lists these. */
export type StreamType = {
  /** Binance's name, as it follows the `@`: `depth20@100ms`, `aggTrade`. */
  readonly name: string;
  readonly kind: StreamKind;
  /** Levels per side of a partial depth stream, otherwise null. */
  readonly levels: 5 | 10 | 20 | null;
  /** Milliseconds between updates of a depth stream, otherwise null (real time). */
  readonly speedMs: 100 | 1000 | null;
  /** Value of `stream=` in paths: the name without its speed. */
  readonly folder: StreamFolder;
};

/** One stream of one symbol. */
export type Stream = {
  /** Upper case, as in `exchangeInfo`: `BTCUSDT`. */
  readonly symbol: string;
  readonly type: StreamType;
  /** Name used to subscribe: `btcusdt@depth20@100ms`. */
  readonly name: string;
};

const allTypes = streamKindNames.flatMap((kind) =>
  streamKinds[kind].types.flatMap(({ folder, levels, speeds }) =>
    speeds.map((speedMs): StreamType => {
      return { name: speedMs === 100 ? `${folder}@100ms` : folder, kind, levels, speedMs, folder };
    }),
  ),
);

const types = new Map<StreamTypeName, StreamType>(
  allTypes.filter(({ kind }) => streamKinds[kind].source === "socket").map((type) => [type.name, type]),
);

/** Stream types by folder. If types share a folder, it is the fastest type. */
const typesByFolder = new Map<StreamFolder, StreamType>(allTypes.map((type) => [type.folder, type]));

/** The REST order book as a stream. It is recorded, but there is no subscription for it. */
export const depthSnapshot: StreamType = typeOfKind("depthSnapshot");

/** The facts about a symbol as a stream. They are recorded, but there is no subscription for them. */
export const exchangeInfo: StreamType = typeOfKind("exchangeInfo");

/** Names of all stream types that have a subscription. */
export const streamTypeNames: readonly StreamTypeName[] = [...types.keys()];

/** Parses a stream type such as `depth20@100ms`; null if RT-Data does not record it. Case-sensitive, as with Binance. */
export function parseStreamType(name: StreamTypeName): StreamType | null {
  return types.get(name) ?? null;
}

/**
 * Parses a symbol to Binance's spelling; null if invalid.
 * Accepts one to fifty letters of any script with their combining marks, digits, `-`, `_` and `.` (Binance has listed non-ASCII symbols since
 * 2025-12), but no path that could leave the data folder. Source: rest-api.md, legal range of `symbol`.
 */
export function parseSymbol(text: string): string | null {
  const symbol = text.trim().toUpperCase();
  return /^[\p{L}\p{N}][\p{L}\p{M}\p{N}_.-]{0,49}$/u.test(symbol) ? symbol : null;
}

/** Creates the stream of a symbol and a type. */
export function createStream(symbol: string, type: StreamType): Stream {
  return { symbol, type, name: `${symbol.toLowerCase()}@${type.name}` };
}

/** The key of a recorded stream. */
export function seriesKey(folder: StreamFolder, symbol: string): SeriesKey {
  return `${folder}/${symbol}`;
}

/** Parses a full name such as `btcusdt@depth20@100ms`; null if invalid. */
export function parseStreamName(name: StreamName): Stream | null {
  const at = name.indexOf("@");
  const type = at < 0 ? null : parseStreamType(name.slice(at + 1));
  const symbol = type === null ? null : parseSymbol(name.slice(0, at));
  return type === null || symbol === null ? null : createStream(symbol, type);
}

/** Finds the stream type of a folder name, or null. Folder names have no speed; 100 ms is assumed. */
export function streamTypeOfFolder(folder: StreamFolder): StreamType | null {
  return typesByFolder.get(folder) ?? null;
}

/** Returns the fastest stream type of a kind. If the kind has several depths, the deepest. */
export function typeOfKind(kind: StreamKind): StreamType {
  const type = allTypes.findLast((type) => type.kind === kind);
  if (type === undefined) throw new Error(`the table of stream kinds has no type of ${kind}`);
  return type;
}

/** Tests whether a folder holds facts about symbols instead of market data. */
export function holdsFacts(folder: StreamFolder): boolean {
  const type = streamTypeOfFolder(folder);
  return type !== null && streamKinds[type.kind].isFacts;
}

/** Returns the symbols of these streams, each once. */
export function symbolsOf(streams: readonly Stream[]): readonly string[] {
  return [...new Set(streams.map(({ symbol }) => symbol))];
}
