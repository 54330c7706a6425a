import { createVerifier } from "../../archive/verify/verifier.ts";
import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import { archivePath, type Day, dateOf, dayStartUs, dayUs, manifestPath } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { createLatestTrades, type LatestTrades } from "../../domain/latest-trades.ts";
import type { History } from "../../domain/queries.ts";
import type { Status } from "../../domain/status.ts";
import { type SeriesKey, type Stream, seriesKey, symbolsOf } from "../../domain/stream.ts";
import type { LastRecord } from "../../journal/entry.ts";
import { createMidHistory, type MidHistory } from "../../monitor/mid-prices.ts";
import { createMinuteRows } from "../../monitor/minute-rows.ts";
import { createSeries, sampleOf } from "../../monitor/series.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { firstInSegments } from "../../storage/list/first-record.ts";
import { startVerifyWorker } from "../../workers.ts";
import { createBookReads } from "./book-reads.ts";
import { createCoverage } from "./coverage.ts";
import { createRecordedSince } from "./recorded-since.ts";
import { withUncountedMinutes } from "./uncounted-minutes.ts";

/** The history of the recorder: it collects, stores and answers queries. */
export type AppHistory = {
  readonly history: History;
  readonly trades: LatestTrades["since"];
  readonly mids: MidHistory;
  /** Receipt of a stream's very first record, µs; null if it has none. */
  sinceUs(series: Pick<Day, "stream" | "symbol">): number | null;
  /** Looks again for a stream's first record, because an archive came from elsewhere. */
  forgetSince(series: Pick<Day, "stream" | "symbol">): void;
  /** Replaces the streams; the history of streams that stay is kept. */
  setStreams(streams: readonly Stream[]): void;
  /** Counts a record of a stream. */
  observe(stream: Stream, payload: string, recvUs: number): void;
  /** Call it every few seconds, `tickSeconds`. */
  tick(status: Status): void;
  /** Restores the history of earlier runs. */
  start(): void;
  /** Saves the history for the next start. Idempotent. */
  stop(): void;
};

type Parts = {
  readonly dataDir: string;
  readonly streams: readonly Stream[];
  readonly nowUs: () => number;
  readonly catalogue: Pick<LiveCatalogue, "gapPages" | "archiveDays" | "memory" | "addEvent">;
  /** Returns the gaps of a day, open gaps included. */
  readonly gapsOf: (day: Day) => readonly Gap[];
  /** Returns the latest record on disk of each stream. */
  readonly lasts: () => readonly LastRecord[];
  /** Reports each change of a gap. */
  readonly onGap: (listener: (gap: Gap) => void) => void;
  /** Called when an archive was checked against its manifest. */
  readonly onVerified?: (day: Day, problem: string | null) => void;
  readonly log: Log;
};

/** How often the history samples the status, s. A sample costs as much as a second of an open dashboard. */
export const tickSeconds = 5;

/** Ticks per minute: each stream's minutes are saved once a minute, a few streams at each tick. */
const ticksPerMinute = 60 / tickSeconds;

/** Creates the history from archives, catalogue and monitor. */
export function createAppHistory(parts: Parts): AppHistory {
  const { catalogue, nowUs, dataDir } = parts;
  let streams = parts.streams;
  let byKey = keysOf(streams);
  const minutes = createMinuteRows(streams);
  const series = createSeries();
  const trades = createLatestTrades(streams);
  const mids = createMidHistory(symbolsOf(streams));
  const firstToday = (key: SeriesKey, dayStart: number) => {
    const stream = byKey.get(key);
    return stream === undefined ? null : (minutes.span(stream, dayStart)?.firstUs ?? null);
  };
  const since = createRecordedSince({ dataDir, gapsOf: parts.gapsOf, firstToday, nowUs });
  parts.onGap(since.onGap);
  const books = createBookReads(parts);
  const verifier = createVerifier({ dataDir }, { startWorker: startVerifyWorker, nowUs, onDone: saveVerified });
  const reconnects = new Map<number, number>();
  let rollovers = 0;
  let gaps = 0;
  let ticks = 0;
  let newest: Status | null = null;
  let stopped = false;

  function saveEvent(kind: string, detail: string | null): void {
    runAndLogFailure("an event", () => catalogue.addEvent({ at_us: nowUs(), kind, message: detail ?? "" }));
  }

  function saveVerified({ day, problems }: { day: Day; problems: readonly { detail: string }[] }): void {
    const name = `${day.symbol} ${day.stream} ${day.date}`;
    const problem = problems.map(({ detail }) => detail).join("; ");
    parts.onVerified?.(day, problems.length === 0 ? null : problem);
    if (problems.length === 0) {
      saveEvent("verified", name);
      runAndLogFailure("a verification", () => catalogue.archiveDays.saveVerified(day, nowUs()));
    } else saveEvent("verify_failed", `${name}: ${problem}`);
  }

  function saveConnectionEvents({ connections, totals }: Status): void {
    for (const { id, host, reconnects: count, last_error } of connections) {
      const before = reconnects.get(id) ?? 0;
      if (count > before) saveEvent("reconnect", last_error === null ? host : `${host}: ${last_error}`);
      reconnects.set(id, count);
    }
    if (totals.rollovers > rollovers) saveEvent("rollover", null);
    rollovers = totals.rollovers;
  }

  function saveMinutes(keyedStreams: readonly (readonly [key: string, stream: Stream])[]): void {
    for (const [key, stream] of keyedStreams) {
      const day = minutes.save(stream);
      if (day !== null) catalogue.memory.keepMinutes(key, day);
    }
  }

  function saveMids(symbols: readonly string[]): void {
    for (const symbol of symbols) {
      const hour = mids.save(symbol);
      if (hour !== null) catalogue.memory.keepMids(symbol, hour);
    }
  }

  function restoreMinutes(dayStart: number): void {
    const saved = new Map([...catalogue.memory.minutes()].filter(([, day]) => day.dayStart === dayStart));
    const lasts = new Map(parts.lasts().map(([folder, symbol, recvUs]) => [seriesKey(folder, symbol), recvUs]));
    for (const [key, stream] of byKey) {
      const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(dayStart) };
      const counts = saved.get(key) ?? null;
      const lastUs = lasts.get(key) ?? 0;
      const firstUs = lastUs < dayStart ? null : (counts?.firstUs ?? firstInSegments(dataDir, day));
      const isCounted = firstUs === null || (counts !== null && counts.lastUs >= lastUs);
      const whole = isCounted
        ? counts
        : withUncountedMinutes(counts, { fromUs: firstUs, toUs: lastUs }, dayStart, parts.gapsOf(day));
      if (whole !== null) minutes.restore(stream, whole);
    }
  }

  function runAndLogFailure(subject: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      parts.log.warn(`cannot write ${subject} to the catalogue`, { reason: messageOf(error) });
    }
  }

  return {
    setStreams(wanted) {
      streams = wanted;
      byKey = keysOf(wanted);
      minutes.setKeys(wanted);
      trades.setStreams(wanted);
      mids.setSymbols(symbolsOf(wanted));
    },
    trades: trades.since,
    mids,
    sinceUs: ({ stream, symbol }) => since.of(stream, symbol),
    forgetSince: since.forget,
    observe(stream, payload, recvUs) {
      minutes.count(stream, recvUs);
      trades.update(stream, payload, recvUs);
    },
    history: {
      series: (span) => series.view(span, nowUs()),
      mids: () => mids.hour(nowUs()),
      gaps: (filter, limit, after) => catalogue.gapPages.page(filter, limit, after),
      events: (limit, after) => catalogue.memory.events(limit, after),
      archives: (filter, limit, after) => catalogue.archiveDays.page(filter, limit, after),
      archive: (day) => catalogue.archiveDays.get(day),
      archiveDates: (limit, after) => catalogue.archiveDays.dates(limit, after),
      ...createCoverage({ ...parts, minutes, since, streams: () => byKey, newest: () => newest }),
      bookAt: books.bookAt,
      files: (day) => ({ archive: archivePath(dataDir, day), manifest: manifestPath(dataDir, day) }),
      verify: (day) => (catalogue.archiveDays.get(day) === null ? "no_archive" : verifier.start(day)),
      verification: verifier.state,
    },
    tick(status) {
      newest = status;
      series.addSample(status.now_us, { ...sampleOf(status), gaps: status.totals.gaps - gaps });
      gaps = status.totals.gaps;
      saveConnectionEvents(status);
      const turn = ticks++ % ticksPerMinute;
      runAndLogFailure("the history", () => {
        const rows = series.drainFinished();
        if (rows.length > 0) catalogue.memory.keepSeries(rows);
        saveMinutes([...byKey].filter((_, index) => index % ticksPerMinute === turn));
        saveMids(symbolsOf(streams).filter((_, index) => index % ticksPerMinute === turn));
      });
    },
    start() {
      const now = nowUs();
      series.restore(catalogue.memory.series(now - 7 * dayUs));
      for (const [symbol, hour] of catalogue.memory.mids()) mids.restore(symbol, hour);
      restoreMinutes(dayStartUs(now));
    },
    stop() {
      if (stopped) return;
      stopped = true;
      verifier.stop();
      books.stop();
      runAndLogFailure("the history", () => {
        catalogue.memory.keepSeries(series.drainFinished());
        saveMinutes([...byKey]);
        saveMids(symbolsOf(streams));
      });
    },
  };
}

function keysOf(streams: readonly Stream[]): Map<SeriesKey, Stream> {
  return new Map(streams.map((stream) => [seriesKey(stream.type.folder, stream.symbol), stream]));
}
