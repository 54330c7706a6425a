import { expect, test } from "bun:test";
import { join } from "node:path";
import { createApp } from "../../../server/app/app.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import type { Page } from "../../../server/domain/queries.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../../support/app-config.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

test("counters never fall across reconnects and symbol changes, and the gaps match the gap list", async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 3, speed: 4 });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const configOf = (symbols: readonly string[]) =>
    appConfig({
      ...{ "record.symbols": symbols.join(","), "record.data_dir": dataDir },
      ...{ "exchange.ws_url": wsUrl, "exchange.rest_url": restUrl },
    });
  const app = createApp(configOf(["BTCUSDT", "ETHUSDT"]), { mode: "record", log: silentLog });
  const { url } = await app.start();
  const eth = 'rt_data_records_total{stream="aggTrade",symbol="ETHUSDT"}';
  const btc = 'rt_data_records_total{stream="aggTrade",symbol="BTCUSDT"}';
  let before = new Map<string, number>();
  let scrapes = 0;

  /** Scrapes, and compares with the previous scrape. A series that vanished and came back starts again. */
  async function scrape(): Promise<Map<string, number>> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const samples = new Map<string, number>();
    for (const [, name = "", value] of text.matchAll(/^([a-z_]+_(?:total|count|sum|bucket)(?:\{.*\})?) (\S+)$/gm)) {
      samples.set(name, Number(value));
      if (Number(value) < (before.get(name) ?? 0)) throw new Error(`${name} fell from ${before.get(name)} to ${value}`);
    }
    before = samples;
    scrapes++;
    return samples;
  }

  await until(async () => ((await scrape()).get(btc) ?? 0) > 20, "records");
  for (let cut = 1; cut <= 2; cut++) {
    exchange.disconnectAll("terminate");
    await until(async () => (await scrape()).get("rt_data_reconnects_total") === cut, "a new connection", 30_000);
  }
  const gapsOfBtc = 'rt_data_gaps_total{cause="reconnect"}';
  await until(async () => ((await scrape()).get(gapsOfBtc) ?? 0) >= 8, "a gap of each stream and cut", 30_000);

  app.reload(configOf(["BTCUSDT"]));
  await until(async () => !(await scrape()).has(eth), "the symbol's series to end", 30_000);
  app.reload(configOf(["BTCUSDT", "ETHUSDT"]));
  await until(async () => ((await scrape()).get(eth) ?? 0) > 0, "the symbol to be back", 30_000);
  expect(scrapes).toBeGreaterThan(5);

  const listed = (await (await fetch(`${url}/api/gaps?cause=reconnect&limit=200`)).json()) as Page<Gap>;
  const seconds = listed.items.reduce((sum, gap) => sum + (gap.to_us - gap.from_us) / 1e6, 0);
  const missing = listed.items.reduce((sum, gap) => sum + (gap.missing ?? 0), 0);
  const samples = await scrape();
  expect(samples.get(gapsOfBtc)).toBe(listed.items.length);
  expect(samples.get('rt_data_gap_seconds_total{cause="reconnect"}')).toBeCloseTo(seconds, 3);
  expect(samples.get('rt_data_missing_records_total{cause="reconnect"}')).toBe(missing);
  expect(missing).toBeGreaterThan(0);
  await app.stop(5000);
  await exchange.stop();
}, 60_000);
