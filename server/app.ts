import { hostname } from "node:os";
import { createCatalogueCare } from "./app-catalogue.ts";
import { createAppHistory, tickSeconds } from "./app-history.ts";
import { createKeeping } from "./app-keeping.ts";
import { createRecording } from "./app-recording.ts";
import { assembleStatus } from "./app-status.ts";
import { createArchiver } from "./archive/archiver.ts";
import { assetsDir } from "./assets.ts";
import { openCatalogue } from "./catalogue/catalogue.ts";
import { type ClockSources, createReceiveClock, createStepWatch } from "./clock.ts";
import { type Config, changedKeys } from "./config.ts";
import { takeDataFolder } from "./data-folder.ts";
import { clipGap, type Gap } from "./gap.ts";
import { createHttpServer } from "./http/server.ts";
import type { Log } from "./log.ts";
import { createDiskWatch } from "./monitor/disk.ts";
import { createHardwareMeter } from "./monitor/hardware.ts";
import { downtimes } from "./recorder/interruption.ts";
import { recover } from "./recorder/recovery.ts";
import { type Day, dateOf, dateStartUs, dayUs, mergeAfterUs } from "./segment.ts";
import { ownSymbols, shardName, symbolsOfShard } from "./shard.ts";
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
  /** Takes symbols and streams of another config, without touching those that stay; what cannot change is logged by name. */
  reload(next: Config): void;
  status(): Status;
};

/** zstd level of a segment, which lives for a day at most; measured, 2 to 4 are no smaller and no quicker on this data. */
const segmentLevel = 1;

/** How often the catalogue is told how far we have got, s. */
const noteRunEvery = 10;

/** What a reload takes over; everything else waits for the next start. */
const liveKeys = ["record.symbols", "record.streams"];

/**
 * Creates every part and connects them; does nothing before `start`, except that the data folder is taken. `clock` stands in
 * for the system's.
 */
export function createApp(config: Config, options: { mode: "record" | "demo"; log: Log; clock?: ClockSources }): App {
  const { mode, log } = options;
  const { nowUs } = createReceiveClock(options.clock);
  const stepWatch = createStepWatch(options.clock);
  const startedUs = nowUs();
  const streams = createStreams(config, ownSymbols(config.record));
  const folder = takeDataFolder(config.record.data_dir, mode);
  const dataDir = folder.path;
  const catalogue = releasing(() => openCatalogue(dataDir));
  const care = createCatalogueCare({ catalogue, dataDir, nowUs, renewFolder: folder.renew, log });
  const about = { version, mode, host: hostname(), shard: shardName(config.record.shard), started_us: startedUs };
  const madeBy = { version, host: about.host };
  const keeping = createKeeping(config, { dataDir, mode, nowUs, recorder: madeBy, onRemoved: care.forgetArchive, log });
  const past = createAppHistory({ dataDir, streams, nowUs, catalogue, gapsOf, log });
  const archiver = createArchiver(
    { dataDir, level: config.archive.level, segmentLevel },
    {
      ...{ startSealWorker, startDayWorker, gapsOf, recorder: madeBy, log },
      clockOffsetMs: () => parts.clockOffset.current()?.offsetMs ?? null,
      onArchived(manifest, isVerified) {
        care.noteArchive(manifest, isVerified);
        keeping.onArchived(manifest);
      },
    },
  );
  const recording = createRecording(
    { config, dataDir, startedUs, streams },
    { nowUs, catalogue, onClosed: archiver.seal, onLate: archiver.merge, onRecord: past.observe, log },
  );
  const { parts } = recording;
  const hardware = createHardwareMeter(dataDir);
  const disk = createDiskWatch({ log });
  let clockSteps = 0;
  let ticker: ReturnType<typeof setInterval> | null = null;
  let stopping: Promise<void> | null = null;

  /** Gaps of a day as far as they are known now, those that are not over yet included. */
  function gapsOf(day: Day): readonly Gap[] {
    const startUs = dateStartUs(day.date);
    const known = catalogue.gapsOf(day);
    const open = recording
      .openGaps()
      .filter(({ stream, symbol }) => stream === day.stream && symbol === day.symbol)
      .map((gap) => clipGap(gap, startUs, startUs + dayUs))
      .filter((gap) => gap !== null);
    // One that is not over yet may be written down already, up to a moment ago.
    return [...known.filter(({ from_us }) => open.every((gap) => gap.from_us !== from_us)), ...open];
  }

  const status = () =>
    assembleStatus({
      ...{ about, nowUs, archiver, hardware, disk, clockSteps },
      ...parts,
      streams: recording.streams(),
      upload: keeping.status,
    });
  const http = createHttpServer(
    { host: config.http.host, port: config.http.port },
    {
      ...{ status, trades: past.trades, history: past.history, assetsDir, log },
      book: (symbol) => parts.books.view(symbol, parts.delay.estimateMs(symbol)),
    },
  );

  /** The one timer of everything that is done once a second. */
  function startTicker(): void {
    let seconds = 0;
    let today = dateOf(nowUs() - mergeAfterUs);
    ticker = setInterval(() => {
      const now = nowUs();
      recording.tick(now);
      void hardware.sample().then(lookAtDisk);
      lookAtClock();
      care.look();
      if (++seconds % tickSeconds === 0) past.tick(status());
      if (seconds % noteRunEvery === 0 && parts.recorder.failure() === null)
        care.noteRun(recording.lastRecvUs(), false);
      const date = dateOf(now - mergeAfterUs);
      if (date !== today) void archiver.mergeDaysBefore(date);
      today = date;
      keeping.tick(hardware.current().disk_free_bytes);
    }, 1000);
    recording.tick(nowUs());
  }

  function lookAtClock(): void {
    const stepMs = stepWatch.look();
    if (stepMs === 0) return;
    clockSteps++;
    const what = "the system's clock was set; recv_us goes on without running back, the offset is measured anew";
    log.warn(what, { step_ms: stepMs });
    recording.onClockStep();
  }

  function lookAtDisk(): void {
    disk.note(performance.now(), hardware.current(), parts.recorder.failure());
    archiver.setRoom(disk.room());
  }

  function tellShard(): void {
    const symbols = ownSymbols(config.record).join(",");
    if (config.record.shard.of > 1) log.info("recording a part of the symbols", { shard: about.shard, symbols });
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
        const recovered = await recover(dataDir);
        const { orphans } = recovered;
        await care.afterRecovery(recovered);
        tellShard();
        past.start();
        const lastRun = catalogue.beginRun(startedUs);
        const down = downtimes(dataDir, streams, lastRun, orphans, {
          flushMs: config.record.flush_ms,
          nowUs: startedUs,
        });
        recording.noteDown(down.of);
        if (down.newestUs > 0) catalogue.noteRun(down.newestUs, false);
        care.started(version, recovered, startedUs);
        await hardware.sample();
        lookAtDisk();
        await archiver.start();
        for (const segment of orphans) archiver.seal(segment);
        await archiver.mergeDaysBefore(dateOf(nowUs()));
        startTicker();
        recording.start(down.of);
        return { url };
      } catch (error) {
        await this.stop(0);
        throw error;
      }
    },
    reload(next) {
      const waiting = changedKeys(config, next).filter((key) => !liveKeys.includes(key));
      if (waiting.length > 0)
        log.warn("changed in the config, but only taken over by a restart", { keys: waiting.join(", ") });
      const before = recording.streams();
      const wanted = createStreams(next, symbolsOfShard(next.record.symbols, config.record.shard)).map(
        (stream) => before.find(({ name }) => name === stream.name) ?? stream,
      );
      const added = wanted.filter((stream) => !before.includes(stream));
      const removed = before.filter((stream) => !wanted.includes(stream));
      log.info("the config was read again", { streams: wanted.length, added: added.length, removed: removed.length });
      if (added.length + removed.length === 0) return;
      recording.setStreams(wanted);
      past.setStreams(wanted);
    },
    stop(deadlineMs) {
      stopping ??= (async () => {
        const end = performance.now() + deadlineMs;
        await recording.stop();
        if (ticker !== null) clearInterval(ticker);
        await keeping.stop();
        await archiver.stop(Math.max(0, end - performance.now()));
        await http.stop();
        care.noteRun(recording.lastRecvUs(), true);
        past.stop();
        catalogue.close();
        folder.release();
      })();
      return stopping;
    },
  };
}

function createStreams({ record }: Config, symbols: readonly string[]): readonly Stream[] {
  return symbols.flatMap((symbol) => record.streams.map((type) => createStream(symbol, type)));
}
