import { afterEach, expect, test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createApp } from "../../../server/app/app.ts";
import { manifestPath } from "../../../server/domain/day.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import type { MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { appConfig } from "../../support/app-config.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { createScriptedSource } from "../../support/simulator/scripted-source.ts";
import { until } from "../../support/wait.ts";

const midnightMs = Date.parse("2026-11-23T00:00:00Z");
const day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-22" };
const running: { stop(deadlineMs: number): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop(5000);
});

/** A clock set to this many ms from midnight, running at its own pace from there. */
function clockAt(offsetMs: number) {
  const started = performance.now();
  return () => Math.floor(midnightMs + offsetMs + performance.now() - started);
}

test("a gap over midnight that is backfilled later gets into the manifests of both days, even if all its trades belong to the second day", async () => {
  const source = createScriptedSource();
  const restTrade = (id: number) =>
    `{"a":${id},"p":"1.0","q":"1.0","f":${id},"l":${id},"T":${midnightMs + 1000 + id},"m":true,"M":true}`;
  let isAnswering = false;
  const withTrades: MarketSource = {
    ...source,
    aggTrades: (_symbol, { fromId, limit }) => {
      const first = fromId ?? 1;
      const ids = Array.from({ length: limit }, (_, n) => first + n).filter((id) => id <= 21);
      return isAnswering ? `[${ids.map(restTrade).join(",")}]` : "[]";
    },
  };
  let exchangeMs = clockAt(-50);
  const exchange = createSimulatedExchange({}, { source: withTrades, log: silentLog, now: () => exchangeMs() });
  running.push(exchange);
  const { wsUrl, restUrl } = await exchange.start();
  const startApp = async (dataDir: string, wallMs: () => number) => {
    const config = appConfig({
      ...{ "record.data_dir": dataDir, "record.symbols": "BTCUSDT", "record.streams": "aggTrade" },
      ...{ "record.flush_ms": 20, "exchange.ws_url": wsUrl, "exchange.rest_url": restUrl },
    });
    exchangeMs = wallMs;
    const clock = { wallMs, monotonicMs: () => performance.now() };
    const app = createApp(config, { mode: "record", log: silentLog, clock });
    running.push(app);
    await app.start();
    await until(() => source.wants("btcusdt@aggTrade"), "the subscription", 30_000);
    return app;
  };
  const trade = (id: number) =>
    source.emit({
      stream: "btcusdt@aggTrade",
      payload: `{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${id},"p":"1.0","q":"1.0","f":1,"l":1,"T":1,"m":true,"M":true}`,
    });

  const folder = temporaryFolder();
  const first = await startApp(join(folder, "data"), clockAt(-3000));
  for (let id = 1; id <= 5; id++) trade(id);
  const isWritten = () => first.status().totals.records === 5 && first.status().symbols[0]?.buffered_records === 0;
  await until(isWritten, "the trades to be written");
  // A copy of the folder at this moment is what a kill leaves.
  const dataDir = join(folder, "killed");
  cpSync(join(folder, "data"), dataDir, { recursive: true });
  for (const name of ["rt-data.lock", "rt-data.sqlite-shm"])
    rmSync(join(dataDir, name), { recursive: true, force: true });

  const manifest = async () => (await Bun.file(manifestPath(dataDir, day)).json()) as Manifest;
  const second = await startApp(dataDir, clockAt(10_000));
  await until(() => Bun.file(manifestPath(dataDir, day)).exists(), "the first day to be merged", 30_000);
  expect((await manifest()).gaps).toMatchObject([{ cause: "crash", to_us: midnightMs * 1000, missing: null }]);
  trade(21);
  await until(
    async () => (await manifest()).gaps[0]?.missing === 15,
    "the manifest to count the missing trades",
    30_000,
  );
  isAnswering = true;
  await until(async () => (await manifest()).gaps[0]?.repaired === 15, "the manifest to know of the repair", 30_000);
  expect((await manifest()).gaps).toMatchObject([
    { cause: "crash", to_us: midnightMs * 1000, missing: 15, repaired: 15 },
  ]);
  expect(second.status().totals.records_repaired).toBe(15);
}, 60_000);
