import { expect, test } from "bun:test";
import { join } from "node:path";
import { createApp } from "../../../../server/app/app.ts";
import { silentLog } from "../../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../../server/simulator/market/synthetic-market.ts";
import type { MarketSource } from "../../../../server/simulator/protocol/market-source.ts";
import { createReplaySource, type RecordingOptions } from "../../../../server/simulator/replay/replay-source.ts";
import { createSimulatedExchange } from "../../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../../../support/app-config.ts";
import { readRecords } from "../../../support/data/read-data.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import { realDataDir, realDataMissing, realMessages } from "../../../support/simulator/real-data.ts";
import { until } from "../../../support/wait.ts";

const allStreams = "depth20@100ms,aggTrade,depth@100ms,bookTicker,trade";

/** Records with our own recorder what a source sends, until `isOver`; returns the data folder. */
async function record(source: MarketSource, symbols: string, streams: string, isOver: (sent: number) => boolean) {
  const exchange = createSimulatedExchange({ maxBufferedBytes: Number.POSITIVE_INFINITY }, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const config = appConfig({
    ...{ "record.data_dir": dataDir, "record.symbols": symbols, "record.streams": streams },
    ...{ "exchange.ws_url": wsUrl, "exchange.rest_url": restUrl, "http.port": 0 },
  });
  const app = createApp(config, { mode: "record", log: silentLog });
  await app.start();
  await until(() => isOver(exchange.stats().messagesSent), "everything to be sent", 25_000);
  await source.stop();
  await until(
    () => app.status().totals.records === exchange.stats().messagesSent,
    "everything to be recorded",
    120_000,
  );
  const { totals } = app.status();
  await app.stop(10_000);
  await exchange.stop();
  expect(totals).toMatchObject({ duplicates: 0, quarantined: 0, reconnects: 0 });
  return dataDir;
}

/** Plays a recording to its end into our own recorder. */
async function recordAgain(options: Partial<RecordingOptions> & { path: string }, symbols: string, streams: string) {
  const source = createReplaySource({ speed: "max", loop: false, ...options });
  let isOver = false;
  void source.ended.then(({ outcome }) => {
    isOver = outcome === "complete";
  });
  const dataDir = await record(source, symbols, streams, (sent) => isOver && sent === source.played());
  return { dataDir, messages: source.played() };
}

/** Without REST books: how many are asked for depends on how long the replay takes. */
function payloadsOf(dataDir: string): Map<string, string[]> {
  const streamed = [...readRecords(dataDir)].filter(([key]) => !key.endsWith("/depthSnapshot"));
  return new Map(streamed.sort().map(([key, lines]) => [key, lines.map(({ payload }) => payload)]));
}

function expectSame(first: Map<string, string[]>, second: Map<string, string[]>): void {
  expect([...second.keys()]).toEqual([...first.keys()]);
  for (const [key, payloads] of first) {
    const others = second.get(key) ?? [];
    expect([key, others.length]).toEqual([key, payloads.length]);
    const different = payloads.findIndex((payload, n) => payload !== others[n]);
    expect([key, different, others[different]]).toEqual([key, -1, payloads[different]]);
  }
}

test("a recording of the invented market, replayed at full speed and recorded again, equals the first payload for payload", async () => {
  const symbols = "BTCUSDT,ETHUSDT,SOLUSDT,DOGEUSDT";
  const market = createSyntheticMarket({ symbols: symbols.split(","), seed: 3, speed: 20 });
  const first = await record(market, symbols, allStreams, (sent) => sent > 10_000);
  const second = await recordAgain({ path: first }, symbols, allStreams);
  expect(second.messages).toBeGreaterThan(10_000);
  expectSame(payloadsOf(first), payloadsOf(second.dataDir));
}, 60_000);

for (const [file, symbols, streams] of [
  ["depth20+trade.btc-eth.2024-08-08.jsonl.gz", "BTCUSDT,ETHUSDT", "depth20@100ms,trade"],
  ["raw-depth+trade+bookTicker.btc-eth.2024-08-08.jsonl.gz", "BTCUSDT,ETHUSDT", "depth@100ms,trade,bookTicker"],
] as const) {
  test.skipIf(realDataMissing !== "")(
    `real messages (${file}), replayed at full speed, recorded, replayed and recorded again, stay the same byte for byte${realDataMissing}`,
    async () => {
      const first = await recordAgain({ path: join(realDataDir, file) }, symbols, streams);
      expect(first.messages).toBe(realMessages(file).length);
      const second = await recordAgain({ path: first.dataDir }, symbols, streams);
      const recorded = payloadsOf(first.dataDir);
      expectSame(recorded, payloadsOf(second.dataDir));
      const sent = realMessages(file).map(({ raw }) => raw.replace(/^\{"stream":"[^"]+","data":(.*)\}$/s, "$1"));
      expect([...recorded.values()].flat().sort()).toEqual(sent.sort());
    },
    120_000,
  );
}

test.skipIf(realDataMissing !== "")(
  `some seconds of real messages at ×1 come in their order, take as long as they did, and are recorded as they are${realDataMissing}`,
  async () => {
    const file = "depth20+trade.btc-eth.2024-08-08.jsonl.gz";
    const all = realMessages(file).toSorted((a, b) => a.t - b.t);
    const endMs = (all[0]?.t ?? 0) + 6000;
    const expected = all.filter(({ t }) => t < endMs);
    const started = performance.now();
    const options = { path: join(realDataDir, file), speed: 1, range: { fromUs: null, toUs: endMs * 1000 } };
    const { dataDir, messages } = await recordAgain(options, "BTCUSDT,ETHUSDT", "depth20@100ms,trade");
    const seconds = (performance.now() - started) / 1000;
    expect(messages).toBe(expected.length);
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThan(20);
    const records = [...readRecords(dataDir)].flatMap(([key, lines]) => {
      const [symbol = "", stream = ""] = key.split("/");
      const name = `${symbol.toLowerCase()}@${stream === "depth20" ? "depth20@100ms" : stream}`;
      return lines.map(({ recvUs, payload }) => ({ recvUs, raw: `{"stream":"${name}","data":${payload}}` }));
    });
    const streamOf = (raw: string) => raw.slice(0, raw.indexOf(","));
    for (const stream of new Set(expected.map(({ raw }) => streamOf(raw)))) {
      const own = (list: readonly { raw: string }[]) =>
        list.map(({ raw }) => raw).filter((raw) => streamOf(raw) === stream);
      expect(own(records)).toEqual(own(expected));
    }
  },
  120_000,
);
