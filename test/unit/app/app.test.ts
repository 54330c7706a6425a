import { expect, test } from "bun:test";
import { join } from "node:path";
import { createApp } from "../../../server/app/app.ts";
import { dayOfPath } from "../../../server/domain/day.ts";
import type { ArchiveStatus } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import type { MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import { createReplaySource } from "../../../server/simulator/replay/replay-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../../support/app-config.ts";
import { dataFiles, readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { realDataDir, realDataMissing } from "../../support/simulator/real-data.ts";
import { createSentLog } from "../../support/simulator/sent.ts";
import { until } from "../../support/wait.ts";

/** A clock that begins some minutes before midnight UTC and runs many times as fast. */
function fastClock(minutesBeforeMidnight: number, speed: number) {
  const midnightMs = Date.parse("2026-11-23T00:00:00Z");
  const started = performance.now();
  const passed = () => (performance.now() - started) * speed;
  return { wallMs: () => Math.floor(midnightMs - minutesBeforeMidnight * 60_000 + passed()), monotonicMs: passed };
}

/** Records what `source` sends until it has sent `enough`, and returns both sides. */
async function record(source: MarketSource, enough: number, symbols: string, streams: string, clockSpeed: number) {
  const sent = createSentLog();
  const clock = fastClock(2.5, clockSpeed);
  // The exchange's clock is as fast: it has to confirm the recorder's.
  const timed = { ...source, nowMs: clock.wallMs };
  const exchange = createSimulatedExchange({}, { source: timed, onSent: sent.onSent, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const config = appConfig({
    "record.data_dir": dataDir,
    "record.symbols": symbols,
    "record.streams": streams,
    "record.segment_minutes": 1,
    "exchange.ws_url": wsUrl,
    "exchange.rest_url": restUrl,
    "archive.level": 3,
  });
  const app = createApp(config, { mode: "record", log: silentLog, clock });
  await app.start();
  await until(() => sent.count() >= enough, `${enough} messages to be sent`, 45_000);
  await source.stop();
  await until(() => app.status().totals.records === sent.count(), "all that was sent to be received");
  // Now, since the exchange keeps silent from here on and a clock this fast soon takes that for a dead connection.
  const status = app.status();
  const isLeft = () => dataFiles(dataDir).some((file) => /^live\/.*date=2026-11-22\//.test(file));
  const isMerged = ({ days_merged, days_waiting }: ArchiveStatus) => days_merged > 0 && days_waiting === 0 && !isLeft();
  await until(() => isMerged(app.status().archive), "yesterday to be merged", 120_000);
  await app.stop(10_000);
  await exchange.stop();
  return { sent, dataDir, status };
}

function expectExactlyOnce(sent: ReturnType<typeof createSentLog>, dataDir: string): void {
  const recorded = readRecords(dataDir);
  // Books fetched over REST are not among the messages of the sockets.
  const keys = [...recorded.keys()].filter((key) => !key.endsWith("/depthSnapshot"));
  expect(keys.sort()).toEqual([...sent.byStream.keys()].sort());
  for (const [key, messages] of sent.byStream) {
    const lines = recorded.get(key) ?? [];
    expect([key, lines.length]).toEqual([key, messages.length]);
    for (let n = 0; n < messages.length; n++) {
      if (lines[n]?.payload !== messages[n]?.payload)
        throw new Error(`${key}, record ${n} differs: ${lines[n]?.payload} is not ${messages[n]?.payload}`);
      if (n > 0 && (lines[n]?.recvUs ?? 0) < (lines[n - 1]?.recvUs ?? 0))
        throw new Error(`${key}: recv_us runs backwards at record ${n}`);
    }
  }
}

/** Days and rotations really took place: several windows today, and yesterday as an archive only. */
function expectDaysAndRotations(dataDir: string): void {
  const files = dataFiles(dataDir);
  const days = (folder: string) =>
    new Set(files.filter((file) => file.startsWith(folder)).map((file) => dayOfPath(file)?.date));
  expect([...days("archive/")]).toEqual(["2026-11-22"]);
  expect([...days("live/")]).toEqual(["2026-11-23"]);
  const segments = files.filter((file) => file.startsWith("live/") && file.includes("depth20"));
  expect(segments.length).toBeGreaterThan(2);
  expect(files.every((file) => file.endsWith(".zst"))).toBe(true);
}

const sets = [
  {
    file: "depth20+trade.btc-eth.2024-08-08.jsonl.gz",
    enough: 12_000,
    symbols: "BTCUSDT,ETHUSDT",
    streams: "depth20@100ms,trade",
  },
  {
    file: "depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz",
    enough: 8_000,
    symbols: "BTCUSDT,ETHUSDT,DOTUSDT",
    streams: "depth20@100ms,aggTrade",
  },
];

for (const { file, enough, symbols, streams } of sets) {
  test.skipIf(realDataMissing !== "")(
    `${enough} real messages (${file}, looped) are in the files exactly once, byte for byte, over rotations and a day border${realDataMissing}`,
    async () => {
      const source = createReplaySource({ path: join(realDataDir, file), speed: 60, loop: true });
      const { sent, dataDir, status } = await record(source, enough, symbols, streams, 60);
      expectExactlyOnce(sent, dataDir);
      expectDaysAndRotations(dataDir);
      expect(status.totals).toMatchObject({ quarantined: 0, duplicates: 0, reconnects: 0, gaps: 0, epochs: 0 });
    },
    240_000,
  );
}

test("20,000 messages of the simulated market are in the files exactly once, byte for byte, over rotations and a day border", async () => {
  const symbols = Array.from({ length: 12 }, (_, n) => `SYM${n}USDT`);
  const source = createSyntheticMarket({ symbols, seed: 7, speed: 10 });
  const { sent, dataDir, status } = await record(
    source,
    20_000,
    symbols.join(","),
    "depth20@100ms,aggTrade,depth@100ms,bookTicker,trade",
    30,
  );
  expectExactlyOnce(sent, dataDir);
  expectDaysAndRotations(dataDir);
  expect(status.totals).toMatchObject({ quarantined: 0, duplicates: 0, reconnects: 0, gaps: 0, epochs: 0 });
}, 90_000);
