import { expect, test } from "bun:test";
import { join } from "node:path";
import { createApp } from "../../../server/app/app.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../../support/app-config.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { createSentLog } from "../../support/simulator/sent.ts";
import { until } from "../../support/wait.ts";

const timesOf = (payload: string) => [...payload.matchAll(/"(?:E|T|time)":(\d+)/g)].map(([, digits]) => digits ?? "");

test("with time_unit us sockets and REST deliver microseconds, delays are known, and a trade fetched after a cut has its own time", async () => {
  const sent = createSentLog();
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3, speed: 10 });
  const exchange = createSimulatedExchange({}, { source, onSent: sent.onSent, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const app = createApp(
    appConfig({
      "record.data_dir": dataDir,
      "record.symbols": "BTCUSDT",
      "record.streams": "depth20@100ms,depth@100ms,aggTrade,trade,bookTicker,blockTrade,miniTicker",
      "exchange.ws_url": `${wsUrl}/stream`,
      "exchange.rest_url": `${restUrl}/api`,
      "exchange.time_unit": "us",
    }),
    { mode: "record", log: silentLog },
  );
  await app.start();
  await until(() => (app.status().symbols[0]?.delay_ms ?? null) !== null, "a delay", 30_000);
  const isEnough = (folder: string) => (sent.byStream.get(`BTCUSDT/${folder}`)?.length ?? 0) > 10;
  const rare = ["aggTrade", "blockTrade", "miniTicker"];
  await until(() => rare.every(isEnough), "enough of each stream", 60_000);
  exchange.disconnectAll("terminate");
  await until(() => app.status().totals.records_repaired > 0, "trades of the cut", 60_000);
  await source.stop();
  const { totals, symbols } = app.status();
  await app.stop(10_000);
  await exchange.stop();

  expect(totals).toMatchObject({ quarantined: 0, unusual: 0, epochs: 0 });
  // Exchange and recorder share a machine, which may be busy. A time read in a wrong unit is decades off.
  expect(symbols[0]?.delay_ms).toBeLessThan(3_600_000);
  const recorded = readRecords(dataDir);
  for (const [key, messages] of sent.byStream) {
    const payloads = new Set(messages.map(({ payload }) => payload));
    const lines = recorded.get(key)?.filter(({ repaired }) => !repaired) ?? [];
    expect(lines.length).toBeGreaterThan(5);
    for (const { payload } of lines) expect(payloads.has(payload)).toBe(true);
  }
  const all = [...recorded.values()].flat();
  const digits = all.flatMap(({ payload }) => timesOf(payload));
  expect(digits.filter((time) => time.length !== 16)).toEqual([]);
  expect(digits.filter((time) => !time.endsWith("000")).length).toBeGreaterThan(digits.length / 2);
  const fetched = all.filter(({ repaired }) => repaired);
  expect(fetched.length).toBeGreaterThan(0);
  expect(fetched.map(({ recvUs }) => String(recvUs))).toEqual(fetched.map(({ payload }) => timesOf(payload)[0] ?? ""));
}, 120_000);
