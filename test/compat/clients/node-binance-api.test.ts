import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import Binance from "node-binance-api";
import { until } from "../../support/wait.ts";
import { type ExchangeUnderTest, startExchange, symbols } from "./exchange-under-test.ts";
import type { BookImage } from "./local-book.ts";

type DepthCache = { readonly bids: Record<string, number>; readonly asks: Record<string, number> };
type Context = { readonly lastEventUpdateId: number | null };
type Payload = Readonly<Record<string, unknown>>;

/** It has no SUBSCRIBE: one socket for each call, its streams in the URL; but it keeps local books of its own. */
describe("the client node-binance-api", () => {
  let market: ExchangeUnderTest;
  let client: Binance;
  let logged: string[];

  beforeEach(async () => {
    market = await startExchange();
    const { wsUrl, restUrl } = market.urls;
    const urls = { base: `${restUrl}/api/`, stream: `${wsUrl}/ws/`, combineStream: `${wsUrl}/stream?streams=` };
    logged = [];
    client = new Binance({ urls, log: (...words: unknown[]) => void logged.push(words.join(" ")) });
  });
  afterEach(async () => {
    // A socket that is being opened again is not in the list yet.
    const areGone = () => {
      for (const url of Object.keys(client.websockets.subscriptions())) client.terminate(url);
      return market.exchange.stats().connections === 0;
    };
    await until(areGone, "its sockets to be gone");
    await market.exchange.stop();
  });

  test("takes raw and combined streams by URL, and ends one without the other", async () => {
    const trades: Payload[] = [];
    const diffs: Payload[] = [];
    const url = client.websockets.aggTrades("BTCUSDT", (trade: Payload) => void trades.push(trade));
    client.websockets.depth(symbols, (diff: Payload) => void diffs.push(diff));
    await until(() => trades.length >= 5 && diffs.length >= 20, "trades and diffs");
    const sentTrades = market.sent.filter(({ stream }) => stream === "btcusdt@aggTrade");
    expect(trades.slice(0, 5)).toEqual(sentTrades.slice(0, 5).map(({ payload }) => JSON.parse(payload)));
    expect(new Set(diffs.map(({ s }) => s))).toEqual(new Set(symbols));
    client.websockets.terminate(String(url));
    await until(() => market.exchange.stats().connections === 1, "one socket to be left");
    const before = { trades: trades.length, diffs: diffs.length };
    await until(() => diffs.length >= before.diffs + 20, "the other stream to go on");
    expect(trades.length).toBe(before.trades);
  });

  test("gets clock, symbols, book, trades and refusals over REST", async () => {
    client.websockets.aggTrades("BTCUSDT", () => {});
    await until(() => market.sent.length >= 5, "some trades");
    expect(await client.ping()).toEqual({});
    expect(Math.abs((await client.time()).serverTime - Date.now())).toBeLessThan(2000);
    const { symbols: known } = (await client.exchangeInfo()) as { symbols: { symbol: string }[] };
    expect(known.map(({ symbol }) => symbol)).toEqual(symbols);
    const { bids, asks } = await client.depth("ETHUSDT", 5);
    expect([bids.length, asks.length]).toEqual([5, 5]);
    const trade = JSON.parse(market.sent[0]?.payload ?? "");
    const twin = (await client.aggTrades("BTCUSDT", { fromId: trade.a, limit: 1 }))[0];
    expect(twin).toMatchObject({ aggId: trade.a, price: trade.p, quantity: trade.q, timestamp: trade.T });
    await expect(client.depth("NOSUCH")).rejects.toThrow("Invalid symbol.");
  });

  test.each([
    ["TCP cut without a close frame", "terminate" as const],
    ["a close with a code", { code: 1001, reason: "Going away" }],
  ])("keeps its depth cache equal to every partial book, before and after %s", async (_how, how) => {
    const cached = new Map<string, string>();
    const partial = new Map<string, string>();
    const steps: { symbol: string; id: number; book: number }[] = [];
    /** Books begun from a snapshot: the first of each symbol, and one more after each cut. */
    const books = new Map<string, number>();
    client.websockets.depthCache(symbols, depthCache, 5000);
    for (const symbol of symbols) partialBook(symbol);

    function partialBook(symbol: string): void {
      const take = ({ lastUpdateId, bids, asks }: BookImage) => {
        const numbers = [bids, asks].map((side) => side.map(([p, q]) => [Number(p), Number(q)]));
        partial.set(`${symbol} ${lastUpdateId}`, JSON.stringify(numbers));
      };
      client.websockets.subscribe(`${symbol.toLowerCase()}@depth20@100ms`, take, () => partialBook(symbol));
    }

    function depthCache(symbol: string, { bids, asks }: DepthCache, context?: Context): void {
      // Without a context it is the snapshot, whose frame may have gone out before it was asked for.
      if (context === undefined) {
        books.set(symbol, (books.get(symbol) ?? 0) + 1);
        return;
      }
      // It also reports diffs that it leaves out, because they are older than the snapshot; on a busy machine they come after it.
      if (context.lastEventUpdateId === null) return;
      steps.push({ symbol, id: context.lastEventUpdateId, book: books.get(symbol) ?? 0 });
      cached.set(`${symbol} ${context.lastEventUpdateId}`, JSON.stringify([best(bids, -1), best(asks, 1)]));
    }

    const stepsOf = (symbol: string, book: number) =>
      steps.filter((step) => step.symbol === symbol && step.book === book);
    const stepped = (n: number, book: number) => symbols.every((symbol) => stepsOf(symbol, book).length >= n);
    await until(() => stepped(300, 1), "300 diffs of each symbol", 30_000);
    market.exchange.disconnectAll(how);
    await until(() => stepped(50, 2), "50 diffs of each symbol after the cut", 30_000);

    for (const book of [1, 2]) {
      for (const symbol of symbols) {
        const applied = stepsOf(symbol, book).map(({ id }) => id);
        expect(applied).toEqual(idsSent(symbol, applied));
        const compared = applied.map((id) => `${symbol} ${id}`).filter((key) => partial.has(key));
        expect(compared.length).toBeGreaterThanOrEqual(applied.length - 20);
        for (const key of compared) expect(cached.get(key)).toBe(partial.get(key) ?? "");
      }
    }
    expect(logged.filter((line) => /parse error|out of sync/i.test(line))).toEqual([]);
  });

  /** Update ids of the diffs sent for a symbol, from the first to the last of `applied`. */
  function idsSent(symbol: string, applied: readonly number[]): number[] {
    const stream = `${symbol.toLowerCase()}@depth@100ms`;
    const sent = market.sent.filter((frame) => frame.stream === stream).map(({ payload }) => JSON.parse(payload));
    const [first = 0, last = 0] = [applied[0], applied.at(-1)];
    return [...new Set(sent.map(({ u }) => u as number))].filter((u) => u >= first && u <= last);
  }
});

function best(side: Record<string, number>, direction: 1 | -1): [number, number][] {
  return Object.entries(side)
    .map(([price, quantity]): [number, number] => [Number(price), quantity])
    .sort(([a], [b]) => (a - b) * direction)
    .slice(0, 20);
}
