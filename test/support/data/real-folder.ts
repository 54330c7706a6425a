import { type Day, dateOf } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { realMessages } from "../simulator/real-data.ts";
import { archiveHere, segmentOf, writeRaw } from "./day-fixture.ts";

/** UTC day of the real recording of BTCUSDT and ETHUSDT: its last 346 s. */
export const realDate = "2024-08-08";

/** Clock of the machine that made the recording less the exchange's clock, ms. */
export const realOffsetMs = -1280;

const raw = "raw-depth+trade+bookTicker.btc-eth.2024-08-08.jsonl.gz";
const rest = "raw-rest-depth.btc-eth.2024-08-08.jsonl.gz";
const partial = "depth20+trade.btc-eth.2024-08-08.jsonl.gz";

type Message = { readonly t: number; readonly stream: string; readonly symbol: string; readonly payload: string };

/** The messages of the real recording: diffs, trades, best prices and REST books as received, and depth20 derived from them. */
export function realDay(): readonly Message[] {
  day ??= readDay();
  return day;
}

let day: readonly Message[] | null = null;

function readDay(): readonly Message[] {
  const books = realMessages(rest).map((message) => {
    const { t, raw: payload, symbol } = message as typeof message & { readonly symbol: string };
    return { t, stream: "depthSnapshot", symbol, payload };
  });
  const partials = realMessages(partial)
    .map(streamed)
    .filter(({ stream }) => stream === "depth20");
  return [...books, ...realMessages(raw).map(streamed), ...partials].sort((a, b) => a.t - b.t);
}

function streamed({ t, raw: text }: { readonly t: number; readonly raw: string }): Message {
  const [, symbol = "", stream = ""] = /^\{"stream":"(\w+)@(\w+)/.exec(text) ?? [];
  return { t, stream, symbol: symbol.toUpperCase(), payload: text.slice(text.indexOf(',"data":') + 8, -1) };
}

/** Archives messages of the real recording in a data folder, with the facts about their symbols. */
export async function writeRealDay(
  dataDir: string,
  messages: readonly Message[] = realDay(),
  gapsOf: (day: Day) => readonly Gap[] = () => [],
): Promise<void> {
  const texts = new Map<string, { stream: string; symbol: string; text: string }>();
  const add = (stream: string, symbol: string, line: string) => {
    const entry = texts.get(`${stream} ${symbol}`);
    if (entry === undefined) texts.set(`${stream} ${symbol}`, { stream, symbol, text: line });
    else entry.text += line;
  };
  for (const message of messages) add(message.stream, message.symbol, encodeLine(message.payload, message.t * 1000, 5));
  const firstUs = (messages[0]?.t ?? 0) * 1000;
  for (const symbol of new Set(messages.map((message) => message.symbol)))
    add("exchangeInfo", symbol, encodeLine(factsOf(symbol), firstUs, null));
  const segments = [...texts.values()].map(({ stream, symbol, text }) => {
    const segment = segmentOf("23-50", { stream, symbol, date: dateOf(firstUs) });
    writeRaw(dataDir, segment, text);
    return segment;
  });
  await archiveHere(dataDir, segments, { gapsOf });
}

function factsOf(symbol: string): string {
  return JSON.stringify({
    ...{ symbol, status: "TRADING", baseAsset: symbol.slice(0, 3), quoteAsset: "USDT" },
    filters: [
      { filterType: "PRICE_FILTER", minPrice: "0.01000000", maxPrice: "1000000.00000000", tickSize: "0.01000000" },
      { filterType: "LOT_SIZE", minQty: "0.00001000", maxQty: "9000.00000000", stepSize: "0.00001000" },
    ],
  });
}
