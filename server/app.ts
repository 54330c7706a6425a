import { hostname } from "node:os";
import { assembleStatus } from "./app-status.ts";
import { createArchiver } from "./archive/archiver.ts";
import { assetsDir } from "./assets.ts";
import { createClockOffsetMeter } from "./binance/clock-offset.ts";
import { createDelayEstimator } from "./binance/delay.ts";
import { createFeed } from "./binance/feed.ts";
import { createRestClient } from "./binance/rest.ts";
import { openCatalogue } from "./catalogue/catalogue.ts";
import { type ClockSources, createReceiveClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { takeDataFolder } from "./data-folder.ts";
import { clipGap, type Gap, type GapCause } from "./gap.ts";
import { createHttpServer } from "./http/server.ts";
import type { Log } from "./log.ts";
import { createHardwareMeter } from "./monitor/hardware.ts";
import { createRates } from "./monitor/rates.ts";
import { createNewestBooks } from "./newest-books.ts";
import { createGapLedger } from "./recorder/gap-ledger.ts";
import { lastRecordUs, wasRecorded } from "./recorder/last-record.ts";
import { createQuarantine } from "./recorder/quarantine.ts";
import { createRecorder } from "./recorder/recorder.ts";
import { recover } from "./recorder/recovery.ts";
import { type Day, dateOf, dateStartUs, dayUs, type Segment, segmentPath } from "./segment.ts";
import type { Status } from "./status.ts";
import { createStream, type Stream } from "./stream.ts";
import { version } from "./version.ts";
import { startDayWorker, startSealWorker } from "./workers.ts";

/** The program: recording, archive, server. */
export type App = {
  /**
   * Takes the data folder, repairs what a crash left, then starts outputs before inputs. Rejects with an OperatorError for
   * what the operator can put right; nothing is left running then. Resolves with the address of the page.
   */
  start(): Promise<{ url: string }>;
  /** Stops receiving, writes and seals what there is, within `deadlineMs`; resolves when all is on disk. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
  status(): Status;
};

/** zstd level of a segment, which lives for a day at most; measured, 2 to 4 are no smaller and no quicker on this data. */
const segmentLevel = 1;

/** After midnight the last segments of the day need a moment to be closed. */
const mergeAfterUs = 5_000_000;

/** How often the catalogue is told how far we have got, s. */
const noteRunEvery = 10;

/**
 * Creates every part and connects them; does nothing before `start`, except that the data folder is taken. `clock` stands in
 * for the system's.
 */
export function createApp(config: Config, options: { mode: "record" | "demo"; log: Log; clock?: ClockSources }): App {
  const { mode, log } = options;
  const { record } = config;
  const { nowUs } = createReceiveClock(options.clock);
  const startedUs = nowUs();
  const streams = record.symbols.flatMap((symbol) => record.streams.map((type) => createStream(symbol, type)));
  const folder = takeDataFolder(record.data_dir, mode);
  const dataDir = folder.path;
  const catalogue = releasing(() => openCatalogue(dataDir));
  const about = { version, mode, host: hostname(), started_us: startedUs };

  const archiver = createArchiver(
    { dataDir, level: config.archive.level, segmentLevel },
    { startSealWorker, startDayWorker, gapsOf, recorder: { version, host: about.host }, log },
  );
  const ledger = createGapLedger({ store: catalogue.noteGap, log });
  const recorder = createRecorder(
    {
      dataDir,
      segmentMinutes: record.segment_minutes,
      flushRecords: record.flush_records,
      flushMs: record.flush_ms,
      sync: record.sync,
    },
    { nowUs, onClosed: archiver.seal, onDropped: ledger.drop, log },
  );
  const tracks = new Map(streams.map((stream) => [stream, recorder.track(stream)]));
  const quarantine = createQuarantine({ dataDir }, { log });
  const hardware = createHardwareMeter(dataDir);
  const rates = createRates(streams);
  const books = createNewestBooks(streams);
  const delay = createDelayEstimator();
  const rest = createRestClient({ restUrl: config.exchange.rest_url }, { log });
  const clockOffset = createClockOffsetMeter({
    ...{ rest, nowUs, log },
    onOffset: ({ offsetMs }) => delay.setClockOffset(offsetMs),
  });

  /** The time before this run's first record in which nobody recorded, and the streams that it is a gap of. */
  let before: { readonly streams: readonly Stream[]; readonly fromUs: number; readonly cause: GapCause } | null = null;
  let lastRecvUs: number | null = null;
  let ticker: ReturnType<typeof setInterval> | null = null;
  let stopping: Promise<void> | null = null;

  const feed = createFeed(
    { wsUrl: config.exchange.ws_url, streams },
    {
      nowUs,
      log,
      sink: {
        onData(stream, payload, recvUs, eventMs) {
          if (lastRecvUs === null) noteFirstData(recvUs);
          lastRecvUs = recvUs;
          if (eventMs > 0) delay.observe(stream.symbol, eventMs, recvUs);
          tracks.get(stream)?.append(payload, recvUs, delay.estimateMs(stream.symbol));
          rates.count(stream);
          books.note(stream, payload, recvUs);
        },
        onOdd: quarantine.add,
        onPing: delay.observePing,
        onGap(gap) {
          const seconds = Math.round((gap.toUs - gap.fromUs) / 1e5) / 10;
          log.warn("a gap was recorded", { cause: gap.cause, seconds, streams: gap.streams.length });
          ledger.add(gap.streams, gap.fromUs, gap.toUs, gap.cause);
        },
      },
    },
  );

  function noteFirstData(recvUs: number): void {
    log.info("recording", {
      data_dir: dataDir,
      streams: streams.length,
      after_ms: Math.round((recvUs - startedUs) / 1000),
    });
    if (before !== null) ledger.extend(before.streams, before.fromUs, recvUs, before.cause);
  }

  /** Gaps of a day as far as they are known now, those that are not over yet included. */
  function gapsOf(day: Day): readonly Gap[] {
    const open = feed.openGaps().flatMap(({ streams: missed, fromUs, toUs, cause }) => {
      const isOf = ({ type, symbol }: Stream) => type.folder === day.stream && symbol === day.symbol;
      const { stream, symbol } = day;
      const gap = { stream, symbol, from_us: fromUs, to_us: toUs, cause, missing: null, repaired: 0 };
      const startUs = dateStartUs(day.date);
      return missed.some(isOf) ? [clipGap(gap, startUs, startUs + dayUs)] : [];
    });
    return [...catalogue.gapsOf(day), ...open.filter((gap) => gap !== null)];
  }

  /** Writes down at once what is missing before this run, so that a day merged at start knows of it. */
  function noteInterruption(orphans: readonly Segment[]): void {
    const lastRun = catalogue.beginRun(startedUs);
    const last = orphans.map((segment) => lastRecordUs(segmentPath(dataDir, segment, "open")) ?? 0);
    const fromUs = Math.max(lastRun?.lastRecvUs ?? 0, ...last);
    if (fromUs === 0) return;
    before = {
      streams: streams.filter((stream) => wasRecorded(dataDir, stream)),
      fromUs,
      cause: lastRun?.clean ? "restart" : "crash",
    };
    ledger.add(before.streams, fromUs, nowUs(), before.cause);
  }

  const status = () =>
    assembleStatus({
      ...{ about, streams, nowUs, rates, recorder, feed, archiver, quarantine, hardware, delay },
      clockOffset: clockOffset.current,
      gaps: ledger.count,
    });
  const http = createHttpServer(
    { host: config.http.host, port: config.http.port },
    { status, book: (symbol) => books.view(symbol, delay.estimateMs(symbol)), assetsDir, log },
  );

  /** The one timer of everything that is done once a second. */
  function startTicker(): void {
    let seconds = 0;
    let today = dateOf(nowUs() - mergeAfterUs);
    ticker = setInterval(() => {
      const now = nowUs();
      rates.tick(now);
      void hardware.sample();
      if (recorder.failure() === null) ledger.settle();
      if (++seconds % noteRunEvery === 0) noteRun(false);
      const date = dateOf(now - mergeAfterUs);
      if (date !== today) void archiver.mergeDaysBefore(date);
      today = date;
    }, 1000);
    rates.tick(nowUs());
  }

  function noteRun(clean: boolean): void {
    if (lastRecvUs === null) return;
    try {
      catalogue.noteRun(lastRecvUs, clean);
    } catch (error) {
      log.warn("cannot write to the catalogue", { reason: String(error) });
    }
  }

  /** What was taken while creating is given back if creating fails. */
  function releasing<T>(open: () => T): T {
    try {
      return open();
    } catch (error) {
      folder.release();
      throw error;
    }
  }

  return {
    status,
    async start() {
      try {
        const { url } = await http.start();
        const { orphans, repairs } = await recover(dataDir);
        for (const { kind, path, message } of repairs) log.warn("repaired after a crash", { kind, path, message });
        noteInterruption(orphans);
        await archiver.start();
        for (const segment of orphans) archiver.seal(segment);
        await archiver.mergeDaysBefore(dateOf(nowUs()));
        await hardware.sample();
        startTicker();
        clockOffset.start();
        feed.start();
        return { url };
      } catch (error) {
        await this.stop(0);
        throw error;
      }
    },
    stop(deadlineMs) {
      stopping ??= (async () => {
        const end = performance.now() + deadlineMs;
        feed.stop();
        clockOffset.stop();
        rest.stop();
        await recorder.stop();
        ledger.settle();
        if (ticker !== null) clearInterval(ticker);
        await quarantine.stop();
        await archiver.stop(Math.max(0, end - performance.now()));
        await http.stop();
        noteRun(true);
        catalogue.close();
        folder.release();
      })();
      return stopping;
    },
  };
}
