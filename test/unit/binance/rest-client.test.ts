import { afterEach, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { askSymbols } from "../../../server/binance/rest/exchange-info.ts";
import { createRestClient, type RestPriority } from "../../../server/binance/rest/rest-client.ts";
import { createLog, silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { refusal } from "../../../server/simulator/protocol/control-message.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { peakOf } from "../../support/machine/peak-memory.ts";
import { createManualTime } from "../../support/time/manual-time.ts";
import { until } from "../../support/wait.ts";

const minuteStart = Date.parse("2026-11-24T12:00:00Z");
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Options = Omit<Parameters<typeof createRestClient>[0], "restUrl">;

/** A client with time in our hands against `answer`. */
function setUp(answer: (url: URL, n: number) => Response | Promise<Response>, options: Options = {}) {
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const url = new URL(request.url);
      asked.push(url.pathname.slice(1));
      return answer(url, asked.length - 1);
    },
  });
  return { ...client(`http://127.0.0.1:${server.port}`, options, () => server.stop(true)), asked };
}

function client(restUrl: string, options: Options, stop: () => unknown = () => {}) {
  const time = createManualTime(minuteStart + 10_000);
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line.slice(20)));
  const rest = createRestClient({ restUrl, ...options }, { log, random: () => 0, ...time });
  stops.push(stop, rest.stop);
  const get = (path: string, weight = 1, priority: RestPriority = "normal") =>
    rest.get(`/${path}`, {}, { weight, priority });
  return { rest, get, time, lines };
}

const fine = () => Response.json({});

test("an answer is its text, byte for byte; a refusal is the exchange's own code and words", async () => {
  const body = '{"p":"0.10000000", "n":12345678901234567890,"s":"币安"}';
  const { get } = setUp((url) =>
    url.pathname === "/yes"
      ? new Response(body)
      : new Response('{"code":-1121,"msg":"Invalid symbol."}', { status: 400 }),
  );
  expect(await get("yes")).toMatchObject({ kind: "ok", text: body });
  expect(await get("no")).toEqual({ kind: "refused", status: 400, code: -1121, msg: "Invalid symbol." });
});

test("an endpoint that is not there is a refusal, not a trouble of the exchange", async () => {
  const { get, lines } = setUp(() => new Response(null, { status: 404 }));
  expect(await get("no")).toMatchObject({ kind: "refused", status: 404, code: null });
  expect(lines).toEqual([]);
});

for (const status of [429, 418]) {
  test(`after HTTP ${status} no request is sent before Retry-After is over; its begin and end are reported once each`, async () => {
    let refusing = true;
    const { rest, get, time, asked, lines } = setUp(() => (refusing ? refusal(status) : fine()));
    expect(await get("first")).toMatchObject({ kind: "failed" });
    const others = [get("a"), get("b", 1, "high"), get("c", 1, "low")];
    time.advance(60_000);
    expect([rest.status().waiting, asked]).toEqual([3, ["first"]]);
    time.advance(1000);
    await until(() => asked.length === 2, "one request after the pause");
    expect(await others[1]).toMatchObject({ kind: "failed" });
    refusing = false;
    time.advance(61_000);
    expect([await others[0], await others[2]]).toMatchObject([{ kind: "ok" }, { kind: "ok" }]);
    expect(asked).toEqual(["first", "b", "a", "c"]);
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^warn  REST: HTTP ${status}: .*next_attempt_in_seconds=61\n`)),
      expect.stringContaining("REST: the exchange answers again after_seconds="),
    ]);
  });
}

test("while the exchange bans us no request is sent, so the ban does not grow", async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"] });
  let clock = () => 0;
  const exchange = createSimulatedExchange({ weightPerMinute: 10 }, { source, log: silentLog, now: () => clock() });
  const { restUrl } = await exchange.start();
  // The address has more than the exchange grants: others on it make it angry.
  const { rest, time } = client(restUrl, { addressLimit: 1000 }, exchange.stop);
  clock = time.now;
  const ask = () => rest.get("/api/v3/depth", { symbol: "BTCUSDT" }, { weight: 5, priority: "normal" });
  const kinds = [await ask(), await ask(), await ask()].map(({ kind }) => kind);
  expect(kinds).toEqual(["ok", "ok", "failed"]);
  const waiting = Array.from({ length: 20 }, ask);
  time.advance(49_000);
  expect(rest.status()).toMatchObject({ waiting: 20, trouble: expect.stringContaining("429") });
  time.advance(2000);
  expect(await waiting[0]).toMatchObject({ kind: "ok" });
});

for (const [name, second] of [
  ["another failure", () => refusal(503)],
  ["an answer", fine],
] as const) {
  test(`${name} to a pending request does not end a ban early, nor is its end reported before it is over`, async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const { rest, get, time, lines } = setUp(async (url) => {
      if (url.pathname === "/a") return refusal(418);
      if (url.pathname === "/b") await opened;
      return url.pathname === "/b" ? second() : fine();
    });
    const [a, b, c] = [get("a"), get("b"), get("c")];
    await a;
    open();
    await b;
    time.advance(59_000);
    expect(rest.status()).toMatchObject({ waiting: 1, trouble: expect.stringMatching(/HTTP (418|503)/) });
    expect(lines.filter((line) => line.includes("answers again"))).toEqual([]);
    time.advance(2000);
    expect(await c).toMatchObject({ kind: "ok" });
    expect(lines.filter((line) => line.includes("answers again"))).toHaveLength(1);
  });
}

const troubles: [name: string, answer: () => Response, told: string, seconds: number][] = [
  ["a firewall's 403", () => refusal(403), "HTTP 403: its firewall refused this address", 60],
  ["a 451", () => refusal(451), "HTTP 451: it does not serve this country; try exchange.rest_url", 300],
  ["a 500", () => refusal(500), "HTTP 500: the exchange cannot answer now (An unknown error", 1],
  ["a gateway's 503", () => refusal(503), "HTTP 503: the exchange cannot answer now", 1],
  ["a login page", () => new Response("<html>Log in</html>"), "HTTP 200 that is not JSON: something between", 10],
  [
    "a redirect to a login page",
    () => Response.redirect("http://login.example:81/?key=secret", 302),
    "HTTP 302 to login.example:81: something between",
    10,
  ],
  ["a redirect to nowhere", () => new Response(null, { status: 301 }), "HTTP 301: something between", 10],
  ["a network's 511", () => new Response("<html>", { status: 511 }), "HTTP 511: something between", 10],
  ["a proxy's 407", () => new Response("{}", { status: 407 }), "HTTP 407: something between", 10],
  ["a 400 without a code", () => new Response("what?", { status: 400 }), "HTTP 400: an answer of an unknown form", 10],
];

for (const [name, answer, told, seconds] of troubles) {
  test(`${name} is a failure: told once with what to do, asked again after a pause that grows`, async () => {
    let bad = true;
    const { rest, get, time, asked, lines } = setUp(() => (bad ? answer() : fine()));
    expect(await get("a")).toMatchObject({ kind: "failed", reason: expect.stringContaining(told) });
    const second = get("b");
    time.advance(seconds * 1000 - 1);
    expect([rest.status().waiting, asked]).toEqual([1, ["a"]]);
    time.advance(1);
    expect(await second).toMatchObject({ kind: "failed" });
    expect(time.untilNext()).toBe(Math.min(300_000, seconds * 2000));
    bad = false;
    const third = get("c");
    time.next();
    expect(await third).toMatchObject({ kind: "ok" });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(told);
    expect(lines[1]).toContain("the exchange answers again");
  });
}

test("a server that hangs or is gone counts as failed after a while, and the next server is asked", async () => {
  const { promise: never } = Promise.withResolvers<Response>();
  const { get, time, lines } = setUp((_, n) => (n === 0 ? never : fine()), { timeoutMs: 100 });
  expect(await get("a")).toMatchObject({ kind: "failed", reason: expect.stringContaining("did not answer in time") });
  const second = get("b");
  time.next();
  expect(await second).toMatchObject({ kind: "ok" });
  expect(lines[0]).toContain("no answer from the exchange (it did not answer in time); check the network");

  const closed = Bun.serve({ port: 0, fetch: fine });
  const url = `http://127.0.0.1:${closed.port}`;
  await closed.stop(true);
  const gone = client(url, {});
  expect(await gone.get("a")).toMatchObject({ kind: "failed", reason: expect.stringContaining("no answer") });
});

const mebibyte = 1024 * 1024;

test("endless, huge, huge when unpacked and stalled answers are given up in bounded memory, their transfer ends, and the next request works", async () => {
  const bomb = gzipSync(Buffer.alloc(600 * mebibyte, 32));
  for (const kind of ["endless", "huge", "packed", "stalled"]) {
    let sent = 0;
    let isCancelled = false;
    const endless = new ReadableStream({
      pull(controller) {
        if (kind === "stalled" && sent > 0) return new Promise<void>(() => {});
        controller.enqueue(new Uint8Array(65_536).fill(32));
        sent += 65_536;
        return undefined;
      },
      cancel() {
        isCancelled = true;
      },
    });
    let asked = 0;
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch() {
        if (asked++ > 0) return fine();
        if (kind === "packed") return new Response(bomb, { headers: { "content-encoding": "gzip" } });
        return new Response(endless, kind === "huge" ? { headers: { "content-length": "9000000000" } } : {});
      },
    });
    stops.push(() => server.stop(true));
    const { megabytes, output } = await peakOf(`
      import { createRestClient } from "./server/binance/rest/rest-client.ts";
      import { silentLog } from "./server/platform/log/log.ts";
      const restUrl = "http://127.0.0.1:${server.port}";
      const rest = createRestClient({ restUrl, timeoutMs: ${kind === "stalled" ? 300 : 20_000} }, {
        log: silentLog,
        after: (ms, work) => (setTimeout(work, Math.min(ms, 10)), () => {}),
      });
      const get = () => rest.get("/x", {}, { weight: 1, priority: "high" });
      console.log(JSON.stringify([await get(), await get()]));`);
    console.log(`most memory with an answer that is ${kind}: ${megabytes} MB`);
    const [first, second] = JSON.parse(output.split("\n")[0] ?? "");
    const reason = kind === "stalled" ? "did not answer in time" : "longer than 8388608 bytes";
    expect(first).toMatchObject({ kind: "failed", reason: expect.stringContaining(reason) });
    expect(second).toMatchObject({ kind: "ok", text: "{}" });
    expect(megabytes).toBeLessThan(200);
    if (kind !== "packed") await until(() => isCancelled, "the transfer to be ended", 30_000);
    expect(sent).toBeLessThan(64 * mebibyte);
  }
}, 60_000);

test("exchangeInfo in its real size passes, a cut or damaged list is ignored, and a damaged entry fails alone", async () => {
  const entries = Array.from({ length: 3300 }, (_, n) =>
    JSON.stringify({ symbol: `SYM${n}`, status: "TRADING", baseAsset: "BTC", filters: ["x".repeat(4800)] }),
  );
  const body = `{"timezone":"UTC","symbols":[${entries.join(",")}]}`;
  expect(body.length).toBeGreaterThan(15_000_000);
  let answer = body;
  const { rest, time } = setUp(() => new Response(answer));
  const ask = () => {
    const symbols = Array.from({ length: 600 }, (_, n) => (n === 0 ? "SYM3299" : `NO${n}`));
    const { signal } = new AbortController();
    return askSymbols({ rest, signal, nowUs: () => 1 }, symbols, new Set());
  };
  const found = await ask();
  expect([found?.statuses.get("SYM3299"), found?.statuses.get("NO1"), found?.all?.length]).toEqual([
    "TRADING",
    null,
    3300,
  ]);
  expect(found?.entries.map(({ text }) => text)).toEqual([entries[3299] ?? ""]);
  for (const damaged of [
    `${body.slice(0, 12_000_000)}}`,
    body.replace('"symbols":', '"symbols":{"x":').replace(/\]\}$/, "]}}").replaceAll("symbol", "name"),
  ]) {
    answer = damaged;
    time.advance(60_000);
    expect(await ask()).toBeNull();
  }
  for (const damaged of [body.replace('"status"', '"state"'), body.replace("SYM7", "SY\\q7")]) {
    answer = damaged;
    time.advance(60_000);
    const rest = await ask();
    expect(rest?.entries.map(({ text }) => text)).toEqual([entries[3299] ?? ""]);
    // The damaged entry may be the symbol that is missed.
    expect([rest?.statuses.get("SYM3299"), rest?.statuses.has("NO1")]).toEqual(["TRADING", false]);
  }
});

test("urgent requests go first, and the rest keeps its order", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const { get, asked } = setUp(async () => {
    await opened;
    return fine();
  });
  const all = [
    get("1"),
    get("2"),
    get("low1", 1, "low"),
    get("n1"),
    get("low2", 1, "low"),
    get("n2"),
    get("h", 1, "high"),
  ];
  await until(() => asked.length === 2, "two to be under way");
  open();
  await Promise.all(all);
  // Two are under way at once, so neighbours may overtake each other on the wire.
  const place = (name: string) => asked.indexOf(name);
  expect(asked.slice(0, 2).sort()).toEqual(["1", "2"]);
  expect(Math.max(place("h"), place("n1"))).toBeLessThan(Math.min(place("low1"), place("low2")));
  expect(place("h")).toBeLessThanOrEqual(3);
});

test("at most the own weight is spent in a UTC minute; low priority leaves a quarter of it to others", async () => {
  const { rest, get, time, asked } = setUp(fine, { weightPerMinute: 100 });
  const low = Array.from({ length: 10 }, () => get("low", 10, "low"));
  await Promise.all(low.slice(0, 7));
  const urgent = [get("high", 10, "high"), get("high", 10, "high"), get("high", 10, "high")];
  await Promise.all(urgent);
  expect(asked).toHaveLength(10);
  const late = get("high", 10, "high");
  // The exchange's minute may end a little later than ours.
  time.advance(50_499);
  expect([rest.status().waiting, asked.length]).toEqual([4, 10]);
  time.advance(1);
  await Promise.all([late, ...low]);
  expect(asked).toHaveLength(14);
});

test("what others on the same address use up is respected", async () => {
  let used = 4700;
  const headers = () => ({ "x-mbx-used-weight-1m": String(used) });
  const { rest, get, time, asked } = setUp(() => new Response("{}", { headers: headers() }));
  await get("a", 50);
  const second = get("b", 250);
  time.advance(49_000);
  expect([rest.status().waiting, asked]).toEqual([1, ["a"]]);
  used = 250;
  time.advance(2000);
  expect(await second).toMatchObject({ kind: "ok" });
});

test("a withdrawn request, and every request after a stop, fails at once", async () => {
  const { promise: never } = Promise.withResolvers<Response>();
  const { rest, get, asked, lines } = setUp(() => never);
  const withdrawn = new AbortController();
  const all = [get("1"), get("2"), rest.get("/3", {}, { weight: 1, priority: "high", signal: withdrawn.signal })];
  await until(() => asked.length === 2, "two to be under way");
  withdrawn.abort();
  expect(await all[2]).toEqual({ kind: "failed", reason: "stopped" });
  rest.stop();
  rest.stop();
  const stopped = { kind: "failed", reason: "stopped" } as const;
  expect([await all[0], await all[1], await get("4")]).toEqual([stopped, stopped, stopped]);
  expect(lines).toEqual([]);
});
