import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RateLimitBanError, Spot, TimeUnit, TooManyRequestsError } from "@binance/spot";
import { until } from "../../support/wait.ts";
import { type ExchangeUnderTest, startExchange, symbols } from "./exchange-under-test.ts";

type Connection = Awaited<ReturnType<Spot["websocketStreams"]["connect"]>>;
type Trade = { readonly a?: number | bigint; readonly E?: number | bigint; readonly T?: number | bigint };

describe("what only the official connector can do", () => {
  let market: ExchangeUnderTest;
  let connection: Connection | null = null;

  function spot(timeUnit: TimeUnit = TimeUnit.MILLISECOND): Spot {
    const { wsUrl, restUrl } = market.urls;
    return new Spot({
      configurationRestAPI: { apiKey: "", basePath: restUrl, timeUnit, retries: 0 },
      configurationWebsocketStreams: { wsURL: wsUrl, timeUnit },
    });
  }

  beforeEach(async () => {
    process.env.LOG_LEVEL ??= "error";
    market = await startExchange();
  });
  afterEach(async () => {
    await connection?.disconnect();
    connection = null;
    await market.exchange.stop();
  });

  test("asks for microseconds, and gets them in events and over REST, which accepts them in queries too", async () => {
    const client = spot(TimeUnit.MICROSECOND);
    const trades: Trade[] = [];
    connection = await client.websocketStreams.connect();
    connection.aggTrade({ symbol: "btcusdt" }).on("message", (trade) => void trades.push(trade));
    await until(() => trades.length >= 10, "ten trades");
    const { T: from = 0, a: first = 0 } = trades[5] ?? {};
    for (const { E = 0, T = 0 } of trades) expect(`${E} ${T}`).toMatch(/^\d{16} \d{16}$/);
    const { serverTime = 0 } = await (await client.restAPI.time()).data();
    expect(String(serverTime)).toMatch(/^\d{16}$/);
    const since = await (await client.restAPI.aggTrades({ symbol: "BTCUSDT", startTime: from, limit: 100 })).data();
    // Several trades may have the same time: the requested trade need not be the first of them.
    expect(since.every(({ T = 0 }) => BigInt(T) >= BigInt(from))).toBe(true);
    expect(since.find(({ a }) => a === first)?.T).toBe(Number(from));
  });

  test("names streams in the URL, and spreads them over a pool of sockets", async () => {
    const client = spot();
    const stream = symbols.map((symbol) => `${symbol.toLowerCase()}@depth@100ms`);
    connection = await client.websocketStreams.connect({ stream, mode: "pool", poolSize: 2 });
    const seen = new Set<string>();
    connection.on("message", (text: string) => void seen.add(JSON.parse(text).stream));
    await until(() => seen.size === 2, "both streams");
    expect(market.exchange.stats()).toMatchObject({ connections: 2, streams: 2 });
    await until(() => market.sent.length >= 20, "more of them");
    const sockets = new Set(market.sent.map((frame) => `${frame.connection} ${frame.stream}`));
    expect(sockets.size).toBe(4);
  });

  test("asks for some symbols, reads the weight it has used, and is told to stop, then banned", async () => {
    await market.exchange.stop();
    // A clock that stands still: the weight of a minute must not be forgiven halfway.
    const now = Date.now();
    market = await startExchange({ weightPerMinute: 100 }, { now: () => now });
    const { restAPI } = spot();
    const known = await restAPI.exchangeInfo({ symbols: ["ETHUSDT"] });
    expect((await known.data()).symbols?.map(({ symbol }) => symbol)).toEqual(["ETHUSDT"]);
    const weight = { rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1 } as const;
    expect(known.rateLimits).toContainEqual({ ...weight, count: 20 });
    const greedy = () => restAPI.depth({ symbol: "BTCUSDT", limit: 5000 });
    await expect(greedy()).rejects.toBeInstanceOf(TooManyRequestsError);
    for (let n = 0; n < 9; n++) await greedy().catch(() => {});
    await expect(greedy()).rejects.toBeInstanceOf(RateLimitBanError);
    await expect(restAPI.ping()).rejects.toThrow("IP banned until");
  });
});
