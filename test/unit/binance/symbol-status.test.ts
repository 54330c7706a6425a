import { afterEach, expect, test } from "bun:test";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { createSymbolWatch, type SymbolState } from "../../../server/binance/rest/symbol-status.ts";
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

const names = Array.from({ length: 297 }, (_, n) => `SYM${n}USDT`);

/** A watch over `symbols`; every request passes `before`, then a real exchange that lists `listed`. */
async function setUp(symbols: readonly string[], listed: readonly string[] = names) {
  const source = createSyntheticMarket({ symbols: listed, levels: 10 });
  const exchange = createSimulatedExchange({}, { source: { ...source, start() {}, stop() {} }, log: silentLog });
  const { restUrl } = await exchange.start();
  const asked: string[] = [];
  let before: () => Response | null = () => null;
  let hold: Promise<void> = Promise.resolve();
  const front = Bun.serve({
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push(search);
      await hold;
      return before() ?? fetch(`${restUrl}${pathname}${search}`);
    },
  });
  const time = createManualTime(Date.parse("2026-11-24T12:00:00Z"));
  const lines: string[] = [];
  const changes: [string, SymbolState][] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) =>
    lines.push(line.slice(20).trimEnd()),
  );
  const rest = createRestClient({ restUrl: `http://127.0.0.1:${front.port}` }, { log, random: () => 0, ...time });
  const watch = createSymbolWatch(
    { symbols },
    { rest, log, onChange: (symbol, state) => changes.push([symbol, state]), ...time },
  );
  stops.push(exchange.stop, () => front.stop(true), rest.stop, watch.stop);
  /** Lets time pass to the next check and waits until it is over. */
  const nextCheck = async (ms = 10 * 60_000) => {
    const count = asked.length;
    time.advance(ms);
    await until(() => asked.length > count && time.untilNext() < Number.POSITIVE_INFINITY, "a check");
  };
  const settled = () => until(() => time.untilNext() < Number.POSITIVE_INFINITY, "the check to be over");
  return {
    ...{ exchange, watch, rest, time, asked, lines, changes, nextCheck, settled },
    answer(next: typeof before) {
      before = next;
    },
    holdBack(until: Promise<void>) {
      hold = until;
    },
  };
}

test("of 300 symbols, 3 that do not exist and 2 that are halted are named once each with what to do; the others are traded", async () => {
  const wrong = ["SYM12USD", "SYMM5USDT", "币安人生USDT"];
  const { exchange, watch, asked, lines, changes, nextCheck, settled } = await setUp([...names, ...wrong]);
  exchange.setStatus("SYM7USDT", "HALT");
  exchange.setStatus("SYM8USDT", "CANCEL_ONLY");
  expect(watch.stateOf("SYM1USDT")).toEqual({ kind: "unchecked" });
  watch.start();
  await settled();
  expect(changes).toHaveLength(300);
  expect(changes.filter(([, { kind }]) => kind === "trading")).toHaveLength(295);
  expect(watch.stateOf("SYM7USDT")).toEqual({ kind: "halted", status: "HALT" });
  expect(watch.stateOf("SYM8USDT")).toEqual({ kind: "halted", status: "CANCEL_ONLY" });
  expect(watch.stateOf("SYMM5USDT")).toEqual({ kind: "unknown", didYouMean: "SYM5USDT" });
  expect(watch.stateOf("币安人生USDT").kind).toBe("unknown");
  expect(lines).toHaveLength(5);
  const told = (symbol: string) =>
    lines.find((line) => line.includes(`symbol=${symbol} `) || line.endsWith(`symbol=${symbol}`));
  expect(told("SYM7USDT")).toContain("the exchange does not trade this symbol now");
  expect(told("SYM7USDT")).toEndWith("status=HALT");
  expect(told("SYMM5USDT")).toContain("misspelt or delisted; correct or remove it in record.symbols");
  expect(told("SYMM5USDT")).toEndWith("did_you_mean=SYM5USDT");
  const weight = 20 * asked.length;
  expect(weight).toBeLessThanOrEqual(100);

  await nextCheck();
  expect([lines.length, changes.length]).toEqual([5, 300]);
  // All symbols of the exchange at once are no more weight than one list.
  expect(20 * asked.length - weight).toBe(20);
});

test("few symbols are requested by name, without members that are not needed", async () => {
  const { asked, settled, watch } = await setUp(["SYM1USDT", "SYM2USDT"]);
  watch.start();
  await settled();
  expect(asked).toEqual(["?symbols=%5B%22SYM1USDT%22%2C%22SYM2USDT%22%5D&showPermissionSets=false"]);
});

test("a halt, a delisting and their ends are noticed at the next check and told once each", async () => {
  const { exchange, watch, lines, changes, nextCheck, settled } = await setUp(["SYM1USDT", "SYM2USDT"]);
  watch.start();
  await settled();
  changes.splice(0);
  exchange.setStatus("SYM1USDT", "BREAK");
  exchange.setStatus("SYM2USDT", "absent");
  await nextCheck();
  await nextCheck();
  exchange.setStatus("SYM1USDT", "END_OF_DAY");
  await nextCheck();
  exchange.setStatus("SYM1USDT", "TRADING");
  exchange.setStatus("SYM2USDT", "TRADING");
  await nextCheck();
  expect(changes.map(([symbol, state]) => [symbol, state.kind === "halted" ? state.status : state.kind])).toEqual([
    ["SYM1USDT", "BREAK"],
    ["SYM2USDT", "delisted"],
    ["SYM1USDT", "END_OF_DAY"],
    ["SYM1USDT", "trading"],
    ["SYM2USDT", "trading"],
  ]);
  expect(lines).toHaveLength(5);
  expect(lines.at(-1)).toBe("info  the symbol is traded again symbol=SYM2USDT");
});

for (const [what, body] of [
  ["a symbol with a broken escape", '{"symbols":[{"symbol":"A\\q","status":"TRADING"}]}'],
  ["an entry without a status", '{"symbols":[{"symbol":"SYM1USDT"},{"symbol":"NIXUSDT","status":"TRADING"}]}'],
  ["an entry that is null", '{"symbols":[null]}'],
  ["no list", '{"symbols":{"SYM1USDT":"TRADING"}}'],
  ["JSON of a login page", '{"status":"login required"}'],
  ["half of an answer", '{"symbols":[{"symbol":"SYM1USDT","status":"TRADING"},{"symbol":"SYM]'],
] as const) {
  test(`an exchangeInfo with ${what} is ignored and requested again`, async () => {
    const { watch, answer, changes, nextCheck, settled } = await setUp(["SYM1USDT", "SYM2USDT"]);
    answer(() => new Response(body));
    watch.start();
    await settled();
    await nextCheck(60_000);
    expect([watch.stateOf("SYM1USDT"), changes]).toEqual([{ kind: "unchecked" }, []]);
    answer(() => null);
    await nextCheck(60_000);
    await until(() => changes.length === 2, "both to be known");
    expect(watch.stateOf("SYM1USDT")).toEqual({ kind: "trading" });
  });
}

test("while REST does not answer, states stay and recording goes on; the check follows afterwards", async () => {
  const { watch, answer, time, changes, lines, settled } = await setUp(["SYM1USDT", "NIXUSDT"]);
  answer(() => refusal(503));
  watch.start();
  await settled();
  time.advance(60_000);
  expect(watch.stateOf("NIXUSDT")).toEqual({ kind: "unchecked" });
  answer(() => null);
  await until(() => {
    time.advance(10_000);
    return changes.length === 2;
  }, "the states");
  expect(watch.stateOf("NIXUSDT").kind).toBe("unknown");
  expect(lines.filter((line) => line.includes("REST:"))).toHaveLength(2);
});

test("an answer of an unknown form is no reason to call a symbol unknown", async () => {
  const { watch, answer, asked, settled } = await setUp(["SYM1USDT"]);
  answer(() => Response.json({ symbols: [] }));
  watch.start();
  await until(() => asked.length > 0, "the question");
  await settled();
  expect(watch.stateOf("SYM1USDT")).toEqual({ kind: "unchecked" });
});

test("an exchangeInfo with new and reordered members is read, recorded as sent, and counted", async () => {
  const entry = '{"baseAsset":"BTC","venue":{"a":[1,"}"]},"status":"TRADING","symbol":"BTCUSDT"}';
  const text = `{"news":{"symbols":[]},"symbols":[${entry.replaceAll(",", ",\n")}],"serverTime":1795000000123456}`;
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(text) });
  const rest = createRestClient({ restUrl: `http://127.0.0.1:${server.port}` }, { log: silentLog });
  const got: unknown[] = [];
  const watch = createSymbolWatch(
    { symbols: ["BTCUSDT"] },
    { rest, log: silentLog, nowUs: () => 5, onEntries: (entries) => got.push(...entries) },
  );
  stops.push(() => server.stop(true), rest.stop, watch.stop);
  watch.start();
  await until(() => watch.stateOf("BTCUSDT").kind === "trading", "the state");
  expect(got).toEqual([{ symbol: "BTCUSDT", text: entry, recvUs: 5, exchangeMs: 1_795_000_000_123.456 }]);
  expect(rest.status().unusual).toBe(1);
});

const entry = (symbol: string, more: object = {}) => ({ symbol, status: "TRADING", baseAsset: "X", ...more });
const invalid = () => Response.json({ code: -1121, msg: "Invalid symbol." }, { status: 400 });

test("a symbol that was traded or recorded here is delisted or renamed, never a misspelling; a new name is told if the exchange tells it", async () => {
  const recorded = new Set(["OLDUSDT", "MATICUSDT"]);
  const listed = [
    entry("SYM1USDT"),
    entry("POLUSDT", { formerSymbol: "MATICUSDT" }),
    entry("SYM2USDT"),
    entry("OLD2USDT"),
  ];
  const server = Bun.serve({
    port: 0,
    fetch: (request) =>
      new URL(request.url).searchParams.has("symbols") ? invalid() : Response.json({ symbols: listed }),
  });
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const rest = createRestClient({ restUrl: `http://127.0.0.1:${server.port}` }, { log });
  const watch = createSymbolWatch(
    { symbols: ["SYM1USDT", "OLDUSDT", "MATICUSDT", "SYM2UDST"] },
    { rest, log, wasRecorded: (symbol) => recorded.has(symbol) },
  );
  stops.push(() => server.stop(true), rest.stop, watch.stop);
  watch.start();
  await until(() => watch.stateOf("SYM1USDT").kind === "trading", "the states");
  expect(watch.stateOf("OLDUSDT")).toEqual({ kind: "delisted", renamedTo: null });
  expect(watch.stateOf("MATICUSDT")).toEqual({ kind: "delisted", renamedTo: "POLUSDT" });
  expect(watch.stateOf("SYM2UDST")).toEqual({ kind: "unknown", didYouMean: "SYM2USDT" });
  const told = (symbol: string) => lines.find((line) => line.includes(`symbol=${symbol}`)) ?? "";
  expect(told("OLDUSDT")).toContain("delisted or renamed this symbol; its recordings stay");
  expect(told("OLDUSDT")).not.toContain("OLD2USDT");
  expect(told("MATICUSDT")).toContain("renamed_to=POLUSDT");
  expect(told("SYM2UDST")).toContain("did_you_mean=SYM2USDT");
});

test("only error -1121 says that a symbol does not exist: another refusal leaves its state as it is", async () => {
  const refused: string[] = [];
  let code = -1100;
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      const { searchParams } = new URL(request.url);
      if (!searchParams.has("symbol") && !searchParams.has("symbols"))
        return Response.json({ symbols: [entry("SYM1USDT")] });
      refused.push(searchParams.get("symbol") ?? "list");
      return Response.json({ code, msg: "refused" }, { status: 400 });
    },
  });
  const time = createManualTime(Date.parse("2026-11-24T12:00:00Z"));
  const rest = createRestClient({ restUrl: `http://127.0.0.1:${server.port}` }, { log: silentLog, ...time });
  const watch = createSymbolWatch({ symbols: ["SYM1USDT", "NIXUSDT"] }, { rest, log: silentLog, ...time });
  stops.push(() => server.stop(true), rest.stop, watch.stop);
  watch.start();
  await until(() => time.untilNext() < Number.POSITIVE_INFINITY, "the first check");
  expect([watch.stateOf("SYM1USDT").kind, watch.stateOf("NIXUSDT").kind]).toEqual(["trading", "unchecked"]);
  expect(refused).toEqual(["list", "NIXUSDT"]);
  code = -1121;
  time.advance(30_000);
  await until(() => watch.stateOf("NIXUSDT").kind === "unknown", "the exchange's own word");
});

test("checkNow asks soon, but not more often than every half minute, however often it is called", async () => {
  const { watch, asked, time, settled, nextCheck } = await setUp(["SYM1USDT"]);
  watch.start();
  await settled();
  for (let n = 0; n < 100; n++) watch.checkNow();
  time.advance(29_000);
  expect([time.untilNext(), asked.length]).toEqual([1000, 1]);
  await nextCheck(1000);
  expect(asked).toHaveLength(2);
});

test("after a reload new symbols are checked, unchanged symbols are not reported again, removed symbols are forgotten", async () => {
  const { watch, changes, lines, nextCheck, settled } = await setUp(["SYM1USDT", "NIXUSDT"]);
  watch.start();
  await settled();
  expect(lines).toHaveLength(1);
  watch.setSymbols(["NIXUSDT", "SYM2USDT"]);
  expect(watch.stateOf("SYM1USDT")).toEqual({ kind: "unchecked" });
  await nextCheck(30_000);
  expect(changes.slice(2).map(([symbol]) => symbol)).toEqual(["SYM2USDT"]);
  expect(lines).toHaveLength(1);
});

test("symbols that are taken out while the exchange is being asked are not spoken of when it answers", async () => {
  const { watch, changes, asked, holdBack, settled } = await setUp(["SYM1USDT", "NIXUSDT"]);
  const { promise, resolve } = Promise.withResolvers<void>();
  holdBack(promise);
  watch.start();
  await until(() => asked.length === 1, "the question");
  watch.setSymbols(["SYM1USDT"]);
  resolve();
  await settled();
  expect(changes.map(([symbol]) => symbol)).toEqual(["SYM1USDT"]);
});

test("when everything halts at once, the first are named and the rest are counted", async () => {
  const { exchange, watch, lines, settled } = await setUp(names.slice(0, 90));
  for (const name of names) exchange.setStatus(name, "BREAK");
  watch.start();
  await settled();
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe("warn  more symbols have changed their status symbols=70");
});
