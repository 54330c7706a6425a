import { expect, test } from "bun:test";
import { addressesOf, spreadStreams, subscriptionOf } from "../../../server/binance/sockets/endpoint.ts";
import { createSubscriptions, splitNames } from "../../../server/binance/sockets/subscriptions.ts";
import { createStream, parseStreamType, type StreamType } from "../../../server/domain/stream.ts";
import { createManualTime } from "../../support/time/manual-time.ts";

const types = ["depth20@100ms", "aggTrade"].map(parseStreamType) as StreamType[];
const many = Array.from({ length: 1000 }, (_, n) => types.map((type) => createStream(`SYMBOL${n}USDT`, type))).flat();

test("a thousand symbols fit Binance's limits, each stream is asked for exactly once, a symbol stays on one socket", () => {
  const sockets = spreadStreams(many);
  expect(sockets.flat().length).toBe(2000);
  expect(new Set(sockets.flat()).size).toBe(2000);
  for (const streams of sockets) {
    expect(streams.length).toBeLessThanOrEqual(1024);
    const names = streams.map(({ name }) => name);
    const { url, inUrl, rest } = subscriptionOf("wss://stream.binance.com:9443", names);
    expect(new URL(url).searchParams.get("streams")?.split("/") ?? []).toEqual([...inUrl]);
    expect([...inUrl, ...rest]).toEqual(names);
    expect(url.length).toBeLessThan(4200);
    for (const list of splitNames(rest)) expect(JSON.stringify(list).length).toBeLessThan(4100);
  }
  const home = new Map<string, number>();
  sockets.forEach((streams, n) => {
    for (const { symbol } of streams) expect(home.get(symbol) ?? n).toBe(home.set(symbol, n).get(symbol) as number);
  });
});

test("control messages leave half a second apart, which is what the exchange accepts", () => {
  const time = createManualTime(0);
  const sent: number[] = [];
  const subscriptions = createSubscriptions({ send: () => void sent.push(time.now()), after: time.after });
  subscriptions.subscribe(many.map(({ name }) => name));
  subscriptions.unsubscribe(["btcusdt@trade"]);
  subscriptions.open();
  while (time.next());
  expect(sent.length).toBeGreaterThan(5);
  expect(sent.slice(1).map((atMs, n) => atMs - (sent[n] ?? 0))).toEqual(sent.slice(1).map(() => 500));
});

test("microseconds are asked for in the URL, and only if they are wanted", () => {
  expect(subscriptionOf("wss://x", ["btcusdt@trade"], "us").url).toBe(
    "wss://x/stream?streams=btcusdt@trade&timeUnit=MICROSECOND",
  );
  expect(subscriptionOf("wss://x", ["btcusdt@trade"], "ms").url).toBe("wss://x/stream?streams=btcusdt@trade");
});

test("two sockets have two addresses: those configured, else both ports of the exchange's own host", () => {
  const [own, twin] = ["wss://stream.binance.com:9443", "wss://stream.binance.com:443"];
  expect(addressesOf(own, [])).toEqual([own, twin]);
  expect(addressesOf(own, ["wss://data-stream.binance.vision"])).toEqual([own, "wss://data-stream.binance.vision"]);
  expect(addressesOf("ws://127.0.0.1:1", [])).toEqual(["ws://127.0.0.1:1"]);
});
