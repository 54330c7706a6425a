import { afterEach, expect, test } from "bun:test";
import type { BackfillResult, MissingTrades, PendingBackfill } from "../../../server/binance/rest/backfill-queue.ts";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { createTradeBackfill } from "../../../server/binance/rest/trade-backfill.ts";
import { parseTrades, type RestTrade } from "../../../server/binance/rest/trade-pages.ts";
import { createStream, parseStreamName, parseStreamType, type Stream } from "../../../server/domain/stream.ts";
import { createLog, silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { refusal } from "../../../server/simulator/protocol/control-message.ts";
import type { MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { createManualTime, type ManualTime } from "../../support/time/manual-time.ts";
import { until } from "../../support/wait.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const btc = streamOf("btcusdt@aggTrade");
const eth = streamOf("ethusdt@aggTrade");
const btcTrades = streamOf("btcusdt@trade");

function streamOf(name: string): Stream {
  const stream = parseStreamName(name);
  if (stream === null) throw new Error(name);
  return stream;
}

function hole(stream: Stream, fromId: number, toId: number): MissingTrades {
  return { stream, fromId, toId, fromUs: 1, toUs: 2, cause: "reconnect" };
}

/** A backfill on `restUrl` that collects pages and results. */
function createRepair(
  restUrl: string,
  options: { time?: ManualTime; weightPerMinute?: number; onDone?: () => Promise<void> } = {},
) {
  const pages: { stream: string; ids: number[]; isFirst: boolean }[] = [];
  const records: RestTrade[] = [];
  const done: { fromId: number; result: BackfillResult }[] = [];
  const stored = new Map<string, PendingBackfill>();
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) =>
    lines.push(line.slice(20).trimEnd()),
  );
  const { weightPerMinute } = options;
  const rest = createRestClient(
    { restUrl, ...(weightPerMinute === undefined ? {} : { weightPerMinute }) },
    { log: silentLog, random: () => 0, ...options.time },
  );
  let write: (records: readonly RestTrade[]) => Promise<void> = async () => {};
  const keyOf = ({ stream, fromId }: MissingTrades) => `${stream.name} ${fromId}`;
  const repair = createTradeBackfill({
    rest,
    async onPage(stream, page, { isFirst }) {
      await write(page);
      pages.push({ stream: stream.name, ids: page.map(({ id }) => id), isFirst });
      records.push(...page);
    },
    onDone({ fromId }, result) {
      done.push({ fromId, result });
      return options.onDone?.();
    },
    store: {
      save: (pending) => void stored.set(keyOf(pending), pending),
      remove: (of) => void stored.delete(keyOf(of)),
    },
    log,
    ...options.time,
  });
  stops.push(rest.stop, repair.stop);
  const onWrite = (next: typeof write) => {
    write = next;
  };
  return { repair, pages, records, done, stored, lines, onWrite };
}

/** A market with a past of this many ticks, served by a simulated exchange. */
async function startExchange(ticks: number, symbols: readonly string[], weightPerMinute = 6000) {
  const market = createSyntheticMarket({ symbols, seed: 11 });
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  for (let n = 0; n < ticks; n++) {
    for (const { stream, payload } of market.tick(1_763_800_000_000 + n * 100)) {
      const id = Number(/"(?:a|t)":(\d+)/.exec(payload)?.[1] ?? 0);
      if (!/@(agg)?[tT]rade$/.test(stream)) continue;
      if (!first.has(stream)) first.set(stream, id);
      last.set(stream, id);
    }
  }
  const source: MarketSource = { ...market, start() {}, stop() {} };
  const exchange = createSimulatedExchange({ weightPerMinute }, { source, log: silentLog });
  const { restUrl } = await exchange.start();
  stops.push(exchange.stop);
  const span = (stream: Stream) => ({ first: first.get(stream.name) ?? 0, last: last.get(stream.name) ?? 0 });
  const truth = (stream: Stream, fromId: number, limit: number) =>
    stream.type.kind === "trade"
      ? (market.trades?.(stream.symbol, { fromId, limit }) ?? "")
      : (market.aggTrades?.(stream.symbol, { fromId, startTime: null, endTime: null, limit }) ?? "");
  return { exchange, restUrl, span, truth };
}

for (const stream of [btc, btcTrades]) {
  test(`missing ids of ${stream.name} are backfilled page by page, in order, byte for byte as REST serves them`, async () => {
    const { restUrl, span, truth } = await startExchange(2400, ["BTCUSDT"]);
    const { first } = span(stream);
    const { repair, pages, records, done, stored, lines } = createRepair(restUrl);
    repair.add(hole(stream, first + 100, first + 2599));
    expect([...stored.values()]).toMatchObject([{ nextId: first + 100, fetched: 0 }]);
    repair.start();
    await until(() => done.length === 1, "the hole to be done");
    expect(done[0]?.result).toEqual({ fetched: 2500, missing: 0, reason: null });
    expect(pages.map(({ ids, isFirst }) => [ids.length, isFirst])).toEqual([
      [1000, true],
      [1000, false],
      [500, false],
    ]);
    expect(`[${records.map(({ payload }) => payload).join(",")}]`).toBe(truth(stream, first + 100, 2500));
    const times = records.map(({ payload }) => Number(/"(?:T|time)":(\d+)/.exec(payload)?.[1]) * 1000);
    expect(records.map(({ tradeUs }) => tradeUs)).toEqual(times);
    expect([stored.size, repair.pending(), lines.length]).toEqual([0, [], 1]);
    expect(lines[0]).toContain("backfill finished holes=1 fetched=2500 missing=0");
  });
}

test("ids that the exchange does not have are counted as missing, with the reason, and the others are there", async () => {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 11, history: 100 });
  for (let n = 0; n < 2000; n++) market.tick(1_763_800_000_000 + n * 100);
  const all = JSON.parse(
    market.aggTrades?.("BTCUSDT", { fromId: 0, startTime: null, endTime: null, limit: 1000 }) ?? "",
  );
  const oldest: number = all[0].a;
  const exchange = createSimulatedExchange({}, { source: { ...market, start() {}, stop() {} }, log: silentLog });
  const { restUrl } = await exchange.start();
  stops.push(exchange.stop);
  const { repair, done, records, lines } = createRepair(restUrl);
  repair.start();
  repair.add(hole(btc, oldest - 50, oldest + 9));
  repair.add(hole(btc, 5, 14));
  await until(() => done.length === 2, "both holes to be done");
  const reason = "the exchange does not have all of these ids";
  expect(done.map(({ result }) => result)).toEqual([
    { fetched: 10, missing: 50, reason },
    { fetched: 0, missing: 10, reason },
  ]);
  expect(records).toHaveLength(10);
  expect(lines[0]).toContain("cannot backfill trades; the gap stays");
});

test("a history that lags behind the streams gets a minute, and only trades that were listed twice are taken", async () => {
  let known = 3;
  const time = createManualTime(1_763_800_000_000);
  const answer = () =>
    Response.json(Array.from({ length: known }, (_, n) => ({ a: 10 + n, T: 1_763_800_000_000 + n })).slice(served));
  let served = 0;
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      served = Number(new URL(request.url).searchParams.get("fromId")) - 10;
      return answer();
    },
  });
  stops.push(() => server.stop(true));
  const { repair, records, done } = createRepair(`http://127.0.0.1:${server.port}`, { time });
  repair.start();
  repair.add(hole(btc, 10, 19));
  const idle = () => until(() => time.untilNext() < Number.POSITIVE_INFINITY || done.length > 0, "a wait");
  // The newest trades may be of a new numbering, and about to be recorded.
  await idle();
  expect(records).toEqual([]);
  known = 6;
  time.next();
  await idle();
  expect(records.map(({ id }) => id)).toEqual([10, 11, 12]);
  time.next();
  await idle();
  expect(records.map(({ id }) => id)).toEqual([10, 11, 12, 13, 14, 15]);
  const from = time.now();
  while (done.length === 0) {
    time.next();
    await idle();
  }
  expect(done[0]?.result).toEqual({
    fetched: 6,
    missing: 4,
    reason: "the exchange does not have trades up to this id",
  });
  expect(time.now() - from).toBeGreaterThan(30_000);
});

test("a backfill ends when the exchange has restarted the ids and current trades get ids of its range", async () => {
  const time = createManualTime(1_763_800_000_000);
  let newest = 1002;
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      const fromId = Number(new URL(request.url).searchParams.get("fromId"));
      newest += 5;
      return Response.json(Array.from({ length: newest - fromId + 1 }, (_, n) => ({ a: fromId + n, T: time.now() })));
    },
  });
  stops.push(() => server.stop(true));
  const { repair, done } = createRepair(`http://127.0.0.1:${server.port}`, { time });
  repair.start();
  repair.add(hole(btc, 1000, 54_000));
  for (let asked = 0; asked < 20 && done.length === 0; asked++) {
    await until(() => time.untilNext() < Number.POSITIVE_INFINITY || done.length > 0, "a wait");
    time.next();
  }
  expect(done[0]?.result.reason).toBe("the exchange does not have trades up to this id");
});

test("a symbol that is gone, and an endpoint that this host does not have, end the backfill with the reason", async () => {
  const { exchange, restUrl, span } = await startExchange(100, ["BTCUSDT", "ETHUSDT"]);
  exchange.setStatus("BTCUSDT", "absent");
  const { repair, done } = createRepair(restUrl);
  repair.start();
  repair.add(hole(btc, 1, 10));
  repair.add(hole(eth, span(eth).first, span(eth).first + 9));
  await until(() => done.length === 2, "both holes to be done");
  const gone = "the exchange does not know the symbol any more";
  expect(new Set(done.map(({ result }) => result.reason))).toEqual(new Set([gone, null]));

  const without = Bun.serve({ port: 0, fetch: () => new Response(null, { status: 404 }) });
  stops.push(() => without.stop(true));
  const other = createRepair(`http://127.0.0.1:${without.port}`);
  other.repair.start();
  other.repair.add(hole(btcTrades, 1, 10));
  await until(() => other.done.length === 1, "the hole to be done");
  expect(other.done[0]?.result.reason).toContain("api.binance.com has it");
});

const failures: [name: string, answer: () => Response][] = [
  ["HTTP 429", () => refusal(429)],
  ["HTTP 418", () => refusal(418)],
  ["a firewall's page", () => refusal(403)],
  ["HTTP 503", () => refusal(503)],
  ["an answer that is no list", () => Response.json({ a: 1 })],
  ["trades without ids", () => Response.json([{ p: "1" }])],
  ["trades before those asked for", () => Response.json([{ a: 1, T: 1_763_800_000_000 }])],
];

for (const [name, answer] of failures) {
  test(`${name} keeps the backfill, which continues afterwards`, async () => {
    const time = createManualTime(1_763_800_000_000);
    let bad = true;
    const good = () => Response.json([7, 8, 9].map((a) => ({ a, T: 1_763_800_000_000 + a })));
    const server = Bun.serve({ port: 0, fetch: () => (bad ? answer() : good()) });
    stops.push(() => server.stop(true));
    const { repair, done, stored } = createRepair(`http://127.0.0.1:${server.port}`, { time });
    repair.start();
    repair.add(hole(btc, 7, 9));
    await until(() => repair.status().lastProblem !== null, "the failure");
    expect([repair.pending().length, stored.size, done.length]).toEqual([1, 1, 0]);
    bad = false;
    await until(() => {
      time.advance(1000);
      return done.length === 1;
    }, "the hole to be done");
    expect(done[0]?.result).toEqual({ fetched: 3, missing: 0, reason: null });
  });
}

test("a page that cannot be written comes again; only written pages count as progress", async () => {
  const { restUrl, span, truth } = await startExchange(2400, ["BTCUSDT"]);
  const { first } = span(btc);
  const time = createManualTime(Date.now());
  const { repair, records, done, stored, onWrite, lines } = createRepair(restUrl, { time });
  let attempts = 0;
  onWrite(async () => {
    if (++attempts === 2) throw new Error("ENOSPC: no space left on device");
  });
  repair.start();
  repair.add(hole(btc, first, first + 1499));
  await until(() => attempts === 2 && repair.status().lastProblem !== null, "the second page to fail");
  expect([...stored.values()]).toMatchObject([{ nextId: first + 1000, fetched: 1000 }]);
  expect(lines.join()).toContain("backfill interrupted; it is retried");
  await until(() => {
    time.advance(1000);
    return done.length === 1;
  }, "the hole to be done");
  expect(`[${records.map(({ payload }) => payload).join(",")}]`).toBe(truth(btc, first, 1500));
});

test("after a restart backfills continue, and their first page is marked as the first", async () => {
  const { restUrl, span, truth } = await startExchange(2400, ["BTCUSDT", "ETHUSDT"]);
  const { first } = span(btc);
  const before = createRepair(restUrl);
  const blocked = Promise.withResolvers<void>();
  blocked.promise.catch(() => {});
  before.onWrite((page) => (page[0]?.id === first ? Promise.resolve() : blocked.promise));
  before.repair.start();
  before.repair.add(hole(btc, first, first + 1799));
  before.repair.add(hole(eth, span(eth).first, span(eth).first + 4));
  await until(() => before.stored.size === 2 && before.pages.length === 1, "the first page");
  const kept = structuredClone([...before.stored.values()]);
  blocked.reject(new Error("killed"));
  await before.repair.stop();
  expect(before.repair.pending().map(({ nextId }) => nextId)).toContain(first + 1000);

  const after = createRepair(restUrl);
  for (const pending of kept) after.repair.add(pending);
  after.repair.start();
  await until(() => after.done.length === 2, "both holes to be done");
  const btcRecords = after.records.filter(({ id }) => id >= first + 1000 && id < first + 1800);
  expect(`[${btcRecords.map(({ payload }) => payload).join(",")}]`).toBe(truth(btc, first + 1000, 800));
  expect(after.pages.map(({ isFirst }) => isFirst)).toEqual([true, true]);
  expect(after.done.find(({ fromId }) => fromId === first)?.result).toEqual({
    fetched: 1800,
    missing: 0,
    reason: null,
  });
});

test("a backfill is kept until `onDone` has settled; a complete backfill is reported again after a restart", async () => {
  const { restUrl, span } = await startExchange(600, ["BTCUSDT"]);
  const { first } = span(btc);
  const noted = Promise.withResolvers<void>();
  const before = createRepair(restUrl, { onDone: () => noted.promise });
  before.repair.start();
  before.repair.add(hole(btc, first, first + 99));
  await until(() => before.done.length === 1, "the hole to be done");
  const kept = structuredClone([...before.stored.values()]);
  expect(kept).toMatchObject([{ nextId: first + 100, fetched: 100 }]);
  noted.resolve();
  await until(() => before.stored.size === 0, "it to be removed");

  const after = createRepair(restUrl);
  for (const pending of kept) after.repair.add(pending);
  expect(after.done.map(({ result }) => result)).toEqual([{ fetched: 100, missing: 0, reason: null }]);
  expect([after.repair.pending(), after.pages]).toEqual([[], []]);
});

test("ids that are pending already are not fetched twice", async () => {
  const { restUrl, span } = await startExchange(600, ["BTCUSDT"]);
  const { first } = span(btc);
  const { repair, records, done, stored } = createRepair(restUrl);
  repair.add(hole(btc, first, first + 99));
  repair.add(hole(btc, first + 20, first + 60));
  repair.add(hole(btc, first + 50, first + 149));
  expect([...stored.keys()]).toEqual([`btcusdt@aggTrade ${first}`, `btcusdt@aggTrade ${first + 100}`]);
  repair.start();
  await until(() => done.length === 2, "the holes to be done");
  expect(records.map(({ id }) => id)).toEqual(Array.from({ length: 150 }, (_, n) => first + n));
  expect(done.map(({ result }) => result.fetched)).toEqual([100, 50]);
});

test("a thousand symbols' backfills take turns with a long backfill, within three quarters of the weight of each minute", async () => {
  const type = parseStreamType("aggTrade");
  if (type === null) throw new Error("aggTrade");
  const time = createManualTime(Date.parse("2026-11-24T12:00:00Z"));
  const perMinute = new Map<number, number>();
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      const query = new URL(request.url).searchParams;
      const [from, limit] = [Number(query.get("fromId")), Number(query.get("limit"))];
      const minute = Math.floor(time.now() / 60_000);
      perMinute.set(minute, (perMinute.get(minute) ?? 0) + 4);
      const used = perMinute.get(minute) ?? 0;
      const trades = Array.from({ length: limit }, (_, n) => `{"a":${from + n},"T":1763800000000}`);
      return new Response(`[${trades.join(",")}]`, { headers: { "x-mbx-used-weight-1m": String(used) } });
    },
  });
  stops.push(() => server.stop(true));
  const { repair, pages, done } = createRepair(`http://127.0.0.1:${server.port}`, { time });
  repair.add(hole(btc, 1, 50_000));
  for (let n = 0; n < 1000; n++) repair.add(hole(createStream(`SYM${n}USDT`, type), 1, 5));
  repair.start();
  await until(
    () => {
      if (time.untilNext() < Number.POSITIVE_INFINITY) time.next();
      return done.length === 1001;
    },
    "all holes to be done",
    20_000,
  );
  expect(done.every(({ result }) => result.missing === 0)).toBe(true);
  // Between two pages of the long hole every other symbol has had its turn.
  const turns = pages.flatMap(({ stream }, at) => (stream === btc.name ? [at] : []));
  expect(turns.slice(0, 2)).toEqual([0, 1001]);
  expect(Math.max(...perMinute.values())).toBeLessThanOrEqual(2250);
  expect([...perMinute.values()].reduce((sum, weight) => sum + weight, 0)).toBe(4 * 1050);
}, 60_000);

test("trades are taken byte for byte from an answer, with any text inside them and between them", () => {
  const odd = '{"a":1,"T":1763800000000,"x":"}{[,\\"\\\\"}';
  expect(parseTrades(` [${odd} ,\n {"a": 2, "T":1763800000000001, "y":{"a":[1]}} ] `, "aggTrade")).toEqual([
    { payload: odd, id: 1, tradeUs: 1763800000000000 },
    { payload: '{"a":2,"T":1763800000000001,"y":{"a":[1]}}', id: 2, tradeUs: 1763800000000001 },
  ]);
  expect(parseTrades("[]", "aggTrade")).toEqual([]);
  for (const bad of ["{}", '{"a":1,"T":2}', '[{"a":1,"T":2}', '[{"a":1}]', '[{"a":2,"T":1},{"a":1,"T":1}]', "[1]"])
    expect(parseTrades(bad, "aggTrade")).toBeNull();
  const whole = '{"a":1,"T":1763800000000,"x":"y"}';
  for (const bad of [
    whole.replace("y", "y\nz"),
    whole.replace("y", "y\0z"),
    whole.replace("y", "\ufffd"),
    whole.replace("1,", "01,"),
    whole.replace("1,", "1e3,"),
    whole.replace('{"a":1', '{"y":{"a":7},"a":1'),
    whole.replace('"x"', '"a":7,"x"'),
    whole.replace('"x"', '"recv_us":7,"x"'),
    whole.replace('"x":"y"', '"x":9007199254740993'),
  ].map((object) => `[${object}]`))
    expect(parseTrades(bad, "aggTrade")).toBeNull();
});
