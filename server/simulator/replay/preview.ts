import { createMergedReader } from "../../storage/read/merged-reader.ts";
import { type SymbolInfo, splitSymbol } from "../protocol/symbol-info.ts";
import type { RecordedFacts } from "./recorded-facts.ts";
import type { RecordedMessage } from "./recorded-message.ts";
import type { RecordingFiles } from "./recording-files.ts";

/** What a recording has to offer. */
export type Preview = {
  /** Names of the streams that can be subscribed to. */
  readonly streams: ReadonlySet<string>;
  readonly symbols: readonly SymbolInfo[];
  /** Other names of streams: the other speed of a recorded depth stream. */
  readonly aliases: ReadonlySet<string>;
  /** Receipt time of the first message, µs; null without messages. */
  readonly firstUs: number | null;
  /** Files that could not be read, with the reason. */
  readonly damage: readonly string[];
};

/** Characters of payload that are read of a file to learn which streams it holds. */
const furthest = 64 * 1024 * 1024;
/** Messages that show a symbol's decimals. */
const enough = 50;

/** Reads the beginning of every track. `wants` chooses the messages (default all); `facts` are what the exchange said about symbols. */
export async function previewRecording(
  tracks: readonly RecordingFiles[],
  options: { wants?: (message: RecordedMessage) => boolean; facts?: RecordedFacts } = {},
): Promise<Preview> {
  const { wants = () => true, facts } = options;
  const streams = new Set<string>();
  const aliases = new Set<string>();
  const damage: string[] = [];
  let firstUs: number | null = null;
  const symbols = new Map<string, Decimals>();
  for (const track of tracks) {
    const seen = new Map<string, number>();
    for await (const message of firstMessages(track, damage)) {
      if (!wants(message)) continue;
      firstUs = Math.min(firstUs ?? message.recvUs, message.recvUs);
      if (message.alias !== undefined) aliases.add(message.alias);
      const kind = message.parsed?.type.kind;
      if (kind !== "depthSnapshot") streams.add(message.stream);
      const count = (seen.get(message.stream) ?? 0) + 1;
      seen.set(message.stream, count);
      if (message.parsed === null || count > enough) continue;
      const decimals = symbols.get(message.parsed.symbol) ?? { tick: 0, lot: 0, price: 0, quantity: 0 };
      symbols.set(message.parsed.symbol, decimals);
      updateDecimals(decimals, message.payload);
    }
  }
  return {
    streams,
    symbols: [...symbols].map(([symbol, decimals]) => symbolInfo(symbol, decimals, facts?.get(symbol))),
    aliases,
    firstUs,
    damage,
  };
}

async function* firstMessages(track: RecordingFiles, damage: string[]): AsyncGenerator<RecordedMessage> {
  const reader = createMergedReader([track], { onDamage: (path, problem) => damage.push(`${path}: ${problem}`) });
  let characters = 0;
  let count = 0;
  try {
    for (;;) {
      const message = reader.peek();
      if (message === undefined) {
        if (!(await reader.fill())) return;
        continue;
      }
      yield message;
      reader.skip();
      characters += message.payload.length;
      count += 1;
      if (track.stream !== null ? count >= enough : characters >= furthest) return;
    }
  } finally {
    reader.close();
  }
}

/** Digits behind the point: those in use, and those written. */
type Decimals = { tick: number; lot: number; price: number; quantity: number };

/** Levels are pairs of price and quantity; trades and tickers name them. */
const pairs = /\["([\d.]+)","([\d.]+)"\]|"p":"([\d.]+)","q":"([\d.]+)"|"b":"([\d.]+)","B":"([\d.]+)"/g;

function updateDecimals(decimals: Decimals, payload: string): void {
  for (const match of payload.matchAll(pairs)) {
    const price = match[1] ?? match[3] ?? match[5] ?? "";
    const quantity = match[2] ?? match[4] ?? match[6] ?? "";
    decimals.tick = Math.max(decimals.tick, digits(price.replace(/0+$/, "")));
    decimals.lot = Math.max(decimals.lot, digits(quantity.replace(/0+$/, "")));
    decimals.price = Math.max(decimals.price, digits(price));
    decimals.quantity = Math.max(decimals.quantity, digits(quantity));
  }
}

function digits(text: string): number {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

function symbolInfo(
  symbol: string,
  { tick, lot, price, quantity }: Decimals,
  recorded: SymbolInfo["recorded"],
): SymbolInfo {
  return {
    symbol,
    ...splitSymbol(symbol),
    ...(recorded !== undefined && { recorded }),
    tickDecimals: tick,
    lotDecimals: lot,
    pricePrecision: price === 0 && quantity === 0 ? 8 : price,
    quantityPrecision: price === 0 && quantity === 0 ? 8 : quantity,
  };
}
