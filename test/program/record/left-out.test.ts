import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Gap } from "../../../server/domain/gap.ts";
import { recordId } from "../../../server/domain/line.ts";
import { readJournal } from "../../../server/journal/journal.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { recorderOf } from "../../../server/storage/lock/data-folder.ts";
import { readUpgradeReport } from "../../../server/upgrade/report.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { isRunning } from "../../support/upgrades.ts";
import { until } from "../../support/wait.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A recorder of BTCUSDT and, as long as the config says so, of ETHUSDT, and a list of what the exchange has emitted of that. */
async function setUp() {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 3, speed: 4 });
  const trades: number[] = [];
  const books: { payload: string; atUs: number }[] = [];
  const source = {
    ...market,
    start: (emit: Parameters<typeof market.start>[0]) =>
      market.start((events) => {
        for (const { stream, payload } of events) {
          if (stream === "ethusdt@aggTrade") trades.push(recordId(payload, "aggTrade") ?? 0);
          if (stream === "ethusdt@depth20@100ms") books.push({ payload, atUs: Date.now() * 1000 });
        }
        emit(events);
      }),
  };
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  stops.push(() => source.stop(), exchange.stop);
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const file = join(folder, "rt-data.toml");
  const configure = (symbols: readonly string[], streams: readonly string[] = ["depth20@100ms", "aggTrade"]) =>
    writeFileSync(
      file,
      `[record]\nsymbols = ${JSON.stringify(symbols)}\nstreams = ${JSON.stringify(streams)}\ndata_dir = "${dataDir}"\n` +
        `[exchange]\nws_url = "${wsUrl}"\nrest_url = "${restUrl}"\n[http]\nport = 0\n`,
    );
  const begin = async (): Promise<Program> => {
    const program = start([...rtData, "record", "--config", file]);
    stops.push(() => program.kill("SIGKILL"));
    await program.url();
    return program;
  };
  /** Waits until this many more trades of ETHUSDT have been made. */
  const pass = (count: number) => {
    const wanted = trades.length + count;
    return until(() => trades.length >= wanted, "trades to be made", 30_000);
  };
  const recorded = () => {
    try {
      return new Set(
        (readRecords(dataDir).get("ETHUSDT/aggTrade") ?? []).map(({ payload }) => recordId(payload, "aggTrade")),
      );
    } catch {
      // A segment was sealed while it was about to be read.
      return new Set<number>();
    }
  };
  /** Waits until every trade is on disk that was made before this. */
  const complete = () => {
    const wanted = [...trades];
    return until(
      () => {
        const found = recorded();
        const first = wanted.findIndex((id) => found.has(id));
        return first >= 0 && wanted.slice(first).every((id) => found.has(id));
      },
      "the trades that were missed to be refetched",
      40_000,
    );
  };
  const gaps = (stream: string): readonly Gap[] => {
    const date = new Date().toISOString().slice(0, 10);
    return (readJournal(dataDir)?.gapsOf({ stream, symbol: "ETHUSDT", date }) ?? []).filter(
      ({ cause, missing, repaired }) => cause !== "clock" && (missing === null || missing > 0 || repaired > 0),
    );
  };
  /** Every trade once; every book that is not there lies in a gap; no gap reaches a second further than the missing records. */
  const judge = () => {
    const lines = readRecords(dataDir);
    const ids = (lines.get("ETHUSDT/aggTrade") ?? []).map(({ payload }) => recordId(payload, "aggTrade"));
    expect(ids.length).toBe(new Set(ids).size);
    const there = new Set((lines.get("ETHUSDT/depth20") ?? []).map(({ payload }) => payload));
    const first = books.findIndex(({ payload }) => there.has(payload));
    const last = books.findLastIndex(({ payload }) => there.has(payload));
    const absent = books.slice(first, last).filter(({ payload }) => !there.has(payload));
    expect(absent.length).toBeGreaterThan(10);
    const told = gaps("depth20");
    const outside = absent.filter(
      ({ atUs }) => !told.some(({ from_us, to_us }) => from_us <= atUs + 300_000 && to_us >= atUs - 300_000),
    );
    expect(outside).toEqual([]);
    const missingUs = told.reduce((sum, { from_us, to_us }) => sum + to_us - from_us, 0);
    const spanUs = (absent.at(-1)?.atUs ?? 0) - (absent[0]?.atUs ?? 0);
    expect(missingUs).toBeLessThan(spanUs + 3_000_000);
    return told;
  };
  const verify = async () => (await run(["verify", "--data-dir", dataDir])).code;
  /** Upgrades to another process, which is no child of the test. */
  const upgrade = async () => {
    const [old, sinceMs] = [recorderOf(dataDir)?.pid ?? 0, Date.now()];
    process.kill(old, "SIGUSR2");
    const report = () => {
      const found = readUpgradeReport(dataDir);
      return found !== null && found.pid === old && found.atMs >= sinceMs ? found : null;
    };
    await until(() => report() !== null, "the report of the upgrade", 60_000);
    expect(report()?.result.kind).toBe("handed_over");
    const pid = recorderOf(dataDir)?.pid ?? 0;
    stops.push(() => isRunning(pid) && process.kill(pid, "SIGKILL"));
    return async () => {
      process.kill(pid, "SIGTERM");
      await until(() => !isRunning(pid), "the recorder to end", 30_000);
    };
  };
  return { configure, begin, pass, complete, judge, gaps, verify, upgrade };
}

test("a symbol that is taken out and put back by SIGHUP has its own gap in between, and its trades are backfilled, each once", async () => {
  const { configure, begin, pass, complete, judge, gaps, verify } = await setUp();
  configure(["BTCUSDT", "ETHUSDT"]);
  const program = await begin();
  await pass(100);
  configure(["BTCUSDT"]);
  program.kill("SIGHUP");
  await until(() => gaps("depth20").length === 1, "the gap to be begun", 30_000);
  await pass(100);
  configure(["BTCUSDT", "ETHUSDT"]);
  program.kill("SIGHUP");
  await pass(50);
  await complete();
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  expect(judge().map(({ cause, missing }) => [cause, missing])).toEqual([["not_configured", null]]);
  const [gap] = gaps("aggTrade");
  expect(gap).toMatchObject({ cause: "not_configured", missing: gap?.repaired ?? 0 });
  expect(await verify()).toBe(1);
}, 120_000);

test("a symbol that is taken out between two runs and put back between two others is missing since the first of them, by its own last record", async () => {
  const { configure, begin, pass, complete, judge } = await setUp();
  configure(["BTCUSDT", "ETHUSDT"]);
  const first = await begin();
  await pass(100);
  first.kill("SIGTERM");
  await first.ended;
  configure(["BTCUSDT"]);
  const second = await begin();
  await pass(150);
  // How it ends is of no concern to a symbol that it did not record.
  second.kill("SIGKILL");
  await second.ended;
  configure(["BTCUSDT", "ETHUSDT"]);
  const third = await begin();
  await pass(50);
  await complete();
  third.kill("SIGTERM");
  await third.ended;
  expect(judge().map(({ cause, missing }) => [cause, missing])).toEqual([["not_configured", null]]);
}, 120_000);

test("a stream type that is taken out, whose recorder then goes down and comes back with it, is missing since it was taken out", async () => {
  const { configure, begin, pass, complete, judge } = await setUp();
  configure(["BTCUSDT", "ETHUSDT"]);
  const first = await begin();
  await pass(100);
  configure(["BTCUSDT", "ETHUSDT"], ["bookTicker"]);
  first.kill("SIGHUP");
  await pass(60);
  first.kill("SIGKILL");
  await first.ended;
  await pass(60);
  configure(["BTCUSDT", "ETHUSDT"]);
  const second = await begin();
  await pass(50);
  await complete();
  second.kill("SIGTERM");
  await second.ended;
  expect(judge().map(({ cause, missing }) => [cause, missing])).toEqual([["not_configured", null]]);
}, 120_000);

test("a symbol that comes back with an upgrade is missing since it was taken out, and its trades are refetched", async () => {
  const { configure, begin, pass, complete, judge, upgrade } = await setUp();
  configure(["BTCUSDT", "ETHUSDT"]);
  const first = await begin();
  await pass(100);
  first.kill("SIGTERM");
  await first.ended;
  configure(["BTCUSDT"]);
  await begin();
  await pass(100);
  configure(["BTCUSDT", "ETHUSDT"]);
  const end = await upgrade();
  await pass(50);
  await complete();
  await end();
  expect(judge().map(({ cause, missing }) => [cause, missing])).toEqual([["not_configured", null]]);
}, 120_000);
