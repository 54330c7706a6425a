import { expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createApp } from "../../../server/app/app.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { recordId } from "../../../server/domain/line.ts";
import { createLog, silentLog } from "../../../server/platform/log/log.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../../support/app-config.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { createScriptedSource } from "../../support/simulator/scripted-source.ts";
import { until } from "../../support/wait.ts";

test("a data folder that is deleted during recording is created and locked again, with its catalogue and its open segments", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const log: string[] = [];
  const source = createScriptedSource();
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const config = appConfig({
    "record.data_dir": dataDir,
    "record.symbols": "BTCUSDT",
    "record.streams": "aggTrade",
    "record.flush_ms": 20,
    "record.segment_minutes": 1440,
    "exchange.ws_url": wsUrl,
    "exchange.rest_url": restUrl,
  });
  const app = createApp(config, {
    mode: "record",
    log: createLog({ level: "error", format: "text", color: false }, (line) => log.push(line)),
  });
  await app.start();
  await until(() => source.wants("btcusdt@aggTrade"), "the subscription");
  let last = 0;
  const trade = async () => {
    for (let n = 0; n < 25; n++) {
      const payload = `{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${++last},"p":"1.0","q":"1.0","f":1,"l":1,"T":1,"m":true,"M":true}`;
      source.emit({ stream: "btcusdt@aggTrade", payload });
    }
    const isWritten = () => app.status().symbols[0]?.buffered_records === 0 && app.status().totals.records === last;
    await until(isWritten, "the trades to be written");
  };
  await trade();
  rmSync(dataDir, { recursive: true });
  await trade();
  await until(() => log.filter((line) => line.includes("deleted")).length >= 2, "the loss to be noticed");
  await trade();
  expect(existsSync(join(dataDir, "rt-data.lock"))).toBe(true);
  await app.stop(5000);
  await exchange.stop();
  const ids = (readRecords(dataDir).get("BTCUSDT/aggTrade") ?? []).map(({ payload }) => recordId(payload, "aggTrade"));
  expect(ids).toEqual(Array.from({ length: last }, (_, n) => n + 1));
  const catalogue = openCatalogue(dataDir);
  expect(catalogue.events(9).map(({ kind }) => kind)).toEqual(["stop", "repair", "start"]);
  catalogue.close();
}, 60_000);
