import { expect, test } from "bun:test";
import { createFeed } from "../../../../server/binance/feed/feed.ts";
import type { FeedGap } from "../../../../server/binance/gaps/feed-events.ts";
import { type Log, silentLog } from "../../../../server/platform/log/log.ts";
import { keyOf, streamOf } from "../../../support/binance/gap-check.ts";
import { createVirtualExchange } from "../../../support/binance/virtual-exchange.ts";
import { createManualTime } from "../../../support/time/manual-time.ts";

const startMs = Date.parse("2026-11-22T12:00:00Z");
const btc = streamOf("btcusdt@depth20@100ms");
const eth = streamOf("ethusdt@depth20@100ms");
const thin = streamOf("thinusdt@depth20@100ms");
const trades = streamOf("btcusdt@aggTrade");
const streams = [btc, eth, thin, trades];

/** A feed on its own time; `tick` is what the exchange emits every 100 ms, given how many ms have passed. */
function setUp(options: { mayDeliver?: (symbol: string) => boolean } = {}) {
  const time = createManualTime(startMs);
  const nowUs = () => Math.round(time.now() * 1000);
  const exchange = createVirtualExchange(time, { handshakeMs: 50, delayMs: () => 20 });
  const gaps: FeedGap[] = [];
  const warnings: { readonly message: string; readonly ms: number }[] = [];
  const log: Log = { ...silentLog, warn: (message) => warnings.push({ message, ms: time.now() - startMs }) };
  const records: { readonly key: string; readonly ms: number }[] = [];
  const feed = createFeed(
    { streams, addresses: ["ws://one"] },
    {
      ...{ nowUs, after: time.after, random: () => 0, connect: exchange.connect, log, ...options },
      sink: {
        onData: ({ stream }) => records.push({ key: keyOf(stream), ms: time.now() - startMs }),
        onOdd: (reason) => expect.unreachable(reason),
        onGaps: (found) => gaps.push(...found),
        onEpoch() {},
        onPing() {},
        onDated() {},
      },
    },
  );
  feed.start();
  let id = 1000;
  const emit = (name: string) => {
    id++;
    const payload = name.endsWith("aggTrade")
      ? `{"e":"aggTrade","E":${startMs},"s":"BTCUSDT","a":${id},"p":"1.0","q":"1.0","f":1,"l":1,"T":1,"m":true,"M":true}`
      : `{"lastUpdateId":${id},"bids":[["${id}.0","1.0"]],"asks":[]}`;
    exchange.emit(name, payload);
  };
  const silenced = new Set<string>();
  /** Lets time pass while busy books move every 100 ms and the thin one every 18 s. */
  function pass(ms: number): void {
    for (let left = ms; left > 0; left -= 100) {
      time.advance(Math.min(100, left));
      const passed = time.now() - startMs;
      for (const { name } of [btc, eth]) if (!silenced.has(name)) emit(name);
      if (Math.floor(passed / 18_000) !== Math.floor((passed - 100) / 18_000)) emit(thin.name);
    }
  }
  const said = (part: RegExp) => warnings.filter(({ message }) => part.test(message));
  return { time, exchange, feed, gaps, records, pass, silenced, said };
}

test("a connection that stops delivering is noticed within 3 seconds, pings or not, and a new connection takes its place", () => {
  const { exchange, feed, gaps, pass, said, records, time } = setUp();
  pass(60_000);
  const silentMs = time.now() - startMs;
  exchange.silence(0, 3_600_000);
  pass(5000);
  const [noticed] = said(/no data on an open connection/);
  expect((noticed?.ms ?? Number.POSITIVE_INFINITY) - silentMs).toBeLessThanOrEqual(3000);
  expect(feed.connections().map(({ role, state }) => [role, state])).toEqual([["current", "open"]]);
  const back = records.find(({ ms }) => ms > silentMs + 200)?.ms ?? Number.POSITIVE_INFINITY;
  expect(back - silentMs).toBeLessThanOrEqual(3500);
  expect(gaps.map(({ stream, cause }) => [keyOf(stream), cause])).toContainEqual(["BTCUSDT/depth20", "silent"]);
  for (const { fromUs, toUs } of gaps) expect(toUs - fromUs).toBeLessThan(4_500_000);
});

test("a single busy stream that falls silent is noticed within 3 seconds although others deliver; quiet streams raise no alarm in ten minutes", () => {
  const { gaps, pass, said, silenced, time, feed } = setUp();
  pass(600_000);
  expect(said(/./)).toEqual([]);
  const silentMs = time.now() - startMs;
  silenced.add(eth.name);
  pass(20_000);
  const [noticed] = said(/a stream is silent while others deliver/);
  expect((noticed?.ms ?? Number.POSITIVE_INFINITY) - silentMs).toBeLessThanOrEqual(3000);
  expect(feed.openGaps().map(({ stream, cause }) => [stream, cause])).toEqual([[eth, "silent"]]);
  silenced.clear();
  pass(1000);
  expect(feed.openGaps()).toEqual([]);
  expect(gaps.map(({ stream, cause }) => [stream, cause])).toEqual([[eth, "silent"]]);
  const [gap] = gaps;
  expect(Math.abs((gap?.toUs ?? 0) - (gap?.fromUs ?? 0) - 20_000_000)).toBeLessThan(500_000);
});

test("the silence of a symbol that the exchange has halted is said to be that, and no connection is replaced for it", () => {
  const { pass, silenced, feed, gaps } = setUp({ mayDeliver: (symbol) => symbol !== "ETHUSDT" });
  pass(60_000);
  silenced.add(eth.name);
  pass(120_000);
  expect(feed.openGaps().map(({ stream, cause }) => [stream, cause])).toEqual([[eth, "halted"]]);
  expect(feed.counts()).toMatchObject({ rollovers: 0, reconnects: 0 });
  silenced.clear();
  pass(1000);
  expect(gaps.map(({ cause }) => cause)).toEqual(["halted"]);
});

test("connections tried for one silent stream become rarer, so that a dead symbol does not wear out the others", () => {
  const { pass, silenced, feed } = setUp();
  pass(60_000);
  silenced.add(eth.name);
  pass(3_600_000);
  expect(feed.counts().rollovers).toBeGreaterThanOrEqual(3);
  expect(feed.counts().rollovers).toBeLessThanOrEqual(8);
  expect(feed.openGaps().map(({ stream }) => stream)).toEqual([eth]);
});

test("a connection is planned to be replaced before its 23 hours are over", () => {
  const { pass, feed, gaps } = setUp();
  pass(600_000);
  const [first] = feed.connections();
  const plannedHours = ((first?.rollover_us ?? 0) - (first?.since_us ?? 0)) / 3.6e9;
  expect(plannedHours).toBeGreaterThan(21);
  expect(plannedHours).toBeLessThanOrEqual(23);
  expect(gaps).toEqual([]);
});

test("when the process did not run for a while (a laptop asleep, a stopped process), the gap gets that cause", () => {
  const { exchange, pass, time, gaps } = setUp();
  pass(60_000);
  // No delivery and no timer: the exchange has cut us long before we wake up.
  time.sleep(40_000);
  exchange.cut(0);
  pass(5000);
  const ofBtc = gaps.filter(({ stream }) => stream === btc);
  expect(ofBtc.map(({ cause }) => cause)).toEqual(["host_asleep"]);
  expect(((ofBtc[0]?.toUs ?? 0) - (ofBtc[0]?.fromUs ?? 0)) / 1e6).toBeGreaterThan(39);
});
