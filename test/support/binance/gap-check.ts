import { createFeed, type FeedOptions } from "../../../server/binance/feed/feed.ts";
import type { FeedGap } from "../../../server/binance/gaps/feed-events.ts";
import { addressesOf } from "../../../server/binance/sockets/endpoint.ts";
import { createStream, parseStreamName, parseStreamType, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createReceiveClock } from "../../../server/platform/time/receive-clock.ts";
import { createRecorder } from "../../../server/recorder/write/recorder.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import type { MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import {
  createSimulatedExchange,
  type SimulatedExchangeOptions,
} from "../../../server/simulator/simulated-exchange.ts";
import { readRecords } from "../data/read-data.ts";
import { until } from "../wait.ts";

/** Something that happened at the exchange, and when, µs. */
export type Emitted = { readonly key: string; readonly payload: string; readonly atUs: number };

/** The feed and the recorder between a busy exchange and real files, with a list of everything that the exchange emitted. */
export async function startContinuity(
  options: {
    dataDir: string;
    symbols: number;
    types: readonly string[];
    speed: number;
    exchange?: SimulatedExchangeOptions;
  } & Partial<FeedOptions>,
) {
  const symbols = Array.from(
    { length: options.symbols },
    (_, n) => ["BTCUSDT", "ETHUSDT", "SOLUSDT"][n] ?? `SYM${n}USDT`,
  );
  const streams = symbols.flatMap((symbol) =>
    options.types.map((name) =>
      createStream(symbol, parseStreamType(name) as NonNullable<ReturnType<typeof parseStreamType>>),
    ),
  );
  const wanted = new Map(streams.map((stream) => [stream.name, keyOf(stream)]));
  const { nowUs } = createReceiveClock();
  const emitted: Emitted[] = [];
  const market = createSyntheticMarket({ symbols, seed: 5, speed: options.speed });
  const source: MarketSource = {
    ...market,
    // Without an audience: events while no connection listens must be gaps.
    start: (emit) =>
      market.start((events) => {
        const atUs = nowUs();
        for (const { stream, payload } of events) {
          const key = wanted.get(stream);
          if (key !== undefined) emitted.push({ key, payload, atUs });
        }
        emit(events);
      }),
  };
  const exchange = createSimulatedExchange(
    { connectsPer5Minutes: Number.POSITIVE_INFINITY, ...options.exchange },
    { source, log: silentLog },
  );
  const { wsUrl } = await exchange.start();
  const { dataDir } = options;
  const recorder = createRecorder(
    { dataDir, segmentMinutes: 1, flushRecords: 100, flushMs: 1000, sync: "never" },
    { nowUs, onClosed() {}, onDropped() {}, onLost: () => {}, log: silentLog },
  );
  const gaps: FeedGap[] = [];
  const got = { records: 0, epochs: 0 };
  const feed = createFeed(
    { lingerMs: 100, ...options, streams, addresses: addressesOf(wsUrl, []) },
    {
      nowUs,
      log: silentLog,
      sink: {
        onData({ stream, payload, recvUs }) {
          got.records++;
          recorder.writer(stream).append(payload, recvUs, null);
        },
        onOdd() {},
        onGaps: (found) => gaps.push(...found),
        onEpoch: () => got.epochs++,
        onPing() {},
        onDated() {},
      },
    },
  );
  feed.start();
  await until(() => got.records > 100, "data");

  return {
    ...{ exchange, feed, gaps, got, emitted, nowUs, dataDir, streams, source },
    /** Lets messages in flight arrive, then stops everything. */
    async stop(): Promise<void> {
      // The second record behind missing ids proves them. In this market a quiet stream of trades may take 33 s for two records.
      await until(() => feed.openGaps().length === 0, "the ids to prove the missing records", 120_000);
      await source.stop();
      let before = -1;
      let still = 0;
      await until(() => {
        still = got.records === before ? still + 1 : 0;
        before = got.records;
        return still > 30;
      }, "the last messages");
      feed.stop();
      await recorder.stop();
      await exchange.stop();
    },
  };
}

/** An event that was not recorded, and the receipts of the recorded events before and after it, µs. */
export type Lost = Emitted & { readonly afterUs: number; readonly beforeUs: number };

/** Emitted events that were not recorded, and records that are double or were never emitted. */
export function compareWithEmitted(emitted: readonly Emitted[], dataDir: string) {
  const receipts = new Map<string, number[]>();
  let recorded = 0;
  let disordered = 0;
  for (const [key, lines] of readRecords(dataDir)) {
    let lastUs = 0;
    for (const { payload, recvUs } of lines) {
      recorded++;
      if (recvUs < lastUs) disordered++;
      lastUs = recvUs;
      const name = `${key} ${payload}`;
      receipts.set(name, [...(receipts.get(name) ?? []), recvUs]);
    }
  }
  const lost: Lost[] = [];
  for (const events of Map.groupBy(emitted, ({ key }) => key).values()) {
    const times = events.map(({ key, payload }) => receipts.get(`${key} ${payload}`)?.[0] ?? null);
    let afterUs: number | null = null;
    for (const [at, event] of events.entries()) {
      afterUs = times[at] ?? afterUs;
      // Ids before the first record are not lost.
      if (times[at] !== null || afterUs === null) continue;
      const beforeUs = times.slice(at).find((time) => time !== null) ?? Number.POSITIVE_INFINITY;
      lost.push({ ...event, afterUs, beforeUs });
    }
  }
  const known = new Set(emitted.map(({ key, payload }) => `${key} ${payload}`));
  return {
    recorded,
    lost,
    doubled: [...receipts].filter(([name, times]) => times.length > 1 && known.has(name)).length,
    strange: [...receipts.keys()].filter((name) => !known.has(name)).length,
    disordered,
  };
}

/** `SYMBOL/stream folder`. */
export function keyOf({ symbol, type }: Stream): string {
  return `${symbol}/${type.folder}`;
}

/** The stream of a name that is certainly one. */
export function streamOf(name: string): Stream {
  const stream = parseStreamName(name);
  if (stream === null) throw new Error(`${name} is no stream`);
  return stream;
}
