import { afterEach, expect, test } from "bun:test";
import { createDepthSnapshots } from "../../../server/binance/rest/depth-snapshots.ts";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { recordId } from "../../../server/domain/line.ts";
import { createLog, silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { refusal } from "../../../server/simulator/protocol/control-message.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { createManualTime } from "../../support/time/manual-time.ts";
import { until } from "../../support/wait.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const startMs = Date.parse("2026-11-24T12:00:00Z");
const reply = (id: number) => `{"lastUpdateId":${id},"bids":[["1.00","2.00"]],"asks":[]}`;

type Asked = { readonly symbol: string; readonly atMs: number };

/** Snapshots against `answer`, or against a real exchange where that returns null. */
function setUp(
  symbols: readonly string[],
  answer: (symbol: string, n: number) => Response | Promise<Response>,
  first: (symbol: string) => number | null = () => 1,
) {
  const time = createManualTime(startMs);
  const asked: Asked[] = [];
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      const query = new URL(request.url).searchParams;
      const symbol = query.get("symbol") ?? "";
      expect(query.get("limit")).toBe("5000");
      asked.push({ symbol, atMs: time.now() });
      return answer(symbol, asked.length - 1);
    },
  });
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) =>
    lines.push(line.slice(20).trimEnd()),
  );
  const client = createRestClient({ restUrl: `http://127.0.0.1:${server.port}` }, { log, random: () => 0, ...time });
  /** When requests were sent: on a loaded machine time may advance before they arrive. */
  const sentMs: number[] = [];
  const rest: typeof client = {
    ...client,
    get: (path, query, options) =>
      client.get(path, query, { ...options, onSend: () => void (sentMs.push(time.now()), options.onSend?.()) }),
  };
  const got: { symbol: string; folder: string; payload: string; recvUs: number }[] = [];
  const streams = new Set<unknown>();
  const snapshots = createDepthSnapshots(
    { symbols },
    {
      rest,
      nowUs: () => time.now() * 1000,
      firstDiffId: first,
      onSnapshot(stream, payload, recvUs) {
        streams.add(stream);
        got.push({ symbol: stream.symbol, folder: stream.type.folder, payload, recvUs });
      },
      log,
      after: time.after,
    },
  );
  stops.push(() => server.stop(true), rest.stop, snapshots.stop);
  const perMinute = () => {
    const minutes = new Map<number, number>();
    for (const atMs of sentMs)
      minutes.set(Math.floor(atMs / 60_000), (minutes.get(Math.floor(atMs / 60_000)) ?? 0) + 1);
    return [...minutes.values()];
  };
  return { snapshots, time, asked, got, streams, lines, perMinute, rest };
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `SYM${n}USDT`);

test("the book that an exchange serves is delivered byte for byte, as depthSnapshot, with the time of its arrival", async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 5 });
  for (let n = 0; n < 50; n++) source.tick(startMs + n * 100);
  const exchange = createSimulatedExchange({}, { source: { ...source, start() {}, stop() {} }, log: silentLog });
  const { restUrl } = await exchange.start();
  stops.push(exchange.stop);
  const { snapshots, got } = setUp(["BTCUSDT"], (symbol) =>
    fetch(`${restUrl}/api/v3/depth?symbol=${symbol}&limit=5000`),
  );
  snapshots.start();
  await until(() => got.length === 1, "the book");
  const payload = source.depth("BTCUSDT", 5000) ?? "";
  expect(got).toEqual([{ symbol: "BTCUSDT", folder: "depthSnapshot", payload, recvUs: startMs * 1000 }]);
  expect(recordId(payload, "depthSnapshot")).toBeGreaterThan(0);
});

test("a hundred books asked for at once come one after the other, within the weight of each minute", async () => {
  let underWay = 0;
  let most = 0;
  const { snapshots, time, got, perMinute } = setUp(names(100), async (_, n) => {
    most = Math.max(most, ++underWay);
    await Bun.sleep(1);
    underWay--;
    return new Response(reply(n + 1));
  });
  snapshots.start();
  for (const name of names(100)) snapshots.request(name);
  await until(
    () => {
      if (underWay === 0) time.advance(1000);
      return got.length >= 100;
    },
    "a hundred books",
    30_000,
    1,
  );
  expect(new Set(got.map(({ symbol }) => symbol)).size).toBe(100);
  expect(most).toBe(1);
  // 90 % of the 3,000 that we may spend, in books of 250.
  expect(Math.max(...perMinute())).toBe(10);
}, 60_000);

test("a book from before the first diff is asked for again until one reaches it", async () => {
  const { snapshots, time, asked, got } = setUp(
    ["BTCUSDT"],
    (_, n) => new Response(reply(98 + n)),
    () => 100,
  );
  snapshots.start();
  await until(() => asked.length === 1 && time.untilNext() === 2000, "the first book");
  time.next();
  await until(() => asked.length === 2 && time.untilNext() === 2000, "the second book");
  expect(got).toEqual([]);
  time.next();
  await until(() => got.length === 1, "a book that is new enough");
  expect(got[0]?.payload).toBe(reply(100));
});

test("a book that never reaches the diffs is given up and reported, and the next hourly book is tried", async () => {
  let id = 5;
  const { snapshots, time, asked, got, lines } = setUp(
    ["BTCUSDT"],
    () => new Response(reply(id)),
    () => 100,
  );
  snapshots.start();
  await until(() => {
    if (time.untilNext() <= 60_000) time.next();
    return lines.length === 1;
  }, "it to be told");
  expect(asked).toHaveLength(10);
  expect(lines[0]).toContain("older than the diffs 10 times in a row");
  id = 200;
  time.advance(3_600_000);
  await until(() => got.length === 1, "the hourly book");
});

test("the first diff is waited for before the book is asked for; a book without any diff is taken as it is after a while", async () => {
  let first: number | null = null;
  const { snapshots, time, asked, got } = setUp(
    ["BTCUSDT", "QUIETUSDT"],
    () => new Response(reply(100)),
    (symbol) => (symbol === "BTCUSDT" ? first : null),
  );
  snapshots.start();
  time.advance(3000);
  expect(asked).toEqual([]);
  first = 50;
  time.advance(2000);
  await until(() => got.length === 1, "the book of the symbol with a diff");
  expect(got[0]?.symbol).toBe("BTCUSDT");
  await until(() => {
    time.advance(1000);
    return got.length === 2;
  }, "the book of the quiet one");
  expect(time.now() - startMs).toBeLessThan(60_000);
  expect(got[1]?.symbol).toBe("QUIETUSDT");
});

test("symbols with missing ids come before symbols that are merely due, and ids missed during a request invalidate its book", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const { snapshots, asked, got } = setUp(names(4), async (_, n) => {
    if (n === 0) await opened;
    return new Response(reply(n + 1));
  });
  snapshots.start();
  await until(() => asked.length === 1, "the first request");
  snapshots.request("SYM3USDT");
  snapshots.request("SYM3USDT");
  snapshots.request("SYM0USDT");
  open();
  await until(() => got.length === 4, "all books");
  expect(asked.map(({ symbol }) => symbol)).toEqual(["SYM0USDT", "SYM0USDT", "SYM3USDT", "SYM1USDT", "SYM2USDT"]);
  expect(got.map(({ payload }) => recordId(payload, "depthSnapshot"))).toEqual([2, 3, 4, 5]);
});

test("the hourly round is spread over the hour", async () => {
  const { snapshots, time, asked, got, streams } = setUp(names(6), (_, n) => new Response(reply(n + 1)));
  snapshots.start();
  await until(() => got.length === 6, "the books at the start");
  for (let n = 1; n <= 6; n++) {
    time.advance(600_000);
    await until(() => got.length === 6 + n, "the next one");
  }
  // Each symbol's are one stream, by which they are filed.
  expect(streams.size).toBe(6);
  expect(asked.slice(6).map(({ symbol, atMs }) => [symbol, atMs - startMs])).toEqual(
    names(6).map((name, n) => [name, (n + 1) * 600_000]),
  );
});

test("a failing REST keeps the request; an unknown symbol ends it, and so does an answer of another form when it comes again and again", async () => {
  let bad = true;
  const { snapshots, time, got, asked, lines } = setUp(["AUSDT", "NIXUSDT", "ODDUSDT"], (symbol) => {
    if (bad) return refusal(503);
    if (symbol === "NIXUSDT") return Response.json({ code: -1121, msg: "Invalid symbol." }, { status: 400 });
    return new Response(symbol === "ODDUSDT" ? '{"bids":[]}' : reply(9));
  });
  snapshots.start();
  await until(() => snapshots.status().lastProblem !== null, "the failure");
  bad = false;
  await until(() => {
    time.advance(1000);
    return snapshots.status().waiting === 0;
  }, "all to be settled");
  expect(got.map(({ symbol }) => symbol)).toEqual(["AUSDT"]);
  expect(asked.map(({ symbol }) => symbol).filter((symbol) => symbol === "ODDUSDT")).toHaveLength(10);
  expect(lines.filter((line) => line.includes("cannot fetch the order book over REST"))).toEqual([
    expect.stringContaining('symbol=ODDUSDT reason="GET /api/v3/depth answered in an unknown form"'),
  ]);
});

for (const [name, sent, stored] of [
  ["a new member at its end", `${reply(7).slice(0, -1)},"E":1}`, `${reply(7).slice(0, -1)},"E":1}`],
  ["a new member at its start", `{"T":1,${reply(7).slice(1)}`, `{"T":1,${reply(7).slice(1)}`],
  [
    "its members in another order",
    '{"asks":[],"bids":[["1.00","2.00"]],"lastUpdateId":7}',
    '{"asks":[],"bids":[["1.00","2.00"]],"lastUpdateId":7}',
  ],
  ["levels with a third value", reply(7).replace('"2.00"', '"2.00","3"'), reply(7).replace('"2.00"', '"2.00","3"')],
  ["white space between its members", reply(7).replaceAll(",", ",\n  "), reply(7)],
] as const) {
  test(`a book with ${name} is recorded as sent, counted, and named once`, async () => {
    const { snapshots, got, lines, rest } = setUp(["BTCUSDT", "ETHUSDT"], () => new Response(sent));
    snapshots.start();
    await until(() => got.length === 2, "both books");
    expect(got.map(({ payload }) => payload)).toEqual([stored, stored]);
    expect(recordId(stored, "depthSnapshot")).toBe(7);
    expect(rest.status().unusual).toBe(2);
    expect(lines).toEqual([expect.stringContaining("answers in a new form; its answers are used path=/api/v3/depth")]);
  });
}

test("a book that readers of the files would misread is not recorded", async () => {
  const unsafe = [
    reply(7).replace("7", '7,"lastUpdateId":8'),
    reply(7).replace('"lastUpdateId"', '"recv_us"'),
    reply(7).replace('"lastUpdateId":7', '"x":{"lastUpdateId":9},"lastUpdateId":7'),
    reply(7).replace('"2.00"', "2.00"),
    reply(7).replace('"asks":[]', '"asks":{}'),
  ];
  const { snapshots, time, asked, got } = setUp(["BTCUSDT"], (_, n) => new Response(unsafe[n] ?? reply(7)));
  snapshots.start();
  await until(() => {
    if (time.untilNext() === 2000) time.next();
    return got.length === 1;
  }, "the first book that is safe");
  expect(asked).toHaveLength(unsafe.length + 1);
  expect(got[0]?.payload).toBe(reply(7));
});

test("after a reload new symbols are asked for at once, and those that are gone no more", async () => {
  const { snapshots, time, got } = setUp(["AUSDT", "BUSDT"], () => new Response(reply(9)));
  snapshots.start();
  await until(() => got.length === 2, "the first books");
  snapshots.setSymbols(["BUSDT", "CUSDT"]);
  await until(() => got.length === 3, "the new one");
  expect(got[2]?.symbol).toBe("CUSDT");
  for (let n = 0; n < 4; n++) {
    time.advance(1_800_000);
    await until(() => got.length === 4 + n, "an hourly one");
  }
  expect(got.slice(3).every(({ symbol }) => symbol !== "AUSDT")).toBe(true);
});
