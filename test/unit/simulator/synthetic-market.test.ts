import { afterEach, expect, test } from "bun:test";
import { silentLog } from "../../../server/platform/log/log.ts";
import { profileOf } from "../../../server/simulator/market/symbol-profile.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import type { MarketEvent } from "../../../server/simulator/protocol/market-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { connect } from "../../support/simulator/client.ts";
import { until } from "../../support/wait.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const symbols = ["BTCUSDT", "ETHUSDT", "DOGEUSDT", "SHIBUSDT", "SOMEUSDT", "币安USDT"];
const startMs = 1_700_000_000_000;

type Level = [price: string, quantity: string];
type Diff = { e: string; E: number; s: string; U: number; u: number; b: Level[]; a: Level[] };
type Partial20 = { lastUpdateId: number; bids: Level[]; asks: Level[] };

/** A local order book, kept as the exchange's documentation says. */
function createLocalBook(snapshot: string) {
  const { lastUpdateId, bids, asks } = JSON.parse(snapshot) as Partial20;
  const sides = { b: new Map(bids), a: new Map(asks) };
  let last = lastUpdateId;
  return {
    apply(diff: Diff): void {
      if (diff.U !== last + 1) throw new Error(`${diff.s}: U ${diff.U} does not follow u ${last}`);
      last = diff.u;
      for (const side of ["b", "a"] as const) {
        const prices = diff[side].map(([price]) => (side === "a" ? Number(price) : -Number(price)));
        if (prices.some((price, n) => price <= (prices[n - 1] ?? Number.NEGATIVE_INFINITY)))
          throw new Error(`${diff.s}: a diff names prices twice or out of order: ${JSON.stringify(diff)}`);
        for (const [price, quantity] of diff[side]) {
          if (Number(quantity) === 0) sides[side].delete(price);
          else sides[side].set(price, quantity);
        }
      }
    },
    top(levels: number): string {
      const sorted = (side: Map<string, string>, direction: number) =>
        [...side].sort(([a], [b]) => direction * (Number(a) - Number(b))).slice(0, levels);
      return JSON.stringify({ lastUpdateId: last, bids: sorted(sides.b, -1), asks: sorted(sides.a, 1) });
    },
  };
}

function byStream(events: readonly MarketEvent[], stream: string): string[] {
  return events.filter((event) => event.stream === stream).map((event) => event.payload);
}

test("the same seed gives the same events, another seed others, whoever listens", () => {
  const run = (seed: number, wants?: (stream: string) => boolean) => {
    const market = createSyntheticMarket({ symbols, seed });
    return Array.from({ length: 300 }, (_, n) => market.tick(startMs + n * 100, wants)).flat();
  };
  const events = run(1);
  expect(run(1)).toEqual(events);
  expect(run(2)).not.toEqual(events);
  const wanted = (stream: string) => stream.endsWith("@depth5");
  expect(run(1, wanted)).toEqual(events.filter((event) => wanted(event.stream)));
});

test("diffs replayed over the REST book give every partial depth frame, of all sizes and both speeds", () => {
  const market = createSyntheticMarket({ symbols, seed: 5, levels: 120 });
  for (let n = 0; n < 20; n++) market.tick(startMs + n * 100);
  const books = symbols.map((symbol) => ({
    name: symbol.toLowerCase(),
    fast: createLocalBook(market.depth(symbol, 5000) ?? ""),
    slow: createLocalBook(market.depth(symbol, 5000) ?? ""),
    compared: 0,
  }));
  for (let n = 20; n < 700; n++) {
    const events = market.tick(startMs + n * 100);
    for (const book of books) {
      const [diff] = byStream(events, `${book.name}@depth@100ms`);
      if (diff !== undefined) book.fast.apply(JSON.parse(diff));
      const [slow] = byStream(events, `${book.name}@depth`);
      if (slow !== undefined) book.slow.apply(JSON.parse(slow));
      for (const levels of [5, 10, 20]) {
        const fastFrames = byStream(events, `${book.name}@depth${levels}@100ms`);
        expect(fastFrames).toEqual(diff === undefined ? [] : [book.fast.top(levels)]);
        expect(byStream(events, `${book.name}@depth${levels}`)).toEqual(
          slow === undefined ? [] : [book.slow.top(levels)],
        );
        book.compared += fastFrames.length;
      }
      expect(market.depth(book.name.toUpperCase(), 20)).toBe(book.fast.top(20));
    }
  }
  for (const book of books) expect([book.name, book.compared > 10]).toEqual([book.name, true]);
});

test("books never cross, are sorted as the wire wants them, and hold 20 levels a side on all but the thinnest", () => {
  const market = createSyntheticMarket({ symbols, seed: 11 });
  for (let n = 0; n < 3000; n++) {
    for (const { stream, payload } of market.tick(startMs + n * 100, (name) => name.endsWith("@depth20@100ms"))) {
      const { bids, asks } = JSON.parse(payload) as Partial20;
      const prices = [...bids.toReversed(), ...asks].map(([price]) => Number(price));
      const rising = prices.every((price, rank) => rank === 0 || price > (prices[rank - 1] ?? 0));
      if (!rising || bids.length < 20 || asks.length < 20) throw new Error(`${stream}: ${payload}`);
      for (const [price, quantity] of [...bids, ...asks]) {
        if (!/^\d+\.\d{8}$/.test(price) || !/^\d+\.\d{8}$/.test(quantity) || Number(quantity) <= 0)
          throw new Error(`${stream}: ${price} ${quantity}`);
      }
    }
  }
});

test("trades, aggregates and book tickers number on without a hole and agree with each other", () => {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 8 });
  let trades: { t: number; p: string; q: string; T: number; E: number; m: boolean }[] = [];
  let lastTrade = 0;
  let lastAggregate = 0;
  let lastTime = 0;
  let lastTicker = "";
  let tickers = 0;
  let aggregates = 0;
  for (let n = 0; n < 2000; n++) {
    const atMs = startMs + n * 100;
    const events = market.tick(atMs);
    trades = byStream(events, "btcusdt@trade").map((payload) => JSON.parse(payload));
    for (const trade of trades) {
      expect(trade).toMatchObject({ e: "trade", E: atMs, s: "BTCUSDT", M: true });
      if (lastTrade > 0) expect(trade.t).toBe(lastTrade + 1);
      lastTrade = trade.t;
      expect(trade.T).toBeGreaterThanOrEqual(lastTime);
      expect(trade.T).toBeLessThanOrEqual(atMs);
      lastTime = trade.T;
    }
    for (const payload of byStream(events, "btcusdt@aggTrade")) {
      const aggregate = JSON.parse(payload);
      if (lastAggregate > 0) expect(aggregate.a).toBe(lastAggregate + 1);
      lastAggregate = aggregate.a;
      aggregates += 1;
      const parts = trades.splice(0, aggregate.l - aggregate.f + 1);
      expect([parts[0]?.t, parts.at(-1)?.t]).toEqual([aggregate.f, aggregate.l]);
      expect(parts.every(({ p, m, T }) => p === aggregate.p && m === aggregate.m && T === aggregate.T)).toBe(true);
      const sum = parts.reduce((lots, { q }) => lots + Math.round(Number(q) * 1e5), 0);
      expect(Math.round(Number(aggregate.q) * 1e5)).toBe(sum);
    }
    expect(trades).toEqual([]);
    const [diff] = byStream(events, "btcusdt@depth@100ms").map((payload) => JSON.parse(payload) as Diff);
    const quotes = byStream(events, "btcusdt@bookTicker").map((payload) => JSON.parse(payload));
    for (const { u, ...quote } of quotes) {
      expect(u).toBeGreaterThanOrEqual(diff?.U ?? Number.NaN);
      expect(u).toBeLessThanOrEqual(diff?.u ?? Number.NaN);
      const text = JSON.stringify(quote);
      expect(text).not.toBe(lastTicker);
      lastTicker = text;
      tickers += 1;
    }
    const [partial] = byStream(events, "btcusdt@depth5@100ms").map((payload) => JSON.parse(payload) as Partial20);
    if (quotes.length > 0) {
      const { b, B, a, A } = quotes.at(-1);
      expect([
        [b, B],
        [a, A],
      ] as Level[]).toEqual([partial?.bids[0] as Level, partial?.asks[0] as Level]);
    }
  }
  expect(aggregates).toBeGreaterThan(500);
  expect(tickers).toBeGreaterThan(1000);
});

test("quiet symbols are silent for seconds; unknown names look plausible and keep their spelling", () => {
  const quiet = { ...profileOf("QUIETUSDT"), pace: 0.002 };
  const market = createSyntheticMarket({ symbols: ["QUIETUSDT"], seed: 2, symbolFactory: () => quiet });
  let silent = 0;
  let longest = 0;
  let events = 0;
  for (let n = 0; n < 3000; n++) {
    const batch = market.tick(startMs + n * 100);
    silent = batch.length === 0 ? silent + 1 : 0;
    longest = Math.max(longest, silent);
    events += batch.length;
  }
  expect(longest).toBeGreaterThan(50);
  expect(events).toBeGreaterThan(5);
  expect(profileOf("币安USDT")).toMatchObject({ symbol: "币安USDT", baseAsset: "币安", quoteAsset: "USDT" });
  for (let n = 0; n < 500; n++) {
    const { price, tickDecimals, lotDecimals, restingLots } = profileOf(`NAME${n}USDT`);
    const ticks = price * 10 ** tickDecimals;
    expect(ticks).toBeGreaterThan(500);
    expect(ticks).toBeLessThan(1e7);
    expect(lotDecimals).toBeLessThanOrEqual(8);
    expect(restingLots).toBeGreaterThanOrEqual(20);
  }
});

test("a past generated tick by tick goes on seamlessly when the market starts", async () => {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 4, speed: 20 });
  let last: Diff | undefined;
  for (let n = 0; n < 50; n++) {
    const [diff] = byStream(market.tick(startMs + n * 100), "btcusdt@depth@100ms");
    if (diff !== undefined) last = JSON.parse(diff);
  }
  const exchange = createSimulatedExchange({}, { source: market, log: silentLog });
  stops.push(exchange.stop);
  const depthBefore = JSON.parse(market.depth("BTCUSDT", 5) ?? "{}");
  expect(depthBefore.lastUpdateId).toBe(last?.u);
  const { wsUrl } = await exchange.start();
  const client = await connect(`${wsUrl}/ws/btcusdt@depth@100ms`);
  const diff = JSON.parse(await client.next("a diff")) as Diff;
  expect(diff.U).toBeGreaterThan(last?.u ?? Number.NaN);
  expect(Math.abs(diff.E - Date.now())).toBeLessThan(60_000);
});

test("a client that follows the documented steps over real sockets keeps the book of the partial depth stream", async () => {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 4, speed: 10 });
  const exchange = createSimulatedExchange({}, { source: market, log: silentLog });
  stops.push(exchange.stop);
  const { wsUrl, restUrl } = await exchange.start();
  const client = await connect(`${wsUrl}/stream?streams=btcusdt@depth@100ms/btcusdt@depth20@100ms`);
  const first = JSON.parse(await client.next("a diff", (text) => text.includes("depthUpdate"))).data as Diff;
  const snapshot = await (await fetch(`${restUrl}/api/v3/depth?symbol=BTCUSDT&limit=5000`)).text();
  const { lastUpdateId } = JSON.parse(snapshot) as Partial20;
  expect(lastUpdateId).toBeGreaterThanOrEqual(first.U);
  await until(() => client.received.length > 400, "400 frames");
  const book = createLocalBook(snapshot);
  let compared = 0;
  for (const text of client.received) {
    const { stream, data } = JSON.parse(text);
    if (stream === "btcusdt@depth@100ms" && data.u > lastUpdateId) book.apply(data);
    if (stream === "btcusdt@depth20@100ms" && data.lastUpdateId > lastUpdateId) {
      expect(JSON.stringify(data)).toBe(book.top(20));
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(100);
});
