import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { createSentLog } from "../../support/simulator/sent.ts";
import { until } from "../../support/wait.ts";

test("SIGHUP takes symbols and streams from the config: streams that stay miss no record, new streams begin, others end; a wrong config and keys that need a restart are named", async () => {
  const sent = createSentLog();
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"], seed: 6, speed: 4 });
  const exchange = createSimulatedExchange({}, { source, onSent: sent.onSent, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const file = join(folder, "rt-data.toml");
  const configure = (symbols: string, streams: string, more = "") =>
    writeFileSync(
      file,
      `[record]\nsymbols = [${symbols}]\nstreams = [${streams}]\ndata_dir = "${dataDir}"\n${more}\n` +
        `[exchange]\nws_url = "${wsUrl}"\nrest_url = "${restUrl}"\n[http]\nport = 0\n`,
    );
  configure('"BTCUSDT", "ETHUSDT"', '"depth20@100ms", "aggTrade"');
  const program = start([...rtData, "record", "--config", file]);
  const url = await program.url();
  const status = async (): Promise<Status> => (await fetch(`${url}/api/status`)).json() as Promise<Status>;
  const streamsOf = async () =>
    (await status()).symbols.flatMap(({ symbol, streams }) =>
      streams.map(({ stream, records }) => ({ name: `${symbol} ${stream}`, records })),
    );
  const recording = (names: readonly string[]) =>
    until(
      async () => {
        const streams = await streamsOf();
        return (
          streams.length === names.length && streams.every(({ name, records }) => names.includes(name) && records > 5)
        );
      },
      `${names.join(", ")} to be recorded, and no other streams`,
      15_000,
    );
  await recording(["BTCUSDT depth20@100ms", "BTCUSDT aggTrade", "ETHUSDT depth20@100ms", "ETHUSDT aggTrade"]);

  configure('"BTCUSDT", "SOLUSDT", "XRPUSDT"', '"depth20@100ms", "bookTicker"', "flush_ms = 500");
  program.kill("SIGHUP");
  const names = ["BTCUSDT", "SOLUSDT", "XRPUSDT"].flatMap((symbol) =>
    ["depth20@100ms", "bookTicker"].map((type) => `${symbol} ${type}`),
  );
  await recording(names);
  expect(program.errors()).toMatch(/only apply after a restart.*record\.flush_ms/);
  const eth = sent.byStream.get("ETHUSDT/depth20")?.length ?? 0;

  configure('"BTC USDT"', '"depth20@100ms"');
  program.kill("SIGHUP");
  await until(() => /cannot reload the config.*BTC USDT/s.test(program.errors()), "the wrong config to be named");
  await recording(names);
  // The removed symbol is not requested any more.
  expect(sent.byStream.get("ETHUSDT/depth20")?.length).toBe(eth);

  expect((await status()).totals).toMatchObject({
    reconnects: 0,
    rollovers: 0,
    gaps: 0,
    quarantined: 0,
    duplicates: 0,
  });
  await source.stop();
  const books = sent.byStream.get("BTCUSDT/depth20") ?? [];
  const recordedBooks = async () => (await streamsOf()).find(({ name }) => name === "BTCUSDT depth20@100ms")?.records;
  await until(async () => (await recordedBooks()) === books.length, "the last book to arrive");
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  await exchange.stop();
  const recorded = readRecords(dataDir);
  for (const key of ["BTCUSDT/depth20", "SOLUSDT/depth20", "XRPUSDT/bookTicker"]) {
    const payloads = (recorded.get(key) ?? []).map(({ payload }) => payload);
    expect([key, payloads]).toEqual([key, (sent.byStream.get(key) ?? []).map(({ payload }) => payload)]);
  }
  // The removed stream is complete up to its end, and its file is closed.
  const ofEth = (recorded.get("ETHUSDT/aggTrade") ?? []).map(({ payload }) => payload);
  const sentEth = (sent.byStream.get("ETHUSDT/aggTrade") ?? []).map(({ payload }) => payload);
  expect(ofEth.length).toBeGreaterThan(5);
  expect(ofEth).toEqual(sentEth.slice(0, ofEth.length));
}, 60_000);
