import { hostname } from "node:os";
import { createArchiver } from "../archive/archiver.ts";
import { type Config, listenHost, secretsOf } from "../config/config.ts";
import type { Day, Segment } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import { ownSymbols, shardName } from "../domain/symbols/shard.ts";
import { assetsDir } from "../http/routes/page.ts";
import { createHttpServer } from "../http/server.ts";
import { createRecentLogs } from "../platform/log/recent-logs.ts";
import { version } from "../platform/process/version.ts";
import { createReceiveClock } from "../platform/time/receive-clock.ts";
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
import { createRawFeed } from "./tardis/raw-feed.ts";
import { createPastDays, createTicker } from "./ticker.ts";
import { createTimeAuthority } from "./time/time-authority.ts";
import type { App, AppOptions } from "./types.ts";
import { createUnexpectedErrors } from "./unexpected-errors.ts";

export type { App } from "./types.ts";

/** zstd level of a segment, which lives for a day at most. Measured on this data, levels 2 to 4 are neither smaller nor faster. */
const segmentLevel = 1;

/** How long a parent process still seals segments during an upgrade, ms. The child process seals the rest. */
const retireMs = 3000;

/** Time limit at a stop for messages that are being sent, ms. */
const farewellMs = 2000;

/** Time limit at a stop for writing the journal, ms; a failing disk may not accept it. */
const journalMs = 2000;

/** How often the journal saves the progress of this run, s. */
const saveRunEvery = 10;

/** Creates all parts, connects them and takes the data folder's lock; the rest waits for `start`. */
export function createApp(config: Config, options: AppOptions): App {
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
    ...{ archiver: () => archiver, parts: () => parts, sinceUs: (series) => past.sinceUs(series) },
    onRecovered: (report) => alerting.reportRecovered(report),
  });
  const { journal, catalogue, care, tidyUp } = known;
  const about = { version, mode, host: hostname(), shard: shardName(config.record.shard), started_us: startedUs };
  const id = recorderId(dataDir);
  const madeBy = { version, host: about.host, ...(id !== undefined && { id }) };
  const lifecycle = createArchiveLifecycle(config, {
    ...{ dataDir, mode, nowUs, time: time.settled, recorder: madeBy, onRemoved: care.forgetArchive, log },
    official: { journal, merge: (day) => archiver.merge(day), onClosed },
  });
  const past = createAppHistory({
    ...{ dataDir, streams, nowUs, catalogue, gapsOf, onGap: journal.onGap, lasts: journal.lastRecords, log },
    onVerified: (day, problem) => alerting.reportVerified(day, problem),
  });
  const archiver = createArchiver(
    { dataDir, level: config.archive.level, segmentLevel },
    {
      ...{ startSealWorker, startDayWorker, gapsOf, recorder: madeBy, log },
      ...{ sinceUs: past.sinceUs, officialOf: lifecycle.officialOf },
      clockOffsetMs: () => parts.clockOffset.current()?.offsetMs ?? null,
      ...{ mayMerge: tidyUp.mayMerge, onUnreadable: known.onUnreadable },
      onSealed: (segment, rows) => void parts.recorder.checkSealed(segment, rows),
      onArchived(manifest, isVerified) {
        care.saveArchive(manifest, isVerified);
        lifecycle.onArchived(manifest);
      },
    },
  );
  const pastDays = createPastDays(archiver, { now: time.now, log });
  const recording = createRecording(
    { config, dataDir, startedUs, streams },
    {
      ...{ clock, journal, onLate: pastDays.onNewFile, onRecord: past.observe, onClosed, log },
      ...{ onClockOffset: time.setOffset, offset: time.offset },
    },
  );
  const { parts } = recording;
  const errors = createUnexpectedErrors({ log });
  const watched = { catalogue, parts, faults: errors.current, removalsWaiting: lifecycle.removalsWaiting, clock };
  const alerting = createAppIncidents(config, { ...watched, startedUs, log });
  const host = createHost(
    { dataDir, wsUrl: config.exchange.ws_url },
    {
      ...{ clock, offset: time.offset, streams: recording.streams, onStep: recording.onClockStep, log },
      ...{ saveGaps: parts.ledger.add, updateGaps: parts.ledger.update },
      setRoom(room) {
        for (const part of [archiver, lifecycle]) part.setRoom(room);
      },
      failure: () => parts.recorder.failure(),
    },
  );
  let [stopping, listeningMs]: [Promise<void> | null, number] = [null, 0];
  function onClosed(segment: Segment): void {
    archiver.seal(segment);
    // A slow disk may delay the segment until its day has been merged.
    pastDays.onNewFile(segment);
  }

  function gapsOf(day: Day): readonly Gap[] {
    const written = withManifestGaps(day, gapsInManifest(dataDir, day), catalogue.gapsOf(day));
    return gapsOfDay(day, written, [...recording.openGaps(), ...host.clock.openGaps()]);
  }

  const status = () =>
    collectStatus({
      ...{ about, nowUs, archiver, host, journal, catalogue, tidyUp },
      ...parts,
      streams: recording.streams(),
      ...{ upload: lifecycle.status, dataset: lifecycle.datasetStatus, mid: past.mids.newest },
      ...{ telegram: messaging.telegram, bot: messaging.bot },
      alerts: alerting.status,
    });
  const book = (symbol: string) => parts.books.view(symbol, parts.delay.estimateMs(symbol));
  const messaging = createMessaging(config, {
    ...{ dataDir, status, history: past.history, incidents: alerting.incidents, catalogue, book, logs, nowUs, log },
  });
  const metrics = createAppMetrics({
    ...{ parts, status, streams: recording.streams, incidents: alerting.incidents },
    lag: () => ticker.lag(),
    http: () => http.load(),
  });
  const place = { host: listenHost(config.http), port: config.http.port, access: accessOf(config, dataDir) };
  const http = (options.serve ?? createHttpServer)(place, {
    ...{ status, trades: past.trades, mids: past.mids.recent, history: past.history, metrics, assetsDir, log },
    ...{ demo: options.demo, incidents: alerting.incidents, instance: alerting.instance, book, time: time.settled },
    ...{ instrument: parts.facts.newest, raw: createRawFeed({ dataDir }, { history: past.history, log }) },
  });

  const ticker = createTicker(
    nowUs,
    [
      [1, "recording", recording.tick],
      [1, "machine", host.measure],
      [1, "lock", folder.poll],
      [1, "catalogue", care.look],
      [1, "merging", pastDays.tick],
      [1, "manifests", known.settled.tick],
      [1, "service report", createSystemdStatus(status).tick],
      [1, "retention", () => lifecycle.tick(host.disk.freeForArchives())],
      [1, "incidents", () => alerting.tick(status)],
      [1, "messages", messaging.tick],
      [1, "prices", (us) => past.mids.sample(us, book)],
      [tickSeconds, "history", () => past.tick(status())],
      [saveRunEvery, "run", saveRun],
    ],
    errors,
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
        recording.reserveNames(leftovers.segments);
        care.start();
        logShard(config, log);
        past.start();
        const recorded = standby !== undefined || options.continues?.() ? [] : streams;
        const { lastRun, down } = known.beginRun(leftovers, {
          ...{ streams, left, recorded, flushMs: config.record.flush_ms },
        });
        recording.recordDowntime(down.of, standby === undefined ? down.newestUs : startedUs);
        if (down.newestUs > 0) known.saveRun(down.newestUs, false);
        alerting.start(lastRun, standby === undefined ? Math.min(down.newestUs, startedUs) : 0);
        messaging.start();
        care.noteEvent("start", `rt-data ${version}`);
        await host.measure();
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
        return failure && `the disk does not accept records (${failure}); a new process would lose those in memory`;
      },
      async retire() {
        await Promise.all([tidyUp.stop(), lifecycle.stop(), messaging.stop(farewellMs)]);
        await archiver.stop(retireMs);
      },
      clockOffsetMs: () => parts.clockOffset.current()?.offsetMs ?? null,
    },
    listeningMs: () => listeningMs,
    adoptArchive(manifest) {
      past.forgetSince(manifest);
      care.saveArchive(manifest, true);
      lifecycle.onArchived(manifest);
    },
    ...{ dataDir, nowUs, reportFault: errors.report, passOnFolder: folder.passOn },
    stop(deadlineMs) {
      stopping ??= (async () => {
        const end = performance.now() + deadlineMs;
        await recording.stop();
        ticker.stop();
        await Promise.all([tidyUp.stop(), lifecycle.stop(), messaging.stop(Math.min(farewellMs, deadlineMs))]);
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
