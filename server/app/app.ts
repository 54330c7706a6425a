import { hostname } from "node:os";
import { createArchiver } from "../archive/archiver.ts";
import { type Config, secretsOf } from "../config/config.ts";
import type { Day } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import { ownSymbols, shardName } from "../domain/shard.ts";
import { assetsDir } from "../http/routes/page.ts";
import { createHttpServer } from "../http/server.ts";
import type { Log } from "../platform/log/log.ts";
import { createRecentLogs } from "../platform/log/recent-logs.ts";
import { version } from "../platform/process/version.ts";
import { type ClockSources, createReceiveClock } from "../platform/time/receive-clock.ts";
import { findLeftovers } from "../recorder/recover/recovery.ts";
import { takeDataFolder } from "../storage/lock/data-folder.ts";
import { recorderId } from "../storage/lock/recorder-id.ts";
import { startDayWorker, startSealWorker } from "../workers.ts";
import { accessOf } from "./access.ts";
import { collectStatus } from "./collect-status.ts";
import { createArchiveLifecycle } from "./data/archive-lifecycle.ts";
import { createAppHistory, tickSeconds } from "./data/history.ts";
import { createKnown } from "./data/known.ts";
import { gapsInManifest, gapsOfDay, withManifestGaps } from "./gaps/gap-handling.ts";
import { createHost } from "./host.ts";
import { createAppIncidents } from "./messaging/incidents.ts";
import { createMessaging } from "./messaging/messaging.ts";
import { createAppMetrics } from "./metrics.ts";
import { createRecording } from "./recording/recording.ts";
import { createStreams, logShard, reloadedStreams } from "./reload.ts";
import { createSystemdStatus } from "./systemd-status.ts";
import { createPastDays, createTicker } from "./ticker.ts";
import { createTimeAuthority } from "./time/time-authority.ts";
import type { App } from "./types.ts";
import { createUnexpectedErrors } from "./unexpected-errors.ts";
import type { StandbyFeed } from "./upgrade/standby-feed.ts";

export type { App } from "./types.ts";

/** zstd level of a segment, which lives for a day at most; measured, 2 to 4 are no smaller and no quicker on this data. */
const segmentLevel = 1;

/** How long a process that is being replaced still seals segments, ms; what is left its successor does. */
const retireMs = 3000;

/** A message that is under way at a stop may take so long, ms. */
const farewellMs = 2000;

/** How long a stop waits for a disk that does not take the journal, ms. */
const journalMs = 2000;

/** How often the journal is told how far we have got, s. */
const noteRunEvery = 10;

/**
 * Creates every part and connects them; does nothing before `start`, except that the data folder is taken. `clock` stands in
 * for the system's, `serve` for the HTTP server. `standby` has received all since another process stopped, so that nothing is missing between the two.
 */
export function createApp(
  config: Config,
  options: {
    mode: "record" | "demo";
    log: Log;
    clock?: ClockSources;
    standby?: StandbyFeed;
    serve?: typeof createHttpServer;
  },
): App {
  const { mode, standby } = options;
  const { log, newest: logs } = createRecentLogs(options.log, secretsOf(config));
  const clock = standby?.clock ?? createReceiveClock(options.clock);
  const { nowUs } = clock;
  const startedUs = standby?.stoppedUs() ?? nowUs();
  const streams = standby?.streams ?? createStreams(config, ownSymbols(config.record));
  const folder = takeDataFolder(config.record.data_dir, mode, log);
  const dataDir = folder.path;
  const time = createTimeAuthority({ clock, sources: options.clock, events: (us) => parts.delay.lagMs(us) });
  const known = createKnown({
    ...{ dataDir, startedUs, nowUs, time: time.now, renewFolder: folder.renew, log },
    ...{ archiver: () => archiver, parts: () => parts },
    onRecovered: (report) => watch.noteRecovered(report),
  });
  const { journal, catalogue, care, tidyUp } = known;
  const about = { version, mode, host: hostname(), shard: shardName(config.record.shard), started_us: startedUs };
  const id = recorderId(dataDir);
  const madeBy = { version, host: about.host, ...(id !== undefined && { id }) };
  const kept = { dataDir, mode, nowUs, time: time.settled, recorder: madeBy };
  const keeping = createArchiveLifecycle(config, { ...kept, onRemoved: care.forgetArchive, log });
  const past = createAppHistory({
    ...{ dataDir, streams, nowUs, catalogue, gapsOf, log },
    onVerified: (day, problem) => watch.noteVerified(day, problem),
  });
  const archiver = createArchiver(
    { dataDir, level: config.archive.level, segmentLevel },
    {
      ...{ startSealWorker, startDayWorker, gapsOf, recorder: madeBy, log },
      clockOffsetMs: () => parts.clockOffset.current()?.offsetMs ?? null,
      ...{ mayMerge: tidyUp.mayMerge, onUnreadable: known.onUnreadable },
      onSealed: (segment, rows) => void parts.recorder.checkSealed(segment, rows),
      onArchived(manifest, isVerified) {
        care.noteArchive(manifest, isVerified);
        keeping.onArchived(manifest);
      },
    },
  );
  const pastDays = createPastDays(archiver, { now: time.now, log });
  const recording = createRecording(
    { config, dataDir, startedUs, streams },
    {
      ...{ clock, journal, onLate: pastDays.noteLate, onRecord: past.observe, log },
      onClosed(segment) {
        archiver.seal(segment);
        // A slow disk may have kept it until its day was merged.
        pastDays.noteLate(segment);
      },
      ...{ onClockOffset: time.noteOffset, offset: time.offset },
    },
  );
  const { parts } = recording;
  const faults = createUnexpectedErrors({ log });
  const watched = { catalogue, parts, faults: faults.current, removalsWaiting: keeping.removalsWaiting };
  const watch = createAppIncidents(config, { ...watched, clock, startedUs, log });
  const machine = createHost(dataDir, {
    ...{ clock, offset: time.offset, streams: recording.streams, onStep: recording.onClockStep, log },
    ...{ saveGaps: parts.ledger.add, updateGaps: parts.ledger.update, setRoom: archiver.setRoom },
    failure: () => parts.recorder.failure(),
  });
  let stopping: Promise<void> | null = null;
  let listeningMs = 0;

  function gapsOf(day: Day): readonly Gap[] {
    const written = withManifestGaps(day, gapsInManifest(dataDir, day), catalogue.gapsOf(day));
    return gapsOfDay(day, written, [...recording.openGaps(), ...machine.clock.openGaps()]);
  }

  const status = () =>
    collectStatus({
      ...{ about, nowUs, archiver, machine, journal, catalogue, tidyUp },
      ...parts,
      streams: recording.streams(),
      upload: keeping.status,
      ...{ telegram: outside.telegram, bot: outside.bot },
      alerts: watch.status,
    });
  const book = (symbol: string) => parts.books.view(symbol, parts.delay.estimateMs(symbol));
  const outside = createMessaging(config, {
    ...{ dataDir, status, history: past.history, incidents: watch.incidents, catalogue, book, logs, nowUs, log },
  });
  const metrics = createAppMetrics({
    ...{ parts, status, streams: recording.streams, incidents: watch.incidents },
    lag: () => ticker.lag(),
    http: () => http.load(),
  });
  const http = (options.serve ?? createHttpServer)(
    { host: config.http.host, port: config.http.port, access: accessOf(config, dataDir) },
    {
      ...{ status, trades: past.trades, history: past.history, metrics, assetsDir, log },
      ...{ incidents: watch.incidents, instance: watch.instance, book },
    },
  );

  const ticker = createTicker(
    nowUs,
    [
      [1, "recording", recording.tick],
      [1, "machine", machine.look],
      [1, "lock", folder.look],
      [1, "catalogue", care.look],
      [1, "merging", pastDays.tick],
      [1, "manifests", known.settled.look],
      [1, "service report", createSystemdStatus(status).look],
      [1, "retention", () => keeping.tick(machine.disk.freeForArchives())],
      [1, "incidents", () => watch.tick(status)],
      [1, "messages", outside.tick],
      [tickSeconds, "history", () => past.tick(status())],
      [noteRunEvery, "run", saveRun],
    ],
    faults,
  );

  function saveRun(): void {
    if (parts.recorder.failure() === null) known.saveRun(recording.lastRecvUs(), false);
  }

  return {
    status,
    async start(left = []) {
      try {
        const { url } = await http.start();
        listeningMs = Date.now();
        const leftovers = findLeftovers(dataDir);
        care.start();
        logShard(config, log);
        past.start();
        const { lastRun, down } = known.beginRun(leftovers, {
          ...{ streams, left, recorded: standby === undefined ? streams : [], flushMs: config.record.flush_ms },
        });
        recording.noteDown(down.of, standby === undefined ? down.newestUs : startedUs);
        if (down.newestUs > 0) known.saveRun(down.newestUs, false);
        watch.start(lastRun, standby === undefined ? Math.min(down.newestUs, startedUs) : 0);
        outside.start();
        care.noteEvent("start", `rt-data ${version}`);
        await machine.look();
        ticker.start();
        recording.tick(nowUs());
        recording.start(standby);
        tidyUp.start(leftovers);
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
        await Promise.all([tidyUp.stop(), keeping.stop(), outside.stop(farewellMs)]);
        await archiver.stop(retireMs);
      },
      clockOffsetMs: () => parts.clockOffset.current()?.offsetMs ?? null,
    },
    listeningMs: () => listeningMs,
    noteFault: faults.note,
    ...{ dataDir, nowUs },
    passOnFolder: folder.passOn,
    stop(deadlineMs) {
      stopping ??= (async () => {
        const end = performance.now() + deadlineMs;
        await recording.stop();
        ticker.stop();
        await Promise.all([tidyUp.stop(), keeping.stop(), outside.stop(Math.min(farewellMs, deadlineMs))]);
        await archiver.stop(Math.max(0, end - performance.now()));
        await http.stop();
        known.saveRun(recording.lastRecvUs(), true);
        past.stop();
        await known.close(journalMs);
        folder.release();
      })();
      return stopping;
    },
  };
}
