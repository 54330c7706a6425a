import { type Manifest, readManifest } from "./archive/manifest.ts";
import { createShelf, gapsOfManifest } from "./archive/shelf.ts";
import { createVerifier } from "./archive/verifier.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import { type DayFacts, dayCoverage, minuteSpans } from "./day-coverage.ts";
import type { Gap } from "./gap.ts";
import type { DayCoverage, DayDetail, History } from "./history.ts";
import type { Log } from "./log.ts";
import { createMinuteRows } from "./monitor/minute-rows.ts";
import { sampleOf } from "./monitor/sample.ts";
import { createSeries } from "./monitor/series.ts";
import { createNewestTrades, type NewestTrades } from "./newest-trades.ts";
import { messageOf } from "./problem.ts";
import { archivePath, type Day, dateOf, dateStartUs, dayStartUs, dayUs, manifestPath } from "./segment.ts";
import type { Status } from "./status.ts";
import { parseStreamType, type Stream } from "./stream.ts";
import { startVerifyWorker } from "./workers.ts";

/** What the program knows of its past, and what keeps it. */
export type AppHistory = {
  readonly history: History;
  readonly trades: NewestTrades["since"];
  /** One more record of a stream. */
  observe(stream: Stream, payload: string, recvUs: number): void;
  /** A day has been merged. */
  archived(manifest: Manifest): void;
  /** Call it once a second. */
  tick(status: Status): void;
  /** Puts back what was kept before, notes the start and what was repaired at it, and looks through the archives in the background. */
  start(version: string, repairs: readonly { readonly path: string; readonly message: string }[]): void;
  /** Keeps what is to be known at the next start. Idempotent. */
  stop(): void;
};

type Parts = {
  readonly dataDir: string;
  readonly streams: readonly Stream[];
  readonly nowUs: () => number;
  readonly catalogue: Pick<Catalogue, "gapPages" | "archiveDays" | "memory">;
  /** Gaps of a day, those that are not over yet included. */
  readonly gapsOf: (day: Day) => readonly Gap[];
  readonly log: Log;
};

/** Each stream's minutes are written down once a minute, a few streams each second. */
const keepEveryS = 60;

/** Puts together what the archive, the catalogue and the monitor know. */
export function createAppHistory(parts: Parts): AppHistory {
  const { catalogue, streams, nowUs, dataDir } = parts;
  const minutes = createMinuteRows(streams);
  const series = createSeries();
  const trades = createNewestTrades(streams);
  const shelf = createShelf({ dataDir }, { store: catalogue.archiveDays, log: parts.log });
  const verifier = createVerifier({ dataDir }, { startWorker: startVerifyWorker, nowUs, onDone: noteVerified });
  const byKey = new Map(streams.map((stream) => [`${stream.type.folder}/${stream.symbol}`, stream]));
  const reconnects = new Map<number, number>();
  let rollovers = 0;
  let gaps = 0;
  let seconds = 0;
  let newest: Status | null = null;
  let stopped = false;

  function factsToday(stream: Stream, gaps: DayFacts["gaps"], now: number): DayFacts {
    const start = dayStartUs(now);
    const span = minutes.span(stream, start);
    const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(now) };
    const rowsPerMinute = minutes.rows(stream, start) ?? new Uint16Array(1440);
    return { day, gaps, firstUs: span?.firstUs ?? null, lastUs: span?.lastUs ?? null, rowsPerMinute, untilUs: now };
  }

  function daysToday(): DayCoverage[] {
    const now = nowUs();
    const gaps = gapsByStream(now);
    return [...byKey].map(([key, stream]) => {
      const facts = factsToday(stream, gaps.get(key) ?? [], now);
      return { ...facts.day, ...shown(facts) };
    });
  }

  /** Today's gaps by stream: the catalogue's, and those that are not over yet by the newest status. */
  function gapsByStream(now: number): Map<string, DayFacts["gaps"][number][]> {
    const gaps = new Map<string, DayFacts["gaps"][number][]>();
    const add = (key: string, gap: DayFacts["gaps"][number]) => {
      const list = gaps.get(key);
      if (list === undefined) gaps.set(key, [gap]);
      else list.push(gap);
    };
    for (const gap of catalogue.gapPages.between(dayStartUs(now), now)) add(`${gap.stream}/${gap.symbol}`, gap);
    for (const { symbol, streams: own } of newest?.symbols ?? []) {
      for (const { stream, gap } of own) {
        const key = `${parseStreamType(stream)?.folder}/${symbol}`;
        if (gap !== null) add(key, { ...gap, to_us: now, missing: null, repaired: 0 });
      }
    }
    return gaps;
  }

  function detailOf(day: Day): DayDetail | null {
    const manifest = readManifest(dataDir, day);
    const now = nowUs();
    const stream = byKey.get(`${day.stream}/${day.symbol}`);
    if (manifest !== null) {
      const gaps = gapsOfManifest(manifest);
      const [firstUs, lastUs] = [manifest.first_recv_us, manifest.last_recv_us];
      const facts = {
        day,
        gaps,
        firstUs,
        lastUs,
        rowsPerMinute: manifest.rows_per_minute,
        untilUs: Math.min(now, dateStartUs(day.date) + dayUs),
      };
      return { ...day, ...shown(facts), rows_per_minute: manifest.rows_per_minute, gaps, source: "manifest" };
    }
    const rows = stream === undefined ? null : minutes.rows(stream, dateStartUs(day.date));
    if (stream === undefined || day.date !== dateOf(now)) return null;
    const gaps = parts.gapsOf(day);
    const facts = factsToday(stream, gaps, now);
    const rows_per_minute = [...(rows ?? new Uint16Array(1440))];
    return { ...day, ...shown(facts), rows_per_minute, gaps, source: "live" };
  }

  function note(kind: string, detail: string | null): void {
    attempt("an event", () => catalogue.memory.noteEvent({ at_us: nowUs(), kind, detail }));
  }

  function noteVerified({ day, problems }: { day: Day; problems: readonly { detail: string }[] }): void {
    const name = `${day.symbol} ${day.stream} ${day.date}`;
    if (problems.length === 0) note("verified", name);
    else note("verify_failed", `${name}: ${problems.map(({ detail }) => detail).join("; ")}`);
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

  const entries = [...byKey];
  return {
    trades: trades.since,
    observe(stream, payload, recvUs) {
      minutes.count(stream, recvUs);
      trades.note(stream, payload, recvUs);
    },
    archived: (manifest) => void shelf.note(manifest),
    history: {
      series: (span) => series.view(span, nowUs()),
      gaps: catalogue.gapPages.page,
      events: catalogue.memory.events,
      archives: catalogue.archiveDays.page,
      archive: catalogue.archiveDays.get,
      coverage({ stream, from, to }) {
        const dates = datesBetween(from, to);
        const rows = new Map(streams.map(({ symbol }) => [symbol, dates.map((): number | null => null)]));
        const put = (symbol: string, date: string, coverage: number) => {
          const row = rows.get(symbol) ?? dates.map(() => null);
          const at = dates.indexOf(date);
          row[at] = Math.min(row[at] ?? 1, coverage);
          rows.set(symbol, row);
        };
        for (const { symbol, date, coverage } of catalogue.archiveDays.coverage(stream, from, to))
          put(symbol, date, coverage);
        const now = dateOf(nowUs());
        const running = dates.includes(now)
          ? daysToday().filter((day) => stream === null || day.stream === stream)
          : [];
        for (const { symbol, coverage } of running) if (coverage !== null) put(symbol, now, coverage);
        return { dates, rows: [...rows].map(([symbol, coverage]) => ({ symbol, coverage })) };
      },
      today() {
        const now = nowUs();
        const gaps = catalogue.gapPages.count(dayStartUs(now), now + 1);
        return { date: dateOf(now), gaps, days: daysToday() };
      },
      day: detailOf,
      files: (day) => ({ archive: archivePath(dataDir, day), manifest: manifestPath(dataDir, day) }),
      verify: (day) => (catalogue.archiveDays.get(day) === null ? "no_archive" : verifier.start(day)),
      verification: verifier.state,
    },
    tick(status) {
      newest = status;
      series.note(status.now_us, { ...sampleOf(status), gaps: status.totals.gaps - gaps });
      gaps = status.totals.gaps;
      noteConnections(status);
      const turn = seconds++ % keepEveryS;
      attempt("the history", () => {
        const rows = series.takeFinished();
        if (rows.length > 0) catalogue.memory.keepSeries(rows);
        keepMinutes(entries.filter((_, index) => index % keepEveryS === turn));
      });
    },
    start(version, repairs) {
      note("start", version);
      for (const { path, message } of repairs) note("repair", `${path}: ${message}`);
      const now = nowUs();
      series.restore(catalogue.memory.series(now - 7 * dayUs));
      for (const [key, day] of catalogue.memory.minutes()) {
        const stream = byKey.get(key);
        if (stream !== undefined && day.dayStart === dayStartUs(now)) minutes.restore(stream, day);
      }
      void shelf.scan().catch((error: unknown) => {
        parts.log.warn("the archives could not be listed in whole", { reason: messageOf(error) });
      });
    },
    stop() {
      if (stopped) return;
      stopped = true;
      note("stop", null);
      shelf.stop();
      verifier.stop();
      attempt("the history", () => {
        catalogue.memory.keepSeries(series.takeFinished());
        keepMinutes(entries);
      });
    },
  };
}

function shown(facts: DayFacts) {
  return { coverage: dayCoverage(facts), spans: minuteSpans(facts) };
}

function datesBetween(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let at = dateStartUs(from); at <= dateStartUs(to); at += dayUs) dates.push(dateOf(at));
  return dates;
}
