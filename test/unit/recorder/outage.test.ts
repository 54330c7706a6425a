import { expect, test } from "bun:test";
import { join } from "node:path";
import { createFeed } from "../../../server/binance/feed/feed.ts";
import type { FeedGap } from "../../../server/binance/gaps/feed-events.ts";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { createTradeBackfill } from "../../../server/binance/rest/trade-backfill.ts";
import { recordId } from "../../../server/domain/line.ts";
import { createStream, parseStreamType, type Stream, type StreamType } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createReceiveClock } from "../../../server/platform/time/receive-clock.ts";
import { createBackfillWriter } from "../../../server/recorder/backfill/backfill-writer.ts";
import { createRecorder } from "../../../server/recorder/write/recorder.ts";
import { createFaults } from "../../../server/simulator/faults/faults.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { readLineBytes } from "../../../server/storage/read/archive-reader.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

test("after an outage of sockets and REST alike, 15 symbols' trades of 30 market seconds are refetched: every id is on disk once, as REST has it", async () => {
  const coins = "BTC ETH SOL XRP BNB DOGE ADA TRX LINK AVAX LTC DOT SUI BCH PEPE".split(" ");
  const symbols = coins.map((coin) => `${coin}USDT`);
  const types = ["aggTrade", "trade"].map((name) => parseStreamType(name) as StreamType);
  const streams = symbols.flatMap((symbol) => types.map((type) => createStream(symbol, type)));
  const source = createSyntheticMarket({ symbols, seed: 21, speed: 20 });
  const faults = createFaults();
  const exchange = createSimulatedExchange({}, { source, faults, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const { nowUs } = createReceiveClock();
  const recorder = createRecorder(
    { dataDir, segmentMinutes: 5, flushRecords: 100, flushMs: 200, sync: "seal" },
    { nowUs, onClosed() {}, onDropped() {}, onLost: () => {}, log: silentLog },
  );
  const rest = createRestClient({ restUrl }, { log: silentLog });
  const writer = createBackfillWriter({ dataDir, segmentMinutes: 5 }, { readLines: readLineBytes, onClosed() {} });
  let missing = 0;
  const refetched = new Set<Stream>();
  const repair = createTradeBackfill({
    ...{ rest, log: silentLog, onPage: writer.write },
    onDone({ stream }, result) {
      missing += result.missing;
      refetched.add(stream);
    },
  });
  const gaps: FeedGap[] = [];
  const counts = new Map<Stream, number>();
  const feed = createFeed(
    { addresses: [wsUrl], streams },
    {
      ...{ nowUs, log: silentLog },
      sink: {
        onData({ stream, payload, recvUs }) {
          counts.set(stream, (counts.get(stream) ?? 0) + 1);
          recorder.writer(stream).append(payload, recvUs, null);
        },
        onGaps(found) {
          gaps.push(...found);
          for (const { stream, cause, holes } of found)
            for (const hole of holes) repair.add({ stream, cause, ...hole });
        },
        onOdd() {},
        onEpoch() {},
        onDated() {},
        onPing() {},
      },
    },
  );
  try {
    repair.start();
    feed.start();
    await until(() => streams.every((stream) => (counts.get(stream) ?? 0) > 5), "all streams to deliver");
    const outage = faults.begin({ kind: "refused-port" });
    await until(() => outage.hits() > 0, "the outage");
    const begunMs = performance.now();
    await until(() => performance.now() - begunMs > 1500, "1.5 s, which are 30 of the market");
    outage.end();
    const isOver = () => repair.pending().length === 0 && streams.every((stream) => refetched.has(stream));
    await until(isOver, "the holes to be refetched", 30_000);
    feed.stop();
    await until(() => repair.pending().length === 0, "the last holes");
    await Promise.all([recorder.stop(), repair.stop()]);
    await writer.stop();
    expect(missing).toBe(0);
    expect(gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0)).toBeGreaterThan(300);

    const records = readRecords(dataDir);
    for (const stream of streams) {
      const { kind } = stream.type;
      const lines = records.get(`${stream.symbol}/${stream.type.folder}`) ?? [];
      const ids = lines.map(({ payload }) => recordId(payload, kind) ?? 0).sort((a, b) => a - b);
      expect([stream.name, ids]).toEqual([stream.name, ids.map((_, n) => (ids[0] ?? 0) + n)]);
      const repaired = lines.filter((line) => line.repaired).sort((a, b) => a.recvUs - b.recvUs);
      expect(repaired.length).toBeGreaterThan(0);
      const fromId = Math.min(...repaired.map(({ payload }) => recordId(payload, kind) ?? 0));
      const query = { fromId, startTime: null, endTime: null, limit: 1000 };
      const truth = (kind === "trade" ? source.trades : source.aggTrades)?.(stream.symbol, query) ?? "";
      expect(repaired.slice(0, 1000).filter(({ payload }) => !truth.includes(payload))).toEqual([]);
    }
  } finally {
    feed.stop();
    rest.stop();
    await Promise.all([recorder.stop(), repair.stop(), writer.stop(), exchange.stop()]);
  }
}, 60_000);
