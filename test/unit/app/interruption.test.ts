import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type App, createApp } from "../../../server/app/app.ts";
import { manifestPath } from "../../../server/domain/day.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { appConfig } from "../../support/app-config.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { createScriptedSource } from "../../support/simulator/scripted-source.ts";
import { until } from "../../support/wait.ts";

const midnightMs = Date.parse("2026-11-23T00:00:00Z");
const running: { stop(deadlineMs: number): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop(5000);
});

async function setUp() {
  const source = createScriptedSource();
  let exchangeMs = () => midnightMs;
  const exchange = createSimulatedExchange({}, { source, log: silentLog, now: () => exchangeMs() });
  running.push(exchange);
  const { wsUrl, restUrl, port } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const startApp = async (wallMs: () => number, streams = "aggTrade"): Promise<App> => {
    // Otherwise a run seems to be subscribed before it is, by the subscription of the run before.
    await until(() => !source.wants("btcusdt@aggTrade"), "the end of the subscription", 30_000);
    const config = appConfig({
      "record.data_dir": dataDir,
      "record.symbols": "BTCUSDT",
      "record.streams": streams,
      "exchange.ws_url": wsUrl,
      "exchange.rest_url": restUrl,
    });
    exchangeMs = wallMs;
    const app = createApp(config, {
      mode: "record",
      log: silentLog,
      clock: { wallMs, monotonicMs: () => performance.now() },
    });
    running.push(app);
    await app.start();
    await until(() => source.wants("btcusdt@aggTrade"), "the subscription", 30_000);
    return app;
  };
  let id = 0;
  const trade = async (app: App) => {
    const before = app.status().totals.records;
    id++;
    const payload = `{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${id},"p":"1.0","q":"1.0","f":1,"l":1,"T":1,"m":true,"M":true}`;
    source.emit({ stream: "btcusdt@aggTrade", payload });
    await until(() => app.status().totals.records === before + 1, "the trade to be recorded");
  };
  const manifest = async (date: string): Promise<Manifest> => {
    const path = manifestPath(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date });
    await until(() => Bun.file(path).exists(), `the manifest of ${date}`, 30_000);
    return Bun.file(path).json();
  };
  return { startApp, trade, manifest, source, exchange, port };
}

/** A clock set to this many ms from midnight, running at its own pace from there. */
function clockAt(offsetMs: number) {
  const started = performance.now();
  return () => Math.floor(midnightMs + offsetMs + performance.now() - started);
}

test("yesterday's manifest has a pause over midnight, from the last record to midnight, with cause restart", async () => {
  const { startApp, trade, manifest } = await setUp();
  const first = await startApp(clockAt(-120_000));
  await trade(first);
  await first.stop(5000);
  const second = await startApp(clockAt(600_000));
  const { rows, gaps } = await manifest("2026-11-22");
  expect(rows).toBe(1);
  expect(gaps).toHaveLength(1);
  expect(gaps[0]).toMatchObject({ cause: "restart", to_us: midnightMs * 1000 });
  const before = (midnightMs - 120_000) * 1000;
  expect(gaps[0]?.from_us).toBeGreaterThan(before);
  expect(gaps[0]?.from_us).toBeLessThan(before + 20e6);
  await trade(second);
  expect(second.status().totals.gaps).toBe(1);
}, 60_000);

test("yesterday's manifest has an outage over midnight, even if it lasts when the day is merged", async () => {
  const { startApp, trade, manifest, exchange } = await setUp();
  const first = await startApp(clockAt(-4000));
  await trade(first);
  await exchange.stop();
  const { gaps } = await manifest("2026-11-22");
  expect(gaps).toHaveLength(1);
  expect(gaps[0]).toMatchObject({ cause: "exchange_down", to_us: midnightMs * 1000 });
}, 60_000);

test("a stream that is recorded for the first time has no gap before that", async () => {
  const { startApp, trade } = await setUp();
  const first = await startApp(clockAt(3_600_000));
  await trade(first);
  await first.stop(5000);
  const second = await startApp(clockAt(3_700_000), "aggTrade,trade");
  await trade(second);
  expect(second.status().totals.gaps).toBe(1);
}, 60_000);
