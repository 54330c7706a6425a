import { afterEach, expect, test } from "bun:test";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createConnectLimit } from "../../../server/simulator/connect-limit.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import {
  createSimulatedExchange,
  type SimulatedExchangeOptions,
} from "../../../server/simulator/simulated-exchange.ts";
import { book, startFaulty, watch } from "../../support/simulator/fault-bench.ts";
import { until } from "../../support/wait.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(options: SimulatedExchangeOptions = {}) {
  const running = await startFaulty(options);
  stops.push(running.exchange.stop);
  return running;
}

test("a connection is closed at the end of its life with the configured code and reason; a new connection lives as long", async () => {
  const { wsUrl } = await start({ lifeMs: 80, lifeEnd: { code: 1008, reason: "too old" } });
  for (let round = 0; round < 2; round++) {
    const opened = performance.now();
    const watcher = await watch(`${wsUrl}/ws`);
    await until(() => watcher.closed() !== null, "the end of its life");
    expect(watcher.closed()).toEqual({ code: 1008, reason: "too old" });
    expect(performance.now() - opened).toBeGreaterThanOrEqual(79);
  }
});

test("the end of a life can be a bare cut of TCP", async () => {
  const { wsUrl } = await start({ lifeMs: 30, lifeEnd: "terminate" });
  const watcher = await watch(`${wsUrl}/ws`);
  await until(() => watcher.closed() !== null, "the cut");
  expect(watcher.closed()?.code).toBe(1006);
});

test("staggered lives end one after the other, the oldest connection first", async () => {
  const { wsUrl, exchange } = await start({ lifeMs: 150, lifeStaggerMs: 120 });
  const watchers = [await watch(`${wsUrl}/ws`), await watch(`${wsUrl}/ws`), await watch(`${wsUrl}/ws`)];
  const order: number[] = [];
  await until(() => {
    for (const [n, watcher] of watchers.entries()) if (watcher.closed() !== null && !order.includes(n)) order.push(n);
    return order.length === 3;
  }, "all three to end");
  expect([order, exchange.stats().connections]).toEqual([[0, 1, 2], 0]);
});

test("serverShutdown comes before the end, by the configured lead, and only to the connection that ends", async () => {
  const { wsUrl } = await start({ lifeMs: 200, lifeStaggerMs: 60_000, shutdownLeadMs: 120 });
  const [raw, younger] = [await watch(`${wsUrl}/ws`), await watch(`${wsUrl}/ws`)];
  await until(() => raw.frames.length > 0, "the announcement");
  const announced = performance.now();
  await until(() => raw.closed() !== null, "the end");
  expect(performance.now() - announced).toBeGreaterThan(60);
  expect(JSON.parse(String(raw.frames[0]))).toEqual({ e: "serverShutdown", E: expect.any(Number) });
  expect([younger.frames, younger.isOpen()]).toEqual([[], true]);
});

test("announceShutdown reaches every socket in its own form and time unit, without a subscription", async () => {
  const { wsUrl, exchange } = await start();
  const raw = await watch(`${wsUrl}/ws`);
  const combined = await watch(`${wsUrl}/stream`);
  const micro = await watch(`${wsUrl}/stream?timeUnit=microsecond`);
  exchange.announceShutdown();
  await until(() => [raw, combined, micro].every(({ frames }) => frames.length === 1), "three announcements");
  const [own, wrapped, precise] = [raw, combined, micro].map(({ frames }) => JSON.parse(String(frames[0])));
  expect(String(raw.frames[0])).toMatch(/^\{"e":"serverShutdown","E":\d{13}\}$/);
  expect(wrapped).toEqual({ stream: "!serverShutdown", data: { e: "serverShutdown", E: expect.any(Number) } });
  expect([String(own.E).length, String(precise.data.E).length]).toEqual([13, 16]);
});

for (const [status, refusal] of [
  [429, {}],
  [403, { connectRefusal: 403 }],
] as const) {
  test(`handshakes beyond the limit are refused with ${status}; open connections and REST stay`, async () => {
    const { wsUrl, restUrl } = await start({ connectsPer5Minutes: 3, ...refusal });
    const first = await watch(`${wsUrl}/ws`);
    await watch(`${wsUrl}/stream`);
    expect((await fetch(`${restUrl}/ws`, { headers: upgrade })).status).toBe(101);
    expect((await fetch(`${restUrl}/ws`, { headers: upgrade })).status).toBe(status);
    expect((await watch(`${wsUrl}/ws`)).isOpen()).toBe(false);
    expect([first.isOpen(), (await fetch(`${restUrl}/api/v3/ping`)).status]).toEqual([true, 200]);
  });
}

const upgrade = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

test("the window of the limit slides, per address, and whoever storms on stays refused", () => {
  const limit = createConnectLimit({ attempts: 3, windowMs: 1000 });
  const admit = (now: number, address = "10.0.0.1") => limit.admit(address, now);
  expect([admit(0), admit(100), admit(200), admit(300)]).toEqual([true, true, true, false]);
  expect(admit(300, "10.0.0.2")).toBe(true);
  expect([admit(1050), admit(1250), admit(1299)]).toEqual([false, true, false]);
  for (let now = 1400; now < 9000; now += 200) expect([now, admit(now)]).toEqual([now, false]);
  expect(admit(10_000)).toBe(true);
  expect([createConnectLimit({ attempts: 0, windowMs: 1000 }).admit("", 0)]).toEqual([false]);
  const none = createConnectLimit({ attempts: Number.POSITIVE_INFINITY, windowMs: 1000 });
  expect(Array.from({ length: 1000 }, (_, n) => none.admit("", n)).every(Boolean)).toBe(true);
});

test("flatErrors: error frames are flat, and even a text that is not JSON is answered", async () => {
  const { wsUrl } = await start({ flatErrors: true, maxStreams: 1 });
  const watcher = await watch(`${wsUrl}/ws`);
  watcher.send({ method: "FOO", id: 1 });
  watcher.sendText("{");
  watcher.send({ method: "SUBSCRIBE", params: ["a@b", "c@d"], id: 3 });
  await until(() => watcher.closed() !== null, "the close for too many streams");
  expect(watcher.frames.map((frame) => JSON.parse(String(frame)))).toEqual([
    { code: 2, msg: expect.stringContaining("unknown variant"), id: 1 },
    { code: 3, msg: expect.stringContaining("Invalid JSON"), id: null },
    { code: 4, msg: "Too many subscriptions", id: 3 },
  ]);
  expect(watcher.closed()).toEqual({ code: 1008, reason: "Invalid request" });
});

test("microseconds change no message without times: partial depth and bookTicker are as ever", async () => {
  const { wsUrl, source } = await start();
  const ticker = {
    stream: "btcusdt@bookTicker",
    payload: '{"u":1763800000000,"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}',
  };
  const diff = '{"e":"depthUpdate","E":1763800000000,"s":"BTCUSDT","U":1763800000001,"u":1763800000002,"b":[],"a":[]}';
  const partial = book(1_763_800_000_000);
  const watcher = await watch(
    `${wsUrl}/stream?streams=${partial.stream}/${ticker.stream}/btcusdt@depth&timeUnit=MICROSECOND`,
  );
  source.emit(partial, ticker, { stream: "btcusdt@depth", payload: diff });
  await until(() => watcher.frames.length === 3, "three frames");
  expect(watcher.frames).toEqual([
    `{"stream":"${partial.stream}","data":${partial.payload}}`,
    `{"stream":"${ticker.stream}","data":${ticker.payload}}`,
    `{"stream":"btcusdt@depth","data":${diff.replace('"E":1763800000000', '"E":1763800000000000')}}`,
  ]);
});

test("ids are echoed to the last digit over the whole range of 64 bits, and refused beyond it", async () => {
  const { wsUrl } = await start();
  const watcher = await watch(`${wsUrl}/ws`);
  for (const id of ["9223372036854775807", "-9223372036854775808", "9223372036854775808"]) {
    watcher.sendText(`{"method":"LIST_SUBSCRIPTIONS","id":${id}}`);
  }
  await until(() => watcher.frames.length === 3, "three replies");
  expect(watcher.frames.slice(0, 2)).toEqual([
    '{"result":[],"id":9223372036854775807}',
    '{"result":[],"id":-9223372036854775808}',
  ]);
  expect(JSON.parse(String(watcher.frames[2]))).toMatchObject({ error: { code: 2 }, id: null });
});

test("messages are compressed where that is switched on and the client offers it, and say the same", async () => {
  for (const deflate of [true, false]) {
    const { wsUrl, restUrl, source } = await start({ deflate });
    const offer = { ...upgrade, "sec-websocket-extensions": "permessage-deflate" };
    const answer = (await fetch(`${restUrl}/ws`, { headers: offer })).headers.get("sec-websocket-extensions");
    expect(answer ?? "").toMatch(deflate ? /permessage-deflate.*server_no_context_takeover/ : /^$/);
    const watcher = await watch(`${wsUrl}/ws/${book(1).stream}`);
    for (let id = 1; id <= 3; id++) source.emit(book(id));
    await until(() => watcher.frames.length === 3, "three frames");
    expect(watcher.frames).toEqual([1, 2, 3].map((id) => book(id).payload));
  }
});

test("the clock of /api/v3/time and exchangeInfo can be ahead of the exchange's own for good", async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"] });
  const exchange = createSimulatedExchange(
    { clockOffsetMs: 90_000 },
    { source, log: silentLog, now: () => 1_763_800_000_000 },
  );
  const { restUrl } = await exchange.start();
  stops.push(exchange.stop);
  for (const path of ["time", "exchangeInfo"]) {
    expect((await (await fetch(`${restUrl}/api/v3/${path}`)).json()).serverTime).toBe(1_763_800_090_000);
  }
});

test("statuses set at run time are in exchangeInfo, and a symbol that is not TRADING is silent", async () => {
  const { exchange, source, wsUrl, sent } = await start();
  const watcher = await watch(`${wsUrl}/stream?streams=btcusdt@depth20@100ms/ethusdt@depth20@100ms`);
  exchange.setStatus("BTCUSDT", "HALT");
  source.emit(book(1), book(1, "ethusdt@depth20@100ms"));
  exchange.setStatus("BTCUSDT", "TRADING");
  source.emit(book(2));
  await until(() => watcher.frames.length === 2, "two frames");
  expect(sent.map(({ stream }) => stream)).toEqual(["ethusdt@depth20@100ms", "btcusdt@depth20@100ms"]);
});
