import { silentLog } from "../../../server/platform/log/log.ts";
import { createFaults, type SpoiledFrame } from "../../../server/simulator/faults/faults.ts";
import type { MarketEvent } from "../../../server/simulator/protocol/market-source.ts";
import {
  createSimulatedExchange,
  type SentFrame,
  type SimulatedExchangeOptions,
} from "../../../server/simulator/simulated-exchange.ts";
import { until } from "../wait.ts";
import { createScriptedSource } from "./scripted-source.ts";

/** A frame as a plain client sees it. */
export type Seen = string | Uint8Array;

/** A plain WebSocket client that keeps everything it sees, binary frames and control frames included. */
export type Watcher = {
  readonly frames: Seen[];
  /** Payloads of pings and pongs, as text. */
  readonly pings: string[];
  readonly pongs: string[];
  isOpen(): boolean;
  closed(): { code: number; reason: string } | null;
  send(message: object): void;
  sendText(text: string): void;
  close(): void;
};

/** Connects; resolves when the socket is open or has failed. */
export async function watch(url: string): Promise<Watcher> {
  const watcher = watchUnopened(url);
  await until(() => watcher.isOpen() || watcher.closed() !== null, `an answer from ${url.slice(0, 100)}`);
  return watcher;
}

/** Connects without waiting. */
export function watchUnopened(url: string): Watcher {
  const socket = new WebSocket(url);
  const frames: Seen[] = [];
  const pings: string[] = [];
  const pongs: string[] = [];
  let closed: { code: number; reason: string } | null = null;
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) =>
    frames.push(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer)),
  );
  socket.addEventListener("close", ({ code, reason }) => {
    closed = { code, reason };
  });
  const control = socket as unknown as {
    addEventListener(type: "ping" | "pong", listener: (event: { data: Uint8Array }) => void): void;
  };
  control.addEventListener("ping", ({ data }) => pings.push(new TextDecoder("latin1").decode(data)));
  control.addEventListener("pong", ({ data }) => pongs.push(new TextDecoder("latin1").decode(data)));
  return {
    ...{ frames, pings, pongs },
    isOpen: () => socket.readyState === WebSocket.OPEN,
    closed: () => closed,
    send: (message) => socket.send(JSON.stringify(message)),
    sendText: (text) => socket.send(text),
    close: () => socket.close(),
  };
}

/** An exchange whose market and faults are in the test's hands. */
export async function startFaulty(options: SimulatedExchangeOptions = {}) {
  const source = createScriptedSource();
  const sent: SentFrame[] = [];
  const spoiled: SpoiledFrame[] = [];
  const faults = createFaults({ onSpoiled: (frame) => spoiled.push(frame) });
  const exchange = createSimulatedExchange(options, {
    source,
    faults,
    onSent: (frame) => sent.push(frame),
    log: silentLog,
  });
  return { source, faults, sent, spoiled, exchange, ...(await exchange.start()) };
}

/** Names of the streams that the tables below use. */
export const btcBook = "btcusdt@depth20@100ms";
export const ethBook = "ethusdt@depth20@100ms";
export const btcTrades = "btcusdt@aggTrade";
export const mark = "end@mark";

/** Partial book number `id` of a symbol, with five levels a side. */
export function book(id: number, stream = btcBook): MarketEvent {
  const side = (from: number, step: number) =>
    JSON.stringify(Array.from({ length: 5 }, (_, n) => [(from + step * n).toFixed(8), "1.00000000"]));
  return { stream, payload: `{"lastUpdateId":${id},"bids":${side(100, -1)},"asks":${side(101, 1)}}` };
}

/** Diff from `first` to `last` of BTCUSDT. */
export function diff(first: number, last: number): MarketEvent {
  return {
    stream: "btcusdt@depth@100ms",
    payload: `{"e":"depthUpdate","E":1763800000000,"s":"BTCUSDT","U":${first},"u":${last},"b":[["1.00000000","2.00000000"]],"a":[]}`,
  };
}

/** Aggregate trade number `id`. */
export function trade(id: number, stream = btcTrades): MarketEvent {
  const values = `"a":${id},"p":"100.00000000","q":"1.00000000","f":${2 * id},"l":${2 * id + 1},"T":1763800000000,"m":true,"M":true`;
  return { stream, payload: `{"e":"aggTrade","E":1763800000001,"s":"BTCUSDT",${values}}` };
}

/** The update or aggregate ids of readable data frames, in order. */
export function idsOf(watcher: Watcher, stream: string): number[] {
  return watcher.frames.flatMap((frame) => {
    const parsed = parseFrame(frame);
    return parsed?.stream === stream ? [Number(parsed.data.lastUpdateId ?? parsed.data.a ?? parsed.data.u)] : [];
  });
}

/** Parses a combined frame; null for other frames. */
export function parseFrame(frame: Seen): { stream: string; data: Record<string, unknown> } | null {
  if (typeof frame !== "string") return null;
  try {
    const value = JSON.parse(frame);
    return typeof value.stream === "string" && typeof value.data === "object" ? value : null;
  } catch {
    return null;
  }
}
