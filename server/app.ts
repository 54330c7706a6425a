import { hostname } from "node:os";
import { accessOf } from "./app-access.ts";
import { createCatalogueCare } from "./app-catalogue.ts";
import { gapsOfDay } from "./app-day-gaps.ts";
import type { Departure } from "./app-departure.ts";
import { createAppHistory, tickSeconds } from "./app-history.ts";
import { createKeeping } from "./app-keeping.ts";
import { createMachineWatch } from "./app-machine.ts";
import { createAppMetrics } from "./app-metrics.ts";
import { createRecording } from "./app-recording.ts";
import { createStreams, reloadedStreams } from "./app-reload.ts";
import type { Standby } from "./app-standby.ts";
import { assembleStatus } from "./app-status.ts";
import { createArchiver } from "./archive/archiver.ts";
import { assetsDir } from "./assets.ts";
import { openCatalogue } from "./catalogue/catalogue.ts";
import { type ClockSources, createReceiveClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { takeDataFolder } from "./data-folder.ts";
import type { Gap } from "./gap.ts";
import { createHttpServer } from "./http/server.ts";
import type { Log } from "./log.ts";
import { downtimes } from "./recorder/interruption.ts";
import { recover } from "./recorder/recovery.ts";
import { type Day, dateOf, mergeAfterUs } from "./segment.ts";
import { createServiceReport } from "./service-report.ts";
import { ownSymbols, shardName } from "./shard.ts";
import type { Status } from "./status.ts";
import { createTicker } from "./ticker.ts";
import { version } from "./version.ts";
import { startDayWorker, startSealWorker } from "./workers.ts";

/** The program: recording, archive, server. */
export type App = {
  /**
   * Takes the data folder, repairs what a crash left, then starts outputs before inputs. Rejects with an OperatorError for
   * what the operator can put right; nothing is left running then. Resolves with the address of the page. `left` are gaps that nobody
   * has written down yet.
   */
  start(left?: readonly Gap[]): Promise<{ url: string }>;
  /** Stops receiving, writes and seals what there is, within `deadlineMs`; resolves when all is on disk. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
  /** Takes symbols and streams of another config, without touching those that stay; what cannot change is logged by name. */
  reload(next: Config): void;
  status(): Status;
  /** Towards another process that takes over. After `leave`, and after `retire`, only `stop` is left to be called. */
  readonly departure: Pick<Departure, "begin" | "cancel" | "isSettled" | "leave"> & {
    /** Why it cannot be now, or null. */
    refusal(): string | null;
    /** Ends what can wait for the next process, while recording goes on. */
    retire(): Promise<void>;
    /** Local clock minus exchange clock, ms; null while unknown. */
    clockOffsetMs(): number | null;
  };
  /** When its page could first be reached, Unix ms; 0 before. */
  listeningMs(): number;
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  /** The clock that stamps receipt, µs. */
  readonly nowUs: () => number;
};

/** zstd level of a segment, which lives for a day at most; measured, 2 to 4 are no smaller and no quicker on this data. */
const segmentLevel = 1;

/** How long a process that is being replaced still seals segments, ms; what is left its successor does. */
const retireMs = 3000;

/** How often the catalogue is told how far we have got, s. */
const noteRunEvery = 10;

/**
 * Creates every part and connects them; does nothing before `start`, except that the data folder is taken. `clock` stands in
 * for the system's. `standby` has received all since another process stopped, so that nothing is missing between the two.
 */
export function createApp(
  config: Config,
  options: { mode: "record" | "demo"; log: Log; clock?: ClockSources; standby?: Standby },
): App {
  const { mode, log, standby } = options;
  const { nowUs } = standby ?? createReceiveClock(options.clock);
  const startedUs = standby?.stoppedUs() ?? nowUs();
  const streams = standby?.streams ?? createStreams(config, ownSymbols(config.record));
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
  const machine = createMachineWatch(dataDir, {
    ...{ clock: options.clock, setRoom: archiver.setRoom, onClockStep: recording.onClockStep, log },
    failure: () => parts.recorder.failure(),
  });
  let stopping: Promise<void> | null = null;
  let listeningMs = 0;

  function gapsOf(day: Day): readonly Gap[] {
    return gapsOfDay(day, catalogue.gapsOf(day), recording.openGaps());
  }

  const status = () =>
    assembleStatus({
      ...{ about, nowUs, archiver, machine },
      ...parts,
      streams: recording.streams(),
      upload: keeping.status,
      telegram: () => null,
    });
  const metrics = createAppMetrics({
    ...{ parts, status, streams: recording.streams },
    lag: () => ticker.lag(),
    http: () => http.load(),
  });
  const http = createHttpServer(
    { host: config.http.host, port: config.http.port, access: accessOf(config, dataDir) },
    {
      ...{ status, trades: past.trades, history: past.history, metrics, assetsDir, log },
      book: (symbol) => parts.books.view(symbol, parts.delay.estimateMs(symbol)),
    },
  );

  const ticker = createTicker(nowUs, [
    [1, recording.tick],
    [1, () => void machine.look()],
    [1, care.look],
    [1, mergeWhatIsOver],
    [1, createServiceReport(status).look],
    [1, () => keeping.tick(machine.hardware.current().disk_free_bytes)],
    [tickSeconds, () => past.tick(status())],
    [noteRunEvery, noteRun],
  ]);

  let lastMerged = dateOf(nowUs() - mergeAfterUs);
  function mergeWhatIsOver(now: number): void {
    const date = dateOf(now - mergeAfterUs);
    if (date !== lastMerged) void archiver.mergeDaysBefore(date);
    lastMerged = date;
  }

  function noteRun(): void {
    if (parts.recorder.failure() === null) care.noteRun(recording.lastRecvUs(), false);
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
    async start(left = []) {
      try {
        const { url } = await http.start();
        listeningMs = Date.now();
        const recovered = await recover(dataDir);
        const { orphans } = recovered;
        await care.afterRecovery(recovered);
        tellShard();
        past.start();
        const lastRun = catalogue.beginRun(startedUs);
        catalogue.noteGaps(left);
        const recorded = standby === undefined ? streams : [];
        const down = downtimes(dataDir, recorded, lastRun, orphans, {
          flushMs: config.record.flush_ms,
          nowUs: startedUs,
        });
        recording.noteDown(down.of);
        if (down.newestUs > 0) catalogue.noteRun(down.newestUs, false);
        care.started(version, recovered, startedUs);
        await machine.look();
        await archiver.start();
        for (const segment of orphans) archiver.seal(segment);
        await archiver.mergeDaysBefore(dateOf(nowUs()));
        ticker.start();
        recording.tick(nowUs());
        recording.start(down.of, standby);
        return { url };
      } catch (error) {
        await this.stop(0);
        throw error;
      }
    },
    reload(next) {
      const wanted = reloadedStreams(config, next, recording.streams(), log);
      if (wanted === null) return;
      recording.setStreams(wanted);
      past.setStreams(wanted);
    },
    departure: {
      ...recording.departure,
      refusal() {
        const failure = parts.recorder.failure();
        return failure && `the disk does not take what is recorded (${failure}), which a new process would not know of`;
      },
      async retire() {
        await keeping.stop();
        await archiver.stop(retireMs);
      },
      clockOffsetMs: () => parts.clockOffset.current()?.offsetMs ?? null,
    },
    listeningMs: () => listeningMs,
    ...{ dataDir, nowUs },
    stop(deadlineMs) {
      stopping ??= (async () => {
        const end = performance.now() + deadlineMs;
        await recording.stop();
        ticker.stop();
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
