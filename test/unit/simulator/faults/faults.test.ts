import { afterEach, expect, test } from "bun:test";
import { silentLog } from "../../../../server/platform/log/log.ts";
import { type Fault, faultKinds } from "../../../../server/simulator/faults/fault.ts";
import { createFaults } from "../../../../server/simulator/faults/faults.ts";
import { createSyntheticMarket } from "../../../../server/simulator/market/synthetic-market.ts";
import {
  createSimulatedExchange,
  type SimulatedExchangeOptions,
} from "../../../../server/simulator/simulated-exchange.ts";
import {
  book,
  btcBook,
  btcTrades,
  diff,
  ethBook,
  idsOf,
  mark,
  parseFrame,
  startFaulty,
  trade,
  type Watcher,
  watch,
  watchUnopened,
} from "../../../support/simulator/fault-bench.ts";
import { until } from "../../../support/wait.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const tested = new Set<string>();
const streams = [btcBook, ethBook, btcTrades, "btcusdt@depth@100ms", mark].join("/");

async function start(options: SimulatedExchangeOptions = {}) {
  const running = await startFaulty(options);
  stops.push(running.exchange.stop);
  const { source, faults, wsUrl } = running;
  return {
    ...running,
    url: `${wsUrl}/stream?streams=${streams}`,
    async watch(url = `${wsUrl}/stream?streams=${streams}`) {
      const watcher = await watch(url);
      stops.push(watcher.close);
      return watcher;
    },
    begin(fault: Fault) {
      tested.add(fault.kind);
      const handle = faults.begin(fault);
      stops.push(handle.end);
      return handle;
    },
    /** Resolves when everything sent before has come. */
    async settled(...watchers: Watcher[]) {
      const before = watchers.map((watcher) => idsOf(watcher, mark).length);
      source.emit({ stream: mark, payload: "{}" });
      await until(() => watchers.every((watcher, n) => idsOf(watcher, mark).length > (before[n] ?? 0)), "the mark");
    },
    emitBooks: (from: number, to: number) => {
      for (let id = from; id <= to; id++) source.emit(book(id));
    },
    /** Update ids that the exchange says it sent as data on BTCUSDT's book. */
    sentIds: () =>
      running.sent.filter(({ stream }) => stream === btcBook).map(({ payload }) => JSON.parse(payload).lastUpdateId),
  };
}

test("close: open and new connections are closed with the given code and reason until the fault is over", async () => {
  const { watch, begin } = await start();
  const [first, second] = [await watch(), await watch()];
  const fault = begin({ kind: "close", code: 1012, reason: "upgrade" });
  const third = await watch();
  await until(() => [first, second, third].every((watcher) => watcher.closed() !== null), "three closes");
  expect([first, second, third].map((watcher) => watcher.closed())).toEqual(
    Array(3).fill({ code: 1012, reason: "upgrade" }),
  );
  fault.end();
  expect([fault.hits(), (await watch()).isOpen()]).toEqual([3, true]);
});

test("close, one connection: the others stay", async () => {
  const { watch, begin, source, settled } = await start();
  const [first, second] = [await watch(), await watch()];
  begin({ kind: "close", connection: 1 });
  await until(() => first.closed() !== null, "the close");
  source.emit(book(1));
  await settled(second);
  expect([first.closed()?.code, idsOf(second, btcBook)]).toEqual([1001, [1]]);
});

test("reset: TCP is cut without a close frame", async () => {
  const { watch, begin } = await start();
  const watcher = await watch();
  begin({ kind: "reset" }).end();
  await until(() => watcher.closed() !== null, "the cut");
  expect(watcher.closed()).toMatchObject({ code: 1006 });
});

test("shutdown: serverShutdown is announced without a subscription, in both forms, and then the connections end", async () => {
  const { watch, begin, wsUrl } = await start();
  const [raw, combined] = [await watch(`${wsUrl}/ws`), await watch(`${wsUrl}/stream`)];
  const announced = performance.now();
  begin({ kind: "shutdown", lead_ms: 80, code: 0 }).end();
  await until(() => raw.closed() !== null && combined.closed() !== null, "the end");
  expect(performance.now() - announced).toBeGreaterThanOrEqual(75);
  expect(raw.closed()?.code).toBe(1006);
  const message = { e: "serverShutdown", E: expect.any(Number) };
  expect([raw, combined].map(({ frames }) => frames.map((frame) => JSON.parse(String(frame))))).toEqual([
    [message],
    [{ stream: "!serverShutdown", data: message }],
  ]);
});

test("silent with pings: no data, but pings and replies go on; the held data is not reported as sent", async () => {
  const { watch, begin, emitBooks, sentIds, settled } = await start({ pingMs: 20, incomingPerSecond: 1000 });
  const watcher = await watch();
  const fault = begin({ kind: "silent" });
  emitBooks(1, 3);
  watcher.send({ method: "LIST_SUBSCRIPTIONS", id: 7 });
  await until(() => watcher.frames.length > 0 && watcher.pings.length > 3, "a reply and pings");
  expect(watcher.frames.map((frame) => JSON.parse(String(frame)).id)).toEqual([7]);
  expect([sentIds(), fault.hits()]).toEqual([[], 3]);
  fault.end();
  emitBooks(4, 4);
  await settled(watcher);
  expect(idsOf(watcher, btcBook)).toEqual([4]);
});

test("silent without pings: neither data nor pings nor replies, and the connection stays open", async () => {
  const { watch, begin, emitBooks, sentIds, settled } = await start({
    ...{ pingMs: 20, pongTimeoutMs: 60, incomingPerSecond: 1000 },
  });
  const [dead, healthy] = [await watch(), await watch()];
  await until(() => dead.pings.length > 0, "a ping");
  const fault = begin({ kind: "silent-no-pings", connection: 1 });
  await settled(healthy);
  const seen = dead.pings.length;
  const marked = healthy.pings.length;
  dead.send({ method: "LIST_SUBSCRIPTIONS", id: 7 });
  emitBooks(1, 3);
  await until(() => healthy.pings.length > marked + 8, "pings of the other connection");
  expect([dead.frames, dead.pings.length, dead.isOpen()]).toEqual([[], seen, true]);
  expect(sentIds()).toEqual([1, 2, 3]);
  fault.end();
  emitBooks(4, 4);
  await until(() => dead.pings.length > seen && idsOf(dead, btcBook).length > 0, "pings and data");
  expect(idsOf(dead, btcBook)).toEqual([4]);
});

for (const [words, scope, silentOne, others] of [
  ["single silent symbol", { symbol: "BTCUSDT" }, [btcBook, btcTrades], [ethBook]],
  ["single silent stream", { stream: btcBook }, [btcBook], [ethBook, btcTrades]],
] as const) {
  test(`${words}: everything else goes on`, async () => {
    const { watch, begin, source, settled } = await start();
    const watcher = await watch();
    begin({ kind: "silent", ...scope });
    source.emit(book(1), book(1, ethBook), trade(1));
    await settled(watcher);
    expect(silentOne.map((stream) => idsOf(watcher, stream))).toEqual(silentOne.map(() => []));
    expect(others.map((stream) => idsOf(watcher, stream))).toEqual(others.map(() => [1]));
  });
}

test("stall then burst: all held frames come in one burst at the end, in order", async () => {
  const { watch, begin, emitBooks, sentIds, settled, source } = await start();
  const [stalled, healthy] = [await watch(), await watch()];
  const fault = begin({ kind: "stall", connection: 1 });
  emitBooks(1, 50);
  source.emit(trade(1));
  await settled(healthy);
  expect([stalled.frames.length, idsOf(healthy, btcBook).length]).toEqual([0, 50]);
  expect(sentIds()).toHaveLength(50);
  fault.end();
  emitBooks(51, 52);
  await until(() => stalled.frames.length === 54, "the burst");
  expect(idsOf(stalled, btcBook)).toEqual(Array.from({ length: 52 }, (_, n) => n + 1));
  expect(parseFrame(stalled.frames[50] ?? "")?.stream).toBe(btcTrades);
});

test("late twin: the second socket gets the same frames, in order, so much later", async () => {
  const { watch, begin, source } = await start();
  const [early, late] = [await watch(), await watch()];
  const fault = begin({ kind: "late", connection: 2, delay_ms: 120 });
  const began = performance.now();
  source.emit(book(1));
  source.emit(book(2), book(1, ethBook));
  await until(() => early.frames.length === 3, "the early twin's frames");
  expect(late.frames).toEqual([]);
  await until(() => late.frames.length === 3, "the late twin's frames");
  expect(performance.now() - began).toBeGreaterThanOrEqual(119);
  source.emit(book(3));
  await until(() => early.frames.length === 4, "one more");
  fault.end();
  source.emit(book(4));
  await until(() => late.frames.length === 5, "the delayed frame");
  expect(late.frames).toEqual(early.frames.toSpliced(5));
});

test("duplicate: every second book comes twice, and is reported twice", async () => {
  const { watch, begin, emitBooks, sentIds, settled } = await start();
  const watcher = await watch();
  begin({ kind: "duplicate", stream: btcBook, every: 2 });
  emitBooks(1, 4);
  await settled(watcher);
  expect([idsOf(watcher, btcBook), sentIds()]).toEqual(Array(2).fill([1, 2, 2, 3, 4, 4]));
});

test("reorder: neighbours of a stream change places, and the last frame is not lost", async () => {
  const { watch, begin, emitBooks, sentIds, settled, source } = await start();
  const watcher = await watch();
  const fault = begin({ kind: "reorder", symbol: "BTCUSDT" });
  emitBooks(1, 3);
  source.emit(trade(1), book(4), book(5), trade(2));
  await settled(watcher);
  expect([idsOf(watcher, btcBook), idsOf(watcher, btcTrades)]).toEqual([
    [2, 1, 4, 3],
    [2, 1],
  ]);
  fault.end();
  await settled(watcher);
  expect([idsOf(watcher, btcBook), sentIds()]).toEqual(Array(2).fill([2, 1, 4, 3, 5]));
});

test("drop: dropped frames are neither sent nor reported as sent", async () => {
  const { watch, begin, emitBooks, sentIds, settled } = await start();
  const watcher = await watch();
  const fault = begin({ kind: "drop", stream: btcBook, every: 3, times: 2 });
  emitBooks(1, 12);
  await settled(watcher);
  expect([idsOf(watcher, btcBook), sentIds()]).toEqual(Array(2).fill([1, 2, 4, 5, 7, 8, 9, 10, 11, 12]));
  expect(fault.hits()).toBe(2);
});

test("drop, a share: the same seed leaves out the same frames", async () => {
  const runs: number[][] = [];
  for (let run = 0; run < 2; run++) {
    const { watch, begin, emitBooks, settled } = await start();
    const watcher = await watch();
    begin({ kind: "drop", stream: btcBook, share: 0.5 });
    emitBooks(1, 100);
    await settled(watcher);
    runs.push(idsOf(watcher, btcBook));
  }
  expect(runs[0]).toEqual(runs[1] ?? []);
  expect(Math.abs((runs[0]?.length ?? 0) - 50)).toBeLessThan(25);
});

const [plain] = [`{"stream":"${btcBook}","data":${book(2).payload}}`];
const spoiling: [fault: Fault, seen: (frame: string | Uint8Array) => unknown][] = [
  [{ kind: "malformed" }, (frame) => !isJson(frame) && String(frame).length === plain.length - 1],
  [{ kind: "truncated" }, (frame) => !isJson(frame) && plain.startsWith(String(frame))],
  [{ kind: "binary" }, (frame) => frame instanceof Uint8Array && new TextDecoder().decode(frame) === plain],
  [{ kind: "wrong-wrapper" }, (frame) => frame === book(2).payload],
  [
    { kind: "wrong-wrapper", form: "data-first" },
    (frame) => frame === `{"data":${book(2).payload},"stream":"${btcBook}"}`,
  ],
  [{ kind: "unknown-fields", where: "wrapper" }, (frame) => frame === `${plain.slice(0, -1)},"zz":1}`],
];
for (const [fault, isAsExpected] of spoiling) {
  test(`${Object.values(fault).join(", ")}: the frame is reported as spoiled, not as data, and its neighbours are untouched`, async () => {
    const { watch, begin, emitBooks, sentIds, spoiled, settled } = await start();
    const watcher = await watch();
    begin({ ...fault, stream: btcBook, every: 2, times: 1 });
    emitBooks(1, 3);
    await settled(watcher);
    expect([watcher.frames[1], isAsExpected(watcher.frames[1] ?? "")]).toEqual([expect.anything(), true]);
    expect([parseFrame(watcher.frames[0] ?? "")?.data.lastUpdateId, sentIds()]).toEqual([1, [1, 3]]);
    expect(spoiled).toEqual([
      { connection: 1, stream: btcBook, kind: fault.kind, text: watcher.frames[1] as string | Uint8Array },
    ]);
  });
}

const changing: [fault: Fault, seen: (data: Record<string, unknown[]>) => unknown, expected: unknown][] = [
  [{ kind: "oversized", bytes: 2_000_000 }, (data) => data.filler?.length, 2_000_000],
  [{ kind: "empty-side", side: "bids" }, ({ bids, asks }) => [bids?.length, asks?.length], [0, 5]],
  [{ kind: "empty-side", side: "both" }, ({ bids, asks }) => [bids?.length, asks?.length], [0, 0]],
  [{ kind: "thin-book", levels: 2 }, ({ bids, asks }) => [bids?.length, asks?.length], [2, 2]],
  [{ kind: "unknown-fields" }, ({ zz, bids }) => [zz, bids?.length], [{ new: [1, null] }, 5]],
];
for (const [fault, seen, expected] of changing) {
  test(`${Object.values(fault).join(", ")}: still data, and reported as it went`, async () => {
    const { watch, begin, emitBooks, sent, spoiled, settled } = await start();
    const watcher = await watch();
    begin({ ...fault, times: 1 });
    emitBooks(1, 2);
    await settled(watcher);
    const data = parseFrame(watcher.frames[0] ?? "")?.data as Record<string, unknown[]>;
    expect(seen(data)).toEqual(expected);
    expect([JSON.parse(sent[0]?.payload ?? ""), idsOf(watcher, btcBook), spoiled]).toEqual([data, [1, 2], []]);
  });
}

test("empty sides and thin books leave diffs alone, whose levels a local book would miss for good", async () => {
  const { watch, begin, source, settled, sent } = await start();
  const watcher = await watch();
  begin({ kind: "empty-side", side: "both" });
  source.emit(diff(1, 2));
  await settled(watcher);
  expect(sent[0]?.payload).toBe(diff(1, 2).payload);
});

test("id-back: ids restart lower on every socket and stay there; the diffs after it are one chain", async () => {
  const { watch, begin, source, settled } = await start();
  const [first, second] = [await watch(), await watch()];
  source.emit(diff(90_001, 90_005), book(90_005), trade(70));
  begin({ kind: "id-back", by: 80_000 }).end();
  source.emit(diff(90_006, 90_010), book(90_010), trade(71));
  source.emit(diff(90_011, 90_011), trade(72));
  await settled(first, second);
  for (const watcher of [first, second]) {
    expect(idsOf(watcher, btcBook)).toEqual([90_005, 10_010]);
    expect(idsOf(watcher, btcTrades)).toEqual([70, 1, 2]);
    const diffs = watcher.frames.map(parseFrame).filter((frame) => frame?.data.e === "depthUpdate");
    expect(diffs.map((frame) => [frame?.data.U, frame?.data.u])).toEqual([
      [90_001, 90_005],
      [10_006, 10_010],
      [10_011, 10_011],
    ]);
  }
});

test("id-hole: a range of ids is left out, for one symbol if so asked", async () => {
  const { watch, begin, source, settled } = await start();
  const watcher = await watch();
  source.emit(book(10), book(10, ethBook));
  begin({ kind: "id-hole", by: 1000, symbol: "BTCUSDT" });
  source.emit(book(11), book(11, ethBook));
  await settled(watcher);
  expect([idsOf(watcher, btcBook), idsOf(watcher, ethBook)]).toEqual([
    [10, 1011],
    [10, 11],
  ]);
});

test("after an id jump REST speaks the new ids too: the local book procedure works across it", async () => {
  tested.add("id-back");
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3, speed: 20 });
  const faults = createFaults();
  const exchange = createSimulatedExchange({}, { source, faults, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  stops.push(exchange.stop);
  const watcher = await watch(`${wsUrl}/stream?streams=btcusdt@depth@100ms/btcusdt@aggTrade`);
  await until(() => idsOf(watcher, "btcusdt@aggTrade").length > 20, "trades");
  const fault = faults.begin({ kind: "id-back", by: 500 });
  await until(() => fault.hits() === 3, "all numberings to jump");
  const seen = watcher.frames.length;
  const snapshot = await (await fetch(`${restUrl}/api/v3/depth?symbol=BTCUSDT`)).json();
  await until(() => watcher.frames.length > seen + 100, "diffs after the snapshot");
  const diffs = watcher.frames.map(parseFrame).filter((frame) => frame?.data.e === "depthUpdate");
  const jump = diffs.findIndex((frame, n) => Number(frame?.data.U) < Number(diffs[n - 1]?.data.u));
  expect(Number(diffs[jump]?.data.U)).toBe(Number(diffs[jump - 1]?.data.u) + 1 - 500);
  const epoch = diffs.slice(jump).filter((frame) => Number(frame?.data.u) > snapshot.lastUpdateId);
  expect(Number(epoch[0]?.data.U)).toBeLessThanOrEqual(snapshot.lastUpdateId + 1);
  expect(epoch.slice(1).every((frame, n) => frame?.data.U === Number(epoch[n]?.data.u) + 1)).toBe(true);
  const newest = idsOf(watcher, "btcusdt@aggTrade").at(-1) ?? 0;
  const trades = await (await fetch(`${restUrl}/api/v3/aggTrades?symbol=BTCUSDT&fromId=${newest - 3}&limit=4`)).json();
  expect(trades.map((one: { a: number }) => one.a)).toEqual([newest - 3, newest - 2, newest - 1, newest]);
  const single = `fromId=${trades[0].f}&limit=1`;
  const older = await (await fetch(`${restUrl}/api/v3/historicalTrades?symbol=BTCUSDT&${single}`)).json();
  expect(older.map((one: { id: number }) => one.id)).toEqual([trades[0].f]);
});

test("symbol-status: a halted symbol is silent, keeps its book, and its diffs continue without missing ids; an absent symbol is unknown", async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 3, speed: 20 });
  const faults = createFaults();
  const streams = ["btcusdt@depth@100ms", "ethusdt@depth@100ms"] as const;
  let sent = 0;
  const onSent = ({ stream }: { stream: string }) => {
    if (stream === streams[0]) sent++;
  };
  const exchange = createSimulatedExchange({}, { source, faults, onSent, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  stops.push(exchange.stop);
  const watcher = await watch(`${wsUrl}/stream?streams=${streams.join("/")}`);
  const count = (n: 0 | 1) => idsOf(watcher, streams[n]).length;
  const status = async () =>
    (await (await fetch(`${restUrl}/api/v3/exchangeInfo`)).json()).symbols.map(
      (info: { status: string }) => info.status,
    );
  const depth = async () => (await fetch(`${restUrl}/api/v3/depth?symbol=BTCUSDT`)).status;
  await until(() => count(0) > 5, "diffs");
  tested.add("symbol-status");
  for (const halted of ["HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY", "absent"] as const) {
    const fault = faults.begin({ kind: "symbol-status", symbol: "BTCUSDT", status: halted });
    const [before, others, sentBefore] = [count(0), count(1), sent];
    await until(() => count(1) > others + 20, "the other symbol to go on");
    expect(sent).toBe(sentBefore);
    const isAbsent = halted === "absent";
    expect([await status(), await depth()]).toEqual([
      isAbsent ? ["TRADING"] : [halted, "TRADING"],
      isAbsent ? 400 : 200,
    ]);
    fault.end();
    await until(() => count(0) > before + 5, "the symbol to be back");
  }
  expect(await status()).toEqual(["TRADING", "TRADING"]);
  const diffs = watcher.frames.map(parseFrame).filter((frame) => frame?.stream === streams[0]);
  expect(diffs.slice(1).filter((frame, n) => frame?.data.U !== Number(diffs[n]?.data.u) + 1)).toEqual([]);
});

for (const [status, type, words] of [
  [403, "text/html", "<h1>403 Forbidden</h1>"],
  [451, "application/json", '{"code":0,"msg":"Service unavailable from a restricted location'],
  [429, "application/json", '{"code":-1003,'],
  [418, "application/json", "IP banned until"],
  [500, "application/json", '{"code":-1000,'],
  [503, "text/html", "<h1>503"],
] as const) {
  test(`refuse-connect with ${status}: no WebSocket opens, and the body is that of a real refusal`, async () => {
    const { watch, begin, restUrl } = await start();
    const fault = begin({ kind: "refuse-connect", status });
    expect((await watch()).closed()?.code).not.toBe(1000);
    const answer = await fetch(`${restUrl}/ws/x`, { headers: { upgrade: "websocket", connection: "Upgrade" } });
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      status,
      expect.stringContaining(type),
      expect.stringContaining(words),
    ]);
    expect(answer.headers.has("retry-after")).toBe(status === 429 || status === 418);
    fault.end();
    expect((await watch()).isOpen()).toBe(true);
  });

  test(`rest-error with ${status}: REST is refused, data goes on`, async () => {
    const { watch, begin, restUrl, source, settled } = await start();
    const watcher = await watch();
    const fault = begin({ kind: "rest-error", status });
    const answer = await fetch(`${restUrl}/api/v3/time`);
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringContaining(words)]);
    source.emit(book(1));
    await settled(watcher);
    fault.end();
    expect((await fetch(`${restUrl}/api/v3/time`)).status).toBe(200);
  });
}

test("slow-handshake: TCP is accepted, the answer comes later; who still waits at the end is let in", async () => {
  const { url, begin } = await start();
  const fault = begin({ kind: "slow-handshake", delay_ms: 150 });
  const began = performance.now();
  expect((await watch(url)).isOpen()).toBe(true);
  expect(performance.now() - began).toBeGreaterThanOrEqual(149);
  fault.end();
  const endless = begin({ kind: "slow-handshake", delay_ms: 60_000 });
  const waiting = watchUnopened(url);
  await until(() => endless.hits() === 1, "the request");
  expect([waiting.isOpen(), waiting.closed()]).toEqual([false, null]);
  endless.end();
  await until(waiting.isOpen, "the handshake");
  stops.push(waiting.close);
});

test("refused-port: connections are cut, new connections are refused, and the same port is back afterwards", async () => {
  const { watch, begin, restUrl } = await start();
  const watcher = await watch();
  const fault = begin({ kind: "refused-port" });
  await until(() => watcher.closed() !== null, "the cut");
  expect([watcher.closed()?.code, (await watch()).closed()?.code]).toEqual([1006, 1006]);
  await expect(fetch(`${restUrl}/api/v3/ping`)).rejects.toThrow();
  fault.end();
  await until(
    () =>
      fetch(`${restUrl}/api/v3/ping`).then(
        (answer) => answer.ok,
        () => false,
      ),
    "the port to be back",
  );
  expect((await watch()).isOpen()).toBe(true);
});

test("a name that does not resolve fails like DNS does; the exchange itself cannot make it", async () => {
  const watcher = await watch("ws://exchange.rt-data.invalid:9443/ws");
  expect(watcher.closed()?.code).toBe(1006);
  await expect(fetch("http://exchange.rt-data.invalid:9443/api/v3/time")).rejects.toMatchObject({ code: "ENOTFOUND" });
});

test("clock-offset: /api/v3/time moves, event times and pings do not", async () => {
  const { watch, begin, restUrl, source, settled, sent } = await start({ pingMs: 20, incomingPerSecond: 1000 });
  const watcher = await watch();
  begin({ kind: "clock-offset", offset_ms: -3_600_000 });
  const { serverTime } = await (await fetch(`${restUrl}/api/v3/time`)).json();
  expect(Math.abs(serverTime - (Date.now() - 3_600_000))).toBeLessThan(5000);
  await until(() => watcher.pings.length > 0, "a ping");
  expect(Math.abs(Number(watcher.pings[0]) - Date.now())).toBeLessThan(5000);
  source.emit(trade(1));
  await settled(watcher);
  expect(sent[0]?.payload).toBe(trade(1).payload);
});

test("odd-control: an unsolicited pong, a ping without payload and one of 125 bytes; the connection lives on", async () => {
  const { watch, begin, source, settled } = await start();
  const watcher = await watch();
  begin({ kind: "odd-control" }).end();
  await until(() => watcher.pings.length === 2 && watcher.pongs.length === 1, "the frames");
  expect([watcher.pings, watcher.pongs]).toEqual([["", "\u00ff".repeat(125)], ["unasked"]]);
  source.emit(book(1));
  await settled(watcher);
  expect(idsOf(watcher, btcBook)).toEqual([1]);
});

test("faults add up in the order in which they were begun", async () => {
  const { watch, begin, emitBooks, settled } = await start();
  const watcher = await watch();
  const stall = begin({ kind: "stall", stream: btcBook });
  begin({ kind: "duplicate", stream: btcBook });
  emitBooks(1, 2);
  await settled(watcher);
  expect(idsOf(watcher, btcBook)).toEqual([]);
  stall.end();
  await settled(watcher);
  expect(idsOf(watcher, btcBook)).toEqual([1, 1, 2, 2]);
});

test("every kind of fault has a test here", () => {
  expect([...tested].sort()).toEqual(Object.keys(faultKinds).sort());
});

function isJson(frame: string | Uint8Array): boolean {
  try {
    JSON.parse(String(frame));
    return true;
  } catch {
    return false;
  }
}
