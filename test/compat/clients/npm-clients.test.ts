import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { SimulatedExchangeOptions } from "../../../server/simulator/simulated-exchange.ts";
import { until } from "../../support/wait.ts";
import { openBinance } from "./binance-client.ts";
import { type ExchangeUnderTest, startExchange, symbols } from "./exchange-under-test.ts";
import { followBooks } from "./follow-books.ts";
import type { MarketClient, OpenClient } from "./market-client.ts";
import { openOfficial } from "./official-client.ts";

const clients: readonly (readonly [name: string, open: OpenClient])[] = [
  ["@binance/spot", openOfficial],
  ["binance", openBinance],
];
const streams = ["btcusdt@depth20@100ms", "btcusdt@aggTrade", "ethusdt@depth@100ms"];
type Payload = Readonly<Record<string, unknown>>;

describe.each(clients)("the client %s", (_, open) => {
  let market: ExchangeUnderTest;
  let client: MarketClient | null = null;
  let received: Map<string, Payload[]>;

  async function connect(): Promise<MarketClient> {
    client = await open(market.urls, (stream, payload) => {
      const list = received.get(stream);
      if (list === undefined) received.set(stream, [payload]);
      else list.push(payload);
    });
    return client;
  }

  const count = (stream: string) => received.get(stream)?.length ?? 0;
  const each = (n: number) => streams.every((stream) => count(stream) >= n);

  async function restart(options: SimulatedExchangeOptions): Promise<void> {
    await market.exchange.stop();
    market = await startExchange(options);
  }

  beforeEach(async () => {
    market = await startExchange();
    received = new Map();
  });
  afterEach(async () => {
    await client?.close();
    client = null;
    await market.exchange.stop();
  });

  test("gets every frame of its subscriptions, as sent and in that order", async () => {
    await (await connect()).subscribe(streams);
    await until(() => each(10), "ten frames of each stream");
    for (const stream of streams) {
      const sent = market.sent.filter((frame) => frame.stream === stream);
      const frames = received.get(stream) ?? [];
      frames.forEach((frame, n) => {
        expect(frame).toMatchObject(JSON.parse(sent[n]?.payload ?? "null"));
      });
    }
    const [book, trade, diff] = streams.map((stream) => received.get(stream)?.[0]);
    expect(Object.keys(book ?? {})).toEqual(expect.arrayContaining(["lastUpdateId", "bids", "asks"]));
    expect(trade).toMatchObject({ e: "aggTrade", s: "BTCUSDT", M: true, p: expect.stringMatching(/^\d+\.\d{8}$/) });
    expect(diff).toMatchObject({ e: "depthUpdate", s: "ETHUSDT", b: expect.anything(), a: expect.anything() });
  });

  test("lists its subscriptions, and gets no frame of an ended subscription", async () => {
    // Faster than anyone may be: the official connector sends one request for each stream.
    await restart({ incomingPerSecond: 100 });
    const connected = await connect();
    await connected.subscribe(streams);
    await until(() => each(1), "a first frame of each stream");
    expect([...(await connected.listSubscriptions())].sort()).toEqual([...streams].sort());
    await connected.unsubscribe(["btcusdt@depth20@100ms"]);
    await until(() => market.exchange.stats().streams === 2, "the exchange to know");
    expect([...(await connected.listSubscriptions())].sort()).toEqual(streams.slice(1).sort());
    const before = { ended: count("btcusdt@depth20@100ms"), other: count("ethusdt@depth@100ms") };
    await until(() => count("ethusdt@depth@100ms") >= before.other + 20, "the other stream to go on");
    expect(count("btcusdt@depth20@100ms")).toBe(before.ended);
    await connected.subscribe(["btcusdt@depth20@100ms"]);
    await until(() => count("btcusdt@depth20@100ms") > before.ended, "the stream after subscribing again");
  });

  test.each([
    ["TCP cut without a close frame", "terminate" as const],
    ["a close with a code", { code: 1008, reason: "Pong timeout" }],
  ])("comes back after %s and has all its streams again", async (_how, how) => {
    await (await connect()).subscribe(streams);
    await until(() => each(2), "frames before the cut");
    market.exchange.disconnectAll(how);
    const before = new Map(streams.map((stream) => [stream, count(stream)]));
    await until(() => market.exchange.stats().connectionsTotal === 2, "a second connection");
    const again = (stream: string) => count(stream) >= (before.get(stream) ?? 0) + 3;
    await until(() => streams.every(again), "frames of each stream on the new connection");
    expect(market.exchange.stats()).toMatchObject({ connections: 1, streams: 3 });
  });

  test("gets clock, symbols, book, trades and refusals over REST", async () => {
    const connected = await connect();
    await connected.subscribe(streams);
    await until(() => count("btcusdt@aggTrade") >= 5, "some trades");
    expect(await connected.ping()).toEqual({});
    expect(Math.abs((await connected.time()) - Date.now())).toBeLessThan(2000);
    const { symbols: known } = await connected.exchangeInfo();
    expect(known.map(({ symbol, status }) => `${symbol} ${status}`)).toEqual(["BTCUSDT TRADING", "ETHUSDT TRADING"]);
    const book = await connected.depth("ETHUSDT", 5);
    expect([book.bids.length, book.asks.length]).toEqual([5, 5]);
    expect(Number(book.bids[0]?.[0])).toBeLessThan(Number(book.asks[0]?.[0]));
    const amount = expect.stringMatching(/^\d+\.\d{8}$/);
    expect(await connected.bookTicker("ETHUSDT")).toEqual({
      symbol: "ETHUSDT",
      ...{ bidPrice: amount, bidQty: amount, askPrice: amount, askQty: amount },
    });
    const trades = (await connected.aggTrades("BTCUSDT", 1000)) as Payload[];
    for (const { e: _e, E: _E, s: _s, ...trade } of received.get("btcusdt@aggTrade")?.slice(0, 5) ?? []) {
      const twin = trades.find(({ a }) => a === trade.a);
      expect(trade).toMatchObject(twin ?? { missing: trade.a });
    }
    await expect(connected.depth("NOSUCH", 5)).rejects.toMatchObject({
      message: expect.stringContaining("Invalid symbol."),
      code: -1121,
    });
  });

  test("is cut when it talks too much, and comes back with all its streams", async () => {
    const connected = await connect();
    await connected.subscribe(streams);
    await until(() => each(1), "a first frame of each stream");
    for (const symbol of ["a", "b", "c", "d", "e", "f"]) await connected.subscribe([`${symbol}@aggTrade`]);
    await until(() => market.exchange.stats().connectionsTotal === 2, "a second connection");
    const before = new Map(streams.map((stream) => [stream, count(stream)]));
    await until(() => streams.every((stream) => count(stream) > (before.get(stream) ?? 0)), "its streams again");
  });

  test("keeps local books of two symbols without one missing id, equal to every partial book, answering pings", async () => {
    await restart({ pingMs: 100, pongTimeoutMs: 1500, incomingPerSecond: 100 });
    // Diffs that wait for the REST book are applied, but the partial books of that time cannot be compared.
    const reports = await followBooks(open, market.urls, { symbols, frames: 400, partials: 390 });
    expect(reports.map(({ symbol }) => symbol)).toEqual(symbols);
    for (const report of reports) {
      expect(report).toMatchObject({ breaks: 0, differing: 0, unknownIds: 0 });
      expect(report.applied).toBeGreaterThanOrEqual(400);
      expect(report.compared).toBeGreaterThanOrEqual(390);
    }
    expect(market.exchange.stats().connectionsTotal).toBe(1);
  });
});
