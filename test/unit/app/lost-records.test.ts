import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createApp } from "../../../server/app/app.ts";
import { manifestPath, segmentPath } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeLine, recordId } from "../../../server/domain/line.ts";
import { openJournal, readJournal } from "../../../server/journal/journal.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import type { MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { appConfig } from "../../support/app-config.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { createScriptedSource } from "../../support/simulator/scripted-source.ts";
import { until } from "../../support/wait.ts";

const midnightMs = Date.parse("2026-11-23T00:00:00Z");
const minuteUs = 60_000_000;
const tenUs = Date.parse("2026-11-22T10:00:00Z") * 1000;
const date = "2026-11-22";
const running: { stop(deadlineMs: number): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop(5000);
});

/** Numbers up to 30 are of the day before, 101 to 112 of today. */
const madeMs = (id: number) => (id > 100 ? midnightMs + 20_000 + id : tenUs / 1000 + id * 6000);
const tradeOf = (id: number) =>
  `{"a":${id},"p":"1.0","q":"1.0","f":${id},"l":${id},"T":${madeMs(id)},"m":true,"M":true}`;
const bookOf = (id: number) => `{"lastUpdateId":${id},"bids":[["1.0","2.0"]],"asks":[]}`;
/** Ten records a minute from 10:00 on, number 1 to 30. */
const recvUs = (id: number) => tenUs + (id - 1) * 6_000_000 + 1_500_000;

/** A data folder with a run that ended at 23:59:30, and files of an hour long before, of which the middle file is unreadable. */
async function setUp(damaged: { readonly sealed: boolean; readonly bytes: Uint8Array | string } | null) {
  const source = createScriptedSource();
  const market: MarketSource = {
    ...source,
    aggTrades: (_symbol, { fromId, limit }) => {
      const ids = Array.from({ length: limit }, (_, n) => (fromId ?? 1) + n).filter(
        (id) => id <= 30 || (id > 100 && id <= 112),
      );
      return `[${ids.map(tradeOf).join(",")}]`;
    },
  };
  let startedMs = performance.now();
  let beganMs = midnightMs - 30_000;
  const wallMs = () => Math.floor(beganMs + performance.now() - startedMs);
  const exchange = createSimulatedExchange({}, { source: market, log: silentLog, now: wallMs });
  running.push(exchange);
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const begin = async (atMs: number) => {
    [beganMs, startedMs] = [atMs, performance.now()];
    const config = appConfig({
      ...{ "record.data_dir": dataDir, "record.symbols": "BTCUSDT", "record.streams": "depth20@100ms,aggTrade" },
      ...{ "record.flush_ms": 20, "exchange.ws_url": wsUrl, "exchange.rest_url": restUrl },
    });
    const clock = { wallMs, monotonicMs: () => performance.now() };
    const app = createApp(config, { mode: "record", log: silentLog, clock });
    running.push(app);
    await app.start();
    await until(() => source.wants("btcusdt@aggTrade"), "the subscription", 30_000);
    return app;
  };
  await (await begin(midnightMs - 30_000)).stop(5000);
  // Otherwise the next run seems to be subscribed before it is.
  await until(() => !source.wants("btcusdt@aggTrade"), "the end of the subscription", 30_000);
  for (const stream of damaged === null ? [] : ["aggTrade", "depth20"]) {
    const payload = stream === "aggTrade" ? tradeOf : bookOf;
    const lines = (from: number) =>
      Array.from({ length: 10 }, (_, n) => encodeLine(payload(from + n), recvUs(from + n), null)).join("");
    const write = (name: string, isSealed: boolean, content: Uint8Array | string) => {
      const path = segmentPath(dataDir, { stream, symbol: "BTCUSDT", date, name }, isSealed ? "sealed" : "open");
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    };
    write("10-00", true, Bun.zstdCompressSync(lines(1)));
    write("10-01", damaged?.sealed === true, damaged?.bytes ?? "");
    write("10-02", true, Bun.zstdCompressSync(lines(21)));
  }
  const gaps = (stream: string, on = date): readonly Gap[] =>
    (readJournal(dataDir)?.gapsOf({ stream, symbol: "BTCUSDT", date: on }) ?? []).filter(
      ({ cause }) => cause === "disk",
    );
  const manifest = async (stream: string) =>
    (await Bun.file(manifestPath(dataDir, { stream, symbol: "BTCUSDT", date }))
      .json()
      .catch(() => null)) as Manifest | null;
  const emit = (id: number) =>
    source.emit({ stream: "btcusdt@aggTrade", payload: `{"e":"aggTrade","E":1,"s":"BTCUSDT",${tradeOf(id).slice(1)}` });
  const ids = () => {
    try {
      const trades = readRecords(dataDir).get("BTCUSDT/aggTrade") ?? [];
      return trades.map(({ payload }) => recordId(payload, "aggTrade") ?? 0).toSorted((a, b) => a - b);
    } catch {
      // A segment was sealed while it was about to be read.
      return [];
    }
  };
  return { dataDir, begin, gaps, manifest, emit, ids };
}

for (const { what, sealed, bytes } of [
  { what: "a raw segment that recovery cannot read at all", sealed: false, bytes: new Uint8Array(50_000) },
  { what: "a sealed segment that the merge cannot read", sealed: true, bytes: "none of ours" },
])
  test(`${what} is a gap from the record before it to the record after it, and its trades are backfilled`, async () => {
    const { begin, gaps, manifest, ids } = await setUp({ sealed, bytes });
    await begin(midnightMs + 20_000);
    await until(() => gaps("depth20").length > 0, "the gap of the books", 30_000);
    await until(() => gaps("aggTrade")[0]?.repaired === 10, "the trades to be refetched", 30_000);
    for (const stream of ["depth20", "aggTrade"]) {
      const [gap, ...others] = gaps(stream);
      expect(others).toEqual([]);
      expect(gap?.from_us).toBeGreaterThanOrEqual(recvUs(10));
      expect(gap?.from_us).toBeLessThanOrEqual(tenUs + minuteUs);
      expect(gap?.to_us).toBeGreaterThanOrEqual(tenUs + 2 * minuteUs);
      expect(gap?.to_us).toBeLessThanOrEqual(recvUs(21));
      const inManifest = async () => (await manifest(stream))?.gaps.some(({ cause }) => cause === "disk") === true;
      await until(inManifest, "the gap in the manifest", 30_000);
    }
    expect(gaps("aggTrade")).toMatchObject([{ missing: 10, repaired: 10 }]);
    const hasAll = () => ids().join() === Array.from({ length: 30 }, (_, n) => n + 1).join();
    await until(hasAll, "every trade once", 30_000);
  }, 90_000);

test("a kill between a gap and the search for its trades does not keep them from being backfilled", async () => {
  const { dataDir, begin, gaps, ids } = await setUp({
    sealed: false,
    bytes: encodeLine(tradeOf(15), recvUs(15), null),
  });
  const journal = openJournal(dataDir, { log: silentLog });
  const series = { stream: "aggTrade", symbol: "BTCUSDT", missing: null, repaired: 0 };
  journal.saveGaps([
    { ...series, from_us: recvUs(10), to_us: recvUs(15), cause: "missing" },
    { ...series, from_us: recvUs(15), to_us: recvUs(21), missing: 5, cause: "disk" },
  ]);
  await journal.close(5000);
  await begin(midnightMs + 20_000);
  const hasAll = () => ids().join() === Array.from({ length: 30 }, (_, n) => n + 1).join();
  await until(hasAll, "every trade once", 30_000);
  await until(() => gaps("aggTrade")[0]?.repaired === 5, "the trades to be counted in their gap", 30_000);
  expect(gaps("aggTrade")).toMatchObject([{ missing: 5, repaired: 5 }]);
}, 90_000);

test("a new segment does not get the name of a segment that an earlier run left, even if that file is gone", async () => {
  const { dataDir, begin, emit } = await setUp(null);
  const left = segmentPath(
    dataDir,
    { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-23", name: "00-00" },
    "open",
  );
  mkdirSync(dirname(left), { recursive: true });
  writeFileSync(left, "");
  await begin(midnightMs + 20_000);
  await until(() => !existsSync(left), "the empty segment to be removed", 30_000);
  emit(101);
  await until(() => readdirSync(dirname(left)).length > 0, "the new segment", 30_000);
  expect(readdirSync(dirname(left))).toEqual(["00-00_02.jsonl"]);
}, 90_000);

test("trades that were cut off an open segment are backfilled by their ids", async () => {
  const { dataDir, begin, gaps, emit, ids } = await setUp(null);
  const app = await begin(midnightMs + 20_000);
  const isWritten = (records: number) => () =>
    app.status().totals.records === records && app.status().symbols.every((symbol) => symbol.buffered_records === 0);
  for (let id = 101; id <= 110; id++) emit(id);
  await until(isWritten(10), "the trades to be written");
  const today = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-23" };
  const file = segmentPath(dataDir, { ...today, name: "00-00" }, "open");
  const lines = readFileSync(file, "utf8").split("\n");
  truncateSync(file, lines.slice(0, 4).join("\n").length + 1);
  for (let id = 111; id <= 112; id++) emit(id);
  await until(() => gaps("aggTrade", today.date)[0]?.repaired === 6, "the trades to be refetched", 30_000);
  expect(gaps("aggTrade", today.date)).toMatchObject([{ missing: 6, repaired: 6 }]);
  await until(() => ids().join() === Array.from({ length: 12 }, (_, n) => 101 + n).join(), "every trade once", 30_000);
}, 90_000);
