import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type App, createApp } from "../../../server/app/app.ts";
import type { DayDetail, Page, RecorderEvent, SeriesView, TodayCoverage } from "../../../server/domain/queries.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../../support/app-config.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

const stopping: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stopping.splice(0).reverse()) await stop();
});

async function start(dataDir: string, symbols: string) {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 1 });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const configOf = (list: string) => {
    return appConfig({
      ...{ "record.data_dir": dataDir, "record.symbols": list, "exchange.ws_url": wsUrl, "exchange.rest_url": restUrl },
    });
  };
  const app: App = createApp(configOf(symbols), { mode: "record", log: silentLog });
  const { url } = await app.start();
  const stop = async () => {
    await app.stop(10_000);
    await exchange.stop();
  };
  stopping.push(stop);
  const get = async <T>(path: string) => (await (await fetch(`${url}/api/${path}`)).json()) as T;
  return { app, get, stop, reload: (list: string) => app.reload(configOf(list)) };
}

const today = () => new Date().toISOString().slice(0, 10);

test("a recorder counts minutes and figures, saves events, and has all of them after a restart", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const first = await start(dataDir, "BTCUSDT");
  await until(() => first.app.status().totals.records > 30, "thirty records");
  const detail = () => first.get<DayDetail>(`coverage/aggTrade/BTCUSDT/${today()}`);
  const sum = ({ rows_per_minute }: DayDetail) => rows_per_minute.reduce((all, count) => all + count, 0);
  const before = first.app.status().symbols[0]?.streams[1]?.records ?? 0;
  expect(sum(await detail())).toBeGreaterThanOrEqual(before);
  await until(
    async () => {
      const { values } = await first.get<SeriesView>("series");
      return (values.messages_per_s.at(-1) ?? values.messages_per_s.at(-2) ?? 0) > 0;
    },
    "a rate in the series",
    15_000,
  );
  const counted = sum(await detail());
  await first.stop();
  const second = await start(dataDir, "BTCUSDT");
  await until(() => second.app.status().totals.records > 10, "records of the second run");
  const sinceThen = second.app.status().symbols[0]?.streams[1]?.records ?? 0;
  const again = await second.get<DayDetail>(`coverage/aggTrade/BTCUSDT/${today()}`);
  expect(sum(again)).toBeGreaterThanOrEqual(counted + sinceThen);
  expect(again.gaps.map(({ cause }) => cause)).toContain("restart");
  const { items } = await second.get<Page<RecorderEvent>>("events");
  expect(items.map(({ kind }) => kind)).toEqual(["start", "stop", "start"]);
  const { gaps } = await second.get<TodayCoverage>("coverage/today");
  expect(gaps).toBeGreaterThan(0);
}, 60_000);

test("a symbol that a reload adds is counted from then on, and a removed symbol disappears", async () => {
  const one = await start(join(temporaryFolder(), "data"), "BTCUSDT");
  await until(() => one.app.status().totals.records > 5, "records");
  one.reload("ETHUSDT");
  await until(
    () => one.app.status().symbols.some(({ symbol, last_recv_us }) => symbol === "ETHUSDT" && last_recv_us !== null),
    "the other symbol",
  );
  const { days } = await one.get<TodayCoverage>("coverage/today");
  expect([...new Set(days.map(({ symbol }) => symbol))]).toEqual(["ETHUSDT"]);
  const detail = await one.get<DayDetail>(`coverage/depth20/ETHUSDT/${today()}`);
  expect(detail.rows_per_minute.some((count) => count > 0)).toBe(true);
}, 60_000);
