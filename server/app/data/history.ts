import { createVerifier } from "../../archive/verify/verifier.ts";
import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import { archivePath, type Day, dayStartUs, dayUs, manifestPath } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { createLatestTrades, type LatestTrades } from "../../domain/latest-trades.ts";
import type { History } from "../../domain/queries.ts";
import type { Status } from "../../domain/status.ts";
import { type SeriesKey, type Stream, seriesKey } from "../../domain/stream.ts";
import { createMinuteRows } from "../../monitor/minute-rows.ts";
import { createSeries, sampleOf } from "../../monitor/series.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { startVerifyWorker } from "../../workers.ts";
import { createCoverage } from "./coverage.ts";

/** What the program knows of its past, and what keeps it. */
export type AppHistory = {
  readonly history: History;
  readonly trades: LatestTrades["since"];
  /** Other streams from now on; what is known of those that stay is kept. */
  setStreams(streams: readonly Stream[]): void;
  /** One more record of a stream. */
  observe(stream: Stream, payload: string, recvUs: number): void;
  /** Call it every few seconds, `tickSeconds`. */
  tick(status: Status): void;
  /** Puts back what was kept before. */
  start(): void;
  /** Keeps what is to be known at the next start. Idempotent. */
  stop(): void;
};

type Parts = {
  readonly dataDir: string;
  readonly streams: readonly Stream[];
  readonly nowUs: () => number;
  readonly catalogue: Pick<LiveCatalogue, "gapPages" | "archiveDays" | "memory" | "noteEvent">;
  /** Gaps of a day, those that are not over yet included. */
  readonly gapsOf: (day: Day) => readonly Gap[];
  /** An archive was checked against its manifest. */
  readonly onVerified?: (day: Day, problem: string | null) => void;
  readonly log: Log;
};

/** How often the history looks at the status, s: what it shows in a second costs as much as a second of a dashboard. */
export const tickSeconds = 5;

/** Each stream's minutes are written down once a minute, a few streams at each tick. */
const keepEvery = 60 / tickSeconds;

/** Puts together what the archive, the catalogue and the monitor know. */
export function createAppHistory(parts: Parts): AppHistory {
  const { catalogue, nowUs, dataDir } = parts;
  let streams = parts.streams;
  let byKey = keysOf(streams);
  const minutes = createMinuteRows(streams);
  const series = createSeries();
  const trades = createLatestTrades(streams);
  const verifier = createVerifier({ dataDir }, { startWorker: startVerifyWorker, nowUs, onDone: noteVerified });
  const reconnects = new Map<number, number>();
  let rollovers = 0;
  let gaps = 0;
  let ticks = 0;
  let newest: Status | null = null;
  let stopped = false;

  function note(kind: string, detail: string | null): void {
    attempt("an event", () => catalogue.noteEvent({ at_us: nowUs(), kind, message: detail ?? "" }));
  }

  function noteVerified({ day, problems }: { day: Day; problems: readonly { detail: string }[] }): void {
    const name = `${day.symbol} ${day.stream} ${day.date}`;
    const problem = problems.map(({ detail }) => detail).join("; ");
    parts.onVerified?.(day, problems.length === 0 ? null : problem);
    if (problems.length === 0) {
      note("verified", name);
      attempt("a verification", () => catalogue.archiveDays.noteVerified(day, nowUs()));
    } else note("verify_failed", `${name}: ${problem}`);
  }

  function noteConnections({ connections, totals }: Status): void {
    for (const { id, host, reconnects: count, last_error } of connections) {
      const before = reconnects.get(id) ?? 0;
      if (count > before) note("reconnect", last_error === null ? host : `${host}: ${last_error}`);
      reconnects.set(id, count);
    }
    if (totals.rollovers > rollovers) note("rollover", null);
    rollovers = totals.rollovers;
  }

  function keepMinutes(of: readonly (readonly [key: string, stream: Stream])[]): void {
    for (const [key, stream] of of) {
      const day = minutes.save(stream);
      if (day !== null) catalogue.memory.keepMinutes(key, day);
    }
  }

  function attempt(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      parts.log.warn(`cannot write ${what} to the catalogue`, { reason: messageOf(error) });
    }
  }

  return {
    setStreams(wanted) {
      streams = wanted;
      byKey = keysOf(wanted);
      minutes.setKeys(wanted);
      trades.setStreams(wanted);
    },
    trades: trades.since,
    observe(stream, payload, recvUs) {
      minutes.count(stream, recvUs);
      trades.note(stream, payload, recvUs);
    },
    history: {
      series: (span) => series.view(span, nowUs()),
      gaps: (filter, limit, after) => catalogue.gapPages.page(filter, limit, after),
      events: (limit, after) => catalogue.memory.events(limit, after),
      archives: (filter, limit, after) => catalogue.archiveDays.page(filter, limit, after),
      archive: (day) => catalogue.archiveDays.get(day),
      ...createCoverage({ ...parts, minutes, streams: () => byKey, newest: () => newest }),
      files: (day) => ({ archive: archivePath(dataDir, day), manifest: manifestPath(dataDir, day) }),
      verify: (day) => (catalogue.archiveDays.get(day) === null ? "no_archive" : verifier.start(day)),
      verification: verifier.state,
    },
    tick(status) {
      newest = status;
      series.note(status.now_us, { ...sampleOf(status), gaps: status.totals.gaps - gaps });
      gaps = status.totals.gaps;
      noteConnections(status);
      const turn = ticks++ % keepEvery;
      attempt("the history", () => {
        const rows = series.takeFinished();
        if (rows.length > 0) catalogue.memory.keepSeries(rows);
        keepMinutes([...byKey].filter((_, index) => index % keepEvery === turn));
      });
    },
    start() {
      const now = nowUs();
      series.restore(catalogue.memory.series(now - 7 * dayUs));
      for (const [key, day] of catalogue.memory.minutes()) {
        const stream = byKey.get(key);
        if (stream !== undefined && day.dayStart === dayStartUs(now)) minutes.restore(stream, day);
      }
    },
    stop() {
      if (stopped) return;
      stopped = true;
      verifier.stop();
      attempt("the history", () => {
        catalogue.memory.keepSeries(series.takeFinished());
        keepMinutes([...byKey]);
      });
    },
  };
}

function keysOf(streams: readonly Stream[]): Map<SeriesKey, Stream> {
  return new Map(streams.map((stream) => [seriesKey(stream.type.folder, stream.symbol), stream]));
}
