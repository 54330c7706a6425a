import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { MainClient, WebsocketClient } from "binance";
import { until } from "../../support/wait.ts";
import { type ExchangeUnderTest, startExchange } from "./exchange-under-test.ts";

const quiet = { trace: () => {}, info: () => {}, error: () => {} };

describe("what only the client binance can do", () => {
  let market: ExchangeUnderTest;
  let socket: WebsocketClient;

  beforeEach(async () => {
    // A clock that stands still: no minute may end while weights are counted.
    const now = Date.now();
    market = await startExchange({ incomingPerSecond: 1000 }, { now: () => now });
    socket = new WebsocketClient(
      { wsUrl: market.urls.wsUrl, beautify: true, pingInterval: 50, pongTimeout: 1000 },
      quiet,
    );
  });
  afterEach(async () => {
    socket.closeAll(true);
    await market.exchange.stop();
  });

  test("words events in its own way, all their fields known to it", async () => {
    const events: { eventType?: string; [name: string]: unknown }[] = [];
    socket.on("formattedMessage", (event) => void events.push(event as never));
    const of = (type: string) => events.find(({ eventType }) => eventType === type);
    await socket.subscribe(["btcusdt@aggTrade", "btcusdt@depth@100ms", "btcusdt@trade", "btcusdt@bookTicker"], "main");
    await until(() => ["aggTrade", "depthUpdate", "trade", "bookTicker"].every(of), "each kind of event");
    const symbol = "BTCUSDT";
    expect(of("aggTrade")).toMatchObject({ symbol, price: expect.any(Number), maker: expect.any(Boolean) });
    expect(of("trade")).toMatchObject({ symbol, tradeId: expect.any(Number), quantity: expect.any(Number) });
    expect(of("depthUpdate")).toMatchObject({
      symbol,
      firstUpdateId: expect.any(Number),
      bidDepthDelta: expect.anything(),
    });
    expect(of("bookTicker")).toMatchObject({ symbol });
  });

  test("gets an error frame for a wrong request, and the connection stays", async () => {
    const exceptions: unknown[] = [];
    socket.on("exception", (event) => void exceptions.push(event));
    await socket.subscribe("btcusdt@aggTrade", "main");
    await until(() => market.sent.length > 0, "a first trade");
    socket.tryWsSend("main", JSON.stringify({ method: "FOO", params: [], id: 5 }));
    await until(() => exceptions.length > 0, "an exception");
    const msg = expect.stringContaining("unknown variant `FOO`");
    expect(exceptions).toMatchObject([{ id: 5, error: { code: 2, msg } }]);
    const { length } = market.sent;
    await until(() => market.sent.length > length, "the trades to go on");
    expect(market.exchange.stats().connectionsTotal).toBe(1);
  });

  test("reads the weight it has used from every answer", async () => {
    const rest = new MainClient({ baseUrl: market.urls.restUrl });
    await rest.getOrderBook({ symbol: "BTCUSDT", limit: 5000 });
    await rest.getExchangeInfo({ symbols: ["BTCUSDT", "ETHUSDT"] });
    expect(rest.getRateLimitStates()).toMatchObject({ "x-mbx-used-weight": 270, "x-mbx-used-weight-1m": 270 });
  });
});
