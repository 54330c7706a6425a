import { createDelayEstimator, type DelayEstimator } from "../../binance/delay/delay-estimator.ts";
import { createLatencyGate, type LatencyGate } from "../../binance/delay/latency-gate.ts";
import type { Feed } from "../../binance/feed/feed.ts";
import type { FeedEvents, FeedMessage } from "../../binance/gaps/feed-events.ts";
import type { ClockOffset, ClockOffsetMeter } from "../../binance/rest/clock-offset.ts";
import { createRestClient, type RestClient } from "../../binance/rest/rest-client.ts";
import type { SymbolWatch } from "../../binance/rest/symbol-status.ts";
import type { Config } from "../../config/config.ts";
import type { Day, Segment } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { type Stream, symbolsOf } from "../../domain/stream.ts";
import type { Journal } from "../../journal/journal.ts";
import { createRates, type Rates } from "../../monitor/rates.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";
import type { FactsWriter } from "../../recorder/facts/facts-writer.ts";
import type { Downtime } from "../../recorder/recover/downtime.ts";
import { createGapLedger, type GapLedger } from "../../recorder/write/gap-ledger.ts";
import { createQuarantine, type Quarantine } from "../../recorder/write/quarantine.ts";
import { createRecorder, type Recorder } from "../../recorder/write/recorder.ts";
import { createGapIntake, gapOf } from "../gaps/gap-handling.ts";
import { createLeftOut } from "../gaps/left-out.ts";
import { createTimedGaps } from "../gaps/timed-gaps.ts";
import type { SteadyOffset } from "../time/time-authority.ts";
import { createWallOffset } from "../time/wall-offset.ts";
import { createParentState, type ParentState } from "../upgrade/parent-state.ts";
import { openFeed, type StandbyFeed } from "../upgrade/standby-feed.ts";
import { type Backfill, createBackfill } from "./backfill.ts";
import { createLatestBooks, type LatestBooks } from "./latest-books.ts";
import { createNewestRecords } from "./newest-records.ts";
import { recorderOptions } from "./recorder-options.ts";
import { createSymbols } from "./symbols.ts";

/** Records messages from the exchange into files, and reports its own state. */
export type Recording = {
  readonly parts: RecordingParts;
  streams(): readonly Stream[];
  /** Keeps the names of segments of earlier runs from being used, even if their files go: such a segment may wait to be sealed. */
  reserveNames(segments: readonly Segment[]): void;
  /** Records the pauses since earlier runs at once, so that a day merged at the start has them. `sinceUs`: end of the previous run. */
  recordDowntime(downtimes: ReadonlyMap<Stream, Downtime>, sinceUs: number): void;
  /** Starts receiving, or continues with the messages that `standby` has received. */
  start(standby?: StandbyFeed): void;
  /** The parent's side of an upgrade. After `leave`, `stop` writes the remaining records. */
  readonly departure: Pick<ParentState, "begin" | "cancel" | "isSettled" | "leave">;
  /** Replaces the streams; streams that stay are not interrupted. */
  setStreams(streams: readonly Stream[]): void;
  /** Call it once a second. */
  tick(nowUs: number): void;
  /** Returns open gaps, up to now. */
  openGaps(): readonly Gap[];
  /** Returns the receipt of the newest record, µs, or null. */
  lastRecvUs(): number | null;
  onClockStep(byUs: number): void;
  /** Stops receiving, then writes the remaining records; resolves when they are on disk. Idempotent. */
  stop(): Promise<void>;
};

/** The parts of the recording that the live status reads. */
export type RecordingParts = {
  readonly feed: () => Feed | null;
  readonly recorder: Recorder;
  readonly ledger: GapLedger;
  readonly rates: Rates<Stream>;
  readonly books: LatestBooks;
  readonly delay: DelayEstimator;
  readonly clockOffset: ClockOffsetMeter;
  readonly quarantine: Quarantine;
  readonly gate: LatencyGate;
  readonly rest: RestClient;
  readonly symbols: SymbolWatch;
  readonly facts: FactsWriter;
  readonly repair: Backfill;
};

export type RecordingDeps = {
  readonly clock: ReceiveClock;
  readonly journal: Journal;
  readonly onClosed: (segment: Segment) => void;
  /** Called when this day gets a new file; the day may have been merged already. */
  readonly onLate: (day: Day) => void;
  /** Called with each measured offset of steady time. `offset` returns the newest valid offset; null while unknown. */
  readonly onClockOffset: (offset: ClockOffset) => void;
  readonly offset: () => SteadyOffset | null;
  readonly onRecord?: (stream: Stream, payload: string, recvUs: number) => void;
  readonly log: Log;
};

/** How often open gaps are saved, s, so that a crash cannot hide them. */
const saveOpenEvery = 10;

/** Creates the parts and connects them; `start` opens files and connections. */
export function createRecording(
  options: { config: Config; dataDir: string; startedUs: number; streams: readonly Stream[] },
  deps: RecordingDeps,
): Recording {
  const { config, dataDir, startedUs } = options;
  const { clock, journal, log } = deps;
  const { nowUs } = deps.clock;
  let streams = options.streams;
  let feed: Feed | null = null;
  let lastRecvUs: number | null = null;
  let seconds = 0;

  const settings = recorderOptions(config, dataDir, streams.length, log);
  const ledger = createGapLedger({ store: journal.saveGaps, log });
  const recorder = createRecorder(settings, {
    ...{ nowUs, onClosed: deps.onClosed, onDropped: ledger.drop, onLost: (...loss) => gaps.lose(...loss), log },
  });
  const writers = new Map(streams.map((stream) => [stream, recorder.writer(stream)]));
  const newest = createNewestRecords({ journal });
  const leftOut = createLeftOut({ dataDir, journal, addGaps: ledger.add, nowUs });
  const quarantine = createQuarantine({ dataDir }, { log });
  const rates = createRates(streams);
  const books = createLatestBooks(streams);
  const delay = createDelayEstimator();
  const gate = createLatencyGate({ thresholdMs: config.latency.threshold_ms, gate: config.latency.gate });
  const rest = createRestClient({ restUrl: config.exchange.rest_url, timeUnit: config.exchange.time_unit }, { log });
  const clockOffset = createWallOffset({
    ...{ rest, clock, log },
    onOffset: (offsetMs) => delay.setClockOffset(offsetMs),
    onSteadyOffset: deps.onClockOffset,
  });
  const { symbols, facts, mayDeliver } = createSymbols(
    { config, dataDir, streams },
    { rest, nowUs, onClosed: deps.onClosed, log },
  );
  /** Trade streams: first id of this run. Diff streams: first `U` since the newest gap. */
  const firstIds = new Map<Stream, number>();
  const repair = createBackfill(
    { ...settings, streams },
    {
      ...{ rest, journal, nowUs, log, onClosed: deps.onClosed, onLate: deps.onLate },
      flushed: recorder.flushed,
      firstDiffId: (symbol) => firstIds.get(diffOf(symbol) as Stream) ?? null,
      onSnapshot: (stream, payload, recvUs) =>
        recorder.writer(stream).append(payload, recvUs, delay.estimateMs(stream.symbol)),
    },
  );
  const diffOf = (symbol: string) =>
    streams.find((stream) => stream.symbol === symbol && stream.type.kind === "diffDepth");

  function onData(message: FeedMessage): void {
    const { stream, payload, recvUs, eventMs, id, firstId } = message;
    if (lastRecvUs === null) {
      const after = Math.max(0, Math.round((recvUs - startedUs) / 1000));
      log.info("recording", { data_dir: dataDir, streams: streams.length, after_ms: after });
    }
    lastRecvUs = recvUs;
    if (eventMs > 0) {
      delay.observe(stream.symbol, eventMs, recvUs);
      if (!firstIds.has(stream)) firstIds.set(stream, firstId);
    }
    const delayMs = delay.estimateMs(stream.symbol);
    departure.onRecorded(message);
    if (gate.admits(stream.symbol, delayMs)) {
      writers.get(stream)?.append(payload, recvUs, delayMs);
      newest.observe(stream, recvUs, id);
    } else ledger.drop(stream, recvUs, "latency");
    rates.count(stream);
    books.update(stream, payload, recvUs);
    deps.onRecord?.(stream, payload, recvUs);
  }

  const timed = createTimedGaps({ clock, startedUs, offset: deps.offset });
  const gaps = createGapIntake({ ledger, repair, firstIds, startedUs, journal, hold: timed.hold, log });
  const departure = createParentState({ feed: () => feed, addGaps: gaps.add });
  const feedGaps = () => feed?.openGaps().map(gapOf) ?? [];
  const openGaps = () => [...departure.held().map(gapOf), ...feedGaps(), ...leftOut.openGaps()];

  return {
    parts: {
      feed: () => feed,
      ...{ recorder, ledger, rates, books, delay, clockOffset, quarantine, gate, rest, symbols, facts, repair },
    },
    streams: () => streams,
    reserveNames: (segments) => segments.forEach(settings.usedNames.add),
    recordDowntime(downtimes, sinceUs) {
      timed.holdDown(downtimes, journal.runs(), ledger);
      leftOut.begin(streams, downtimes, sinceUs);
    },
    start(standby) {
      const sink: FeedEvents = {
        onData,
        onGaps: departure.onGaps,
        onOdd: quarantine.add,
        onPing: delay.observePing,
        onEpoch: departure.onEpoch,
        onNotMissing: repair.withdraw,
        onDated: (stream, eventMs, recvUs) => delay.observe(stream.symbol, eventMs, recvUs),
      };
      const offsetMs = standby?.clockOffsetMs() ?? null;
      if (offsetMs !== null) delay.setClockOffset(offsetMs);
      feed =
        standby?.attach({ sink, mayDeliver, saveGaps: ledger.add, ...leftOut }) ??
        openFeed({ config, streams, ...leftOut }, { clock, log, mayDeliver, sink });
      clockOffset.start();
      if (standby === undefined) feed.start();
      symbols.start();
      repair.start();
      gaps.examineEarlierGaps();
    },
    setStreams(wanted) {
      const removed = streams.filter((stream) => !wanted.includes(stream));
      leftOut.change(streams, wanted);
      streams = wanted;
      for (const stream of wanted) if (!writers.has(stream)) writers.set(stream, recorder.writer(stream));
      rates.setKeys(wanted);
      books.setStreams(wanted);
      feed?.setStreams(wanted);
      symbols.setSymbols(symbolsOf(wanted));
      repair.setStreams(wanted);
      for (const stream of removed) {
        writers.delete(stream);
        newest.release(stream);
        firstIds.delete(stream);
        recorder.release(stream);
      }
    },
    tick(now) {
      rates.tick(now);
      timed.tick();
      recorder.checkFiles();
      if (recorder.failure() === null) ledger.settle();
      if (++seconds % saveOpenEvery !== 0) return;
      ledger.update([...feedGaps(), ...leftOut.openGaps()]);
      if (recorder.failure() === null) newest.save();
    },
    departure,
    openGaps,
    lastRecvUs: () => lastRecvUs,
    onClockStep(byUs) {
      recorder.closeSegments();
      delay.shift(byUs);
    },
    async stop() {
      feed?.stop();
      timed.flush();
      // In an upgrade, the child process records open and undecided gaps.
      if (!departure.hasLeft()) feed?.finish();
      if (!departure.hasLeft()) ledger.update(openGaps());
      for (const part of [clockOffset, symbols, rest]) part.stop();
      await Promise.all([facts.stop(), repair.stop()]);
      await recorder.stop();
      ledger.settle();
      if (recorder.failure() === null) newest.saveAll();
      await quarantine.stop();
    },
  };
}
