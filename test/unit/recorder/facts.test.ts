import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { verifyStream } from "../../../server/archive/verify/verify-stream.ts";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { createSymbolWatch } from "../../../server/binance/rest/symbol-status.ts";
import { coverageOf } from "../../../server/domain/coverage/coverage.ts";
import { type Day, dateStartUs, dayUs, type Segment } from "../../../server/domain/day.ts";
import { decodeLine, encodeLine } from "../../../server/domain/line.ts";
import { createLog, silentLog } from "../../../server/platform/log/log.ts";
import { createFactsWriter } from "../../../server/recorder/facts/facts-writer.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { instrumentOfDay } from "../../../server/storage/instrument-facts.ts";
import { findRecordedStreams } from "../../../server/storage/list/listing.ts";
import { readManifest } from "../../../server/storage/manifest.ts";
import { archiveHere, temporaryData, writeRaw } from "../../support/data/day-fixture.ts";
import { createManualTime } from "../../support/time/manual-time.ts";
import { until } from "../../support/wait.ts";

let dataDir = "";
const stops: (() => unknown)[] = [];
beforeEach(() => {
  const made = temporaryData();
  dataDir = made.dataDir;
  stops.push(made.remove);
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const date = "2026-11-21";
const startUs = dateStartUs(date);
/** An entry with members in another order than today's, members of tomorrow, and digits that a parser would change. */
const entry = (symbol: string, tick = "0.01000000", status = "TRADING") =>
  `{"quoteAsset":"USDT", "baseAsset":"${symbol.slice(0, -4)}","symbol":"${symbol}","status":"${status}","new":1.50e1,"filters":[{"filterType":"MARKET_LOT_SIZE","stepSize":"0.00000000"},{"tickSize":"${tick}","filterType":"PRICE_FILTER"},{"filterType":"LOT_SIZE","stepSize":"0.00001000"}]}`;
const facts = (symbol: string, us: number, text = entry(symbol)) => ({
  symbol,
  text,
  recvUs: us,
  exchangeMs: us / 1000,
});

function createWriter() {
  const closed: Segment[] = [];
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const writer = createFactsWriter(
    { dataDir, segmentMinutes: 5 },
    { onClosed: (segment) => closed.push(segment), log },
  );
  stops.push(writer.stop);
  return { writer, closed, lines };
}

const pathOf = ({ symbol, date, name }: Segment) =>
  join(dataDir, `live/stream=exchangeInfo/symbol=${symbol}/date=${date}/${name}.jsonl`);
const textOf = (segment: Segment) => readFileSync(pathOf(segment), "utf8");

test("each symbol's entry is written byte for byte: at the start, on each UTC day, and when it changes", async () => {
  const { writer, closed } = createWriter();
  const offers = [
    [facts("BTCUSDT", startUs + 1e6), facts("ETHUSDT", startUs + 1e6)],
    [facts("BTCUSDT", startUs + 600e6), facts("ETHUSDT", startUs + 600e6, entry("ETHUSDT", "0.10000000"))],
    [facts("BTCUSDT", startUs + dayUs), facts("ETHUSDT", startUs + dayUs, entry("ETHUSDT", "0.10000000"))],
  ];
  for (const [n, count] of [2, 3, 5].entries()) {
    writer.offer(offers[n] ?? []);
    await until(() => closed.length === count, `${count} segments`);
  }
  expect(closed.map(({ symbol, date, name }) => `${symbol} ${date} ${name}`)).toEqual([
    ...[`BTCUSDT ${date} 00-00`, `ETHUSDT ${date} 00-00`, `ETHUSDT ${date} 00-10`],
    ...["BTCUSDT 2026-11-22 00-00", "ETHUSDT 2026-11-22 00-00"],
  ]);
  expect(textOf(closed[0] as Segment)).toBe(encodeLine(entry("BTCUSDT"), startUs + 1e6, null));
  expect(decodeLine(textOf(closed[2] as Segment).trimEnd())?.payload).toBe(entry("ETHUSDT", "0.10000000"));
  expect(writer.newest("ETHUSDT")).toEqual({
    recvUs: startUs + dayUs,
    instrument: { base: "ETH", quote: "USDT", tick_size: "0.10000000", step_size: "0.00001000", status: "TRADING" },
  });
});

test("facts are not dated by a wrong clock, and are written once the clock is right", async () => {
  const { writer, closed } = createWriter();
  writer.offer([{ ...facts("BTCUSDT", startUs), exchangeMs: startUs / 1000 + 10 * 60_000 }]);
  await until(() => writer.newest("BTCUSDT") !== null, "the first answer");
  expect(closed).toEqual([]);
  writer.offer([facts("BTCUSDT", startUs + 600e6)]);
  await until(() => closed.length === 1, "the second answer");
});

test("what the disk does not accept stays due and is reported once; it is no gap", async () => {
  const { writer, closed, lines } = createWriter();
  const below = join(dataDir, "live");
  mkdirSync(below, { recursive: true });
  await Bun.write(join(below, "stream=exchangeInfo"), "a file where a folder has to be");
  for (const n of [1, 2]) {
    writer.offer([facts("BTCUSDT", startUs + n * 1e6)]);
    await until(() => writer.newest("BTCUSDT")?.recvUs === startUs + n * 1e6 && lines.length > 0, `answer ${n}`);
  }
  chmodSync(below, 0o755);
  await Bun.file(join(below, "stream=exchangeInfo")).delete();
  writer.offer([facts("BTCUSDT", startUs + 3e6)]);
  await until(() => closed.length === 1, "the third answer");
  expect(lines.map((line) => line.includes("cannot write the facts"))).toEqual([true]);
});

/** A recorder's watch and writer against an exchange whose answer passes `change`. */
async function watchThrough(symbols: readonly string[], change: (text: string) => string) {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT", "SOLUSDT"], levels: 10 });
  const time = createManualTime(Date.parse(`${date}T12:00:00Z`));
  const timed = { ...source, start() {}, stop() {}, nowMs: () => time.now() };
  const exchange = createSimulatedExchange({}, { source: timed, log: silentLog });
  const { restUrl } = await exchange.start();
  let asked = 0;
  const front = Bun.serve({
    port: 0,
    async fetch(request) {
      asked++;
      const { pathname, search } = new URL(request.url);
      const answer = await fetch(`${restUrl}${pathname}${search}`);
      return new Response(change(await answer.text()), { status: answer.status, headers: answer.headers });
    },
  });
  const { writer, closed, lines } = createWriter();
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const rest = createRestClient({ restUrl: `http://127.0.0.1:${front.port}` }, { log, ...time });
  const watch = createSymbolWatch(
    { symbols },
    { rest, log, onEntries: writer.offer, nowUs: () => time.now() * 1000, ...time },
  );
  stops.push(exchange.stop, () => front.stop(true), rest.stop, watch.stop);
  return { watch, closed, lines, time, asked: () => asked };
}

const symbolsOf = (segments: readonly Segment[]) => segments.map(({ symbol }) => symbol).sort();

test("the simulator's entries are recorded as sent, with a request for all symbols together", async () => {
  let sent = "";
  const { watch, closed, asked } = await watchThrough(["BTCUSDT", "ETHUSDT"], (text) => (sent = text));
  watch.start();
  await until(() => closed.length === 2, "the entries");
  for (const segment of closed)
    expect(sent).toContain(decodeLine(textOf(segment).trimEnd())?.payload ?? "no line of ours");
  expect([symbolsOf(closed), asked()]).toEqual([["BTCUSDT", "ETHUSDT"], 1]);
  expect(instrumentOfDay(dataDir, { stream: "depth20", symbol: "BTCUSDT", date })).toEqual({
    ...{ base: "BTC", quote: "USDT", tick_size: "0.01000000", step_size: "0.00001000", status: "TRADING" },
  });
});

test("an unknown symbol, a malformed entry and an entry that would break a line fail alone", async () => {
  const { watch, closed, lines } = await watchThrough(["BTCUSDT", "ETHUSDT", "SOLUSDT", "NIXUSDT"], (text) =>
    text
      .replace('"symbol":"ETHUSDT","status":"TRADING"', '"symbol":"ETHUSDT","status":TRADING')
      .replace('"symbol":"SOLUSDT"', '"symbol":"SOLUSDT","recv_us":1'),
  );
  watch.start();
  await until(() => closed.length === 1 && lines.some((line) => line.includes("SOLUSDT")), "the entries");
  expect(symbolsOf(closed)).toEqual(["BTCUSDT"]);
  const states = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "NIXUSDT"].map((symbol) => watch.stateOf(symbol).kind);
  expect(states.join()).toBe("trading,unchecked,trading,unchecked");
  expect(lines.filter((line) => line.includes("cannot record the facts"))).toHaveLength(1);
});

/** Writes a symbol's facts and records of `depth20` of these days, then merges all of them. */
async function writeDays(days: readonly { date: string; tick: string | null }[]): Promise<void> {
  const segments = days.flatMap(({ date, tick }) => {
    const us = dateStartUs(date) + 3_600e6;
    const book = { stream: "depth20", symbol: "BTCUSDT", date, name: "01-00" };
    const info = { ...book, stream: "exchangeInfo" };
    writeRaw(dataDir, book, encodeLine('{"lastUpdateId":1,"bids":[],"asks":[]}', us, null));
    if (tick === null) return [book];
    writeRaw(dataDir, info, encodeLine(entry("BTCUSDT", tick), us, null));
    return [book, info];
  });
  await archiveHere(dataDir, segments);
}

const manifestOf = (date: string, stream = "depth20") =>
  readManifest(dataDir, { stream, symbol: "BTCUSDT", date } satisfies Day);

test("a changed filter is in the next day's manifest not in that of the day before; earlier days have no facts", async () => {
  await writeDays([
    { date: "2026-11-17", tick: null },
    { date: "2026-11-18", tick: "0.01000000" },
    { date: "2026-11-19", tick: null },
    { date: "2026-11-20", tick: "0.10000000" },
  ]);
  const ticks = ["17", "18", "19", "20"].map((n) => manifestOf(`2026-11-${n}`)?.instrument?.tick_size);
  expect(ticks).toEqual([undefined, "0.01000000", "0.01000000", "0.10000000"]);
  expect(manifestOf("2026-11-20", "exchangeInfo")).toMatchObject({
    rows: 1,
    ...{ first_id: null, last_id: null, ids: null, gaps: [] },
    instrument: { base: "BTC", quote: "USDT", step_size: "0.00001000", status: "TRADING" },
  });
});

test("days without facts are neither missing nor silent", async () => {
  await writeDays([
    { date: "2026-11-18", tick: "0.01000000" },
    { date: "2026-11-21", tick: "0.01000000" },
  ]);
  const [stream] = findRecordedStreams(dataDir).filter(({ stream }) => stream.type.kind === "exchangeInfo");
  if (stream === undefined) throw new Error("no facts are listed");
  const verified = await verifyStream(stream, () => null, { dataDir, quick: false, onProgress() {} });
  expect(verified.map(({ date, problems, silences }) => [date, problems, silences])).toEqual([
    ["2026-11-18", [], []],
    ["2026-11-21", [], []],
  ]);
  const span = { fromUs: dateStartUs("2026-11-18"), toUs: dateStartUs("2026-11-22") };
  expect(coverageOf("exchangeInfo", [], [], span, span.fromUs)).toMatchObject({ missingUs: 0, share: 1 });
});
