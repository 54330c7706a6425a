import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import { secondsOf } from "../../catalogue/tables/archive-days.ts";
import { coverageOfDay, type DayFacts, minuteSpans } from "../../domain/coverage/day-coverage.ts";
import { type Day, dateOf, dateStartUs, dayStartUs, dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import type { DayCoverage, DayDetail, History } from "../../domain/queries.ts";
import type { Status } from "../../domain/status.ts";
import { holdsFacts, parseStreamType, type SeriesKey, type Stream, seriesKey } from "../../domain/stream.ts";
import type { MinuteRows } from "../../monitor/minute-rows.ts";
import { createTurn, type Turn } from "../../platform/time/timers.ts";
import { isImpossible, isInvented } from "../../storage/list/invented-day.ts";
import { readManifest } from "../../storage/manifest.ts";
import type { RecordedSince } from "./recorded-since.ts";

type Parts = {
  readonly dataDir: string;
  readonly nowUs: () => number;
  readonly catalogue: Pick<LiveCatalogue, "gapPages" | "archiveDays">;
  /** Returns the gaps of a day, open gaps included. */
  readonly gapsOf: (day: Day) => readonly Gap[];
  readonly minutes: MinuteRows<Stream>;
  readonly since: RecordedSince;
  /** Returns the recorded streams by `folder/symbol`. */
  readonly streams: () => ReadonlyMap<SeriesKey, Stream>;
  /** Returns the newest status, which holds the open gaps. */
  readonly newest: () => Status | null;
};

/** With less coverage a day may be the product of a wrong clock; then its manifests are checked. */
const suspicious = 0.5;

/** Time slice of long loops, ms: a day may have a hundred thousand gaps, and other work must not wait for all of them. */
const turnMs = 4;

/** Computes how complete the recording is: archived days from their manifests, today from live data. */
export function createCoverage(parts: Parts): Pick<History, "coverage" | "today" | "day"> {
  const { catalogue, minutes, nowUs, dataDir } = parts;

  function factsToday(stream: Stream, gaps: DayFacts["gaps"], now: number): DayFacts {
    const start = dayStartUs(now);
    const span = minutes.span(stream, start);
    const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(now) };
    const rowsPerMinute = minutes.rows(stream, start) ?? new Uint16Array(1440);
    const [firstUs, lastUs] = [span?.firstUs ?? null, span?.lastUs ?? null];
    return { day, gaps, firstUs, lastUs, rowsPerMinute, untilUs: now, sinceUs: sinceOf(day) };
  }

  const sinceOf = ({ stream, symbol }: Pick<Day, "stream" | "symbol">) => parts.since.of(stream, symbol);

  async function daysToday(): Promise<DayCoverage[]> {
    const now = nowUs();
    const turn = createTurn(turnMs);
    const gaps = await gapsByStream(now, turn);
    const days: DayCoverage[] = [];
    for (const [key, stream] of [...parts.streams()]) {
      const facts = factsToday(stream, gaps.get(key) ?? [], now);
      days.push({ ...facts.day, ...shown(facts) });
      await turn.giveWay();
    }
    return days;
  }

  /** Returns today's gaps by stream: ended gaps from the catalogue, open gaps from the newest status. */
  async function gapsByStream(now: number, turn: Turn): Promise<Map<SeriesKey, DayFacts["gaps"][number][]>> {
    const gaps = new Map<SeriesKey, DayFacts["gaps"][number][]>();
    const add = (key: string, gap: DayFacts["gaps"][number]) => {
      const list = gaps.get(key);
      if (list === undefined) gaps.set(key, [gap]);
      else list.push(gap);
    };
    for (const piece of catalogue.gapPages.pieces(dayStartUs(now), now)) {
      for (const gap of piece) add(seriesKey(gap.stream, gap.symbol), gap);
      await turn.giveWay();
    }
    for (const { symbol, streams } of parts.newest()?.symbols ?? []) {
      for (const { stream, gap } of streams) {
        const key = `${parseStreamType(stream)?.folder}/${symbol}`;
        if (gap !== null) add(key, { ...gap, to_us: now, missing: null, repaired: 0 });
      }
    }
    return gaps;
  }

  function detailOf(day: Day): DayDetail | null {
    const manifest = readManifest(dataDir, day);
    const now = nowUs();
    const stream = parts.streams().get(seriesKey(day.stream, day.symbol));
    if (manifest !== null) {
      const { gaps } = manifest;
      const [firstUs, lastUs] = [manifest.first_recv_us, manifest.last_recv_us];
      const facts = {
        day,
        gaps,
        firstUs,
        lastUs,
        rowsPerMinute: manifest.rows_per_minute,
        untilUs: Math.min(now, dateStartUs(day.date) + dayUs),
        sinceUs: sinceOf(day),
      };
      const book = manifest.book === undefined ? {} : { book: manifest.book };
      return { ...day, ...shown(facts), rows_per_minute: manifest.rows_per_minute, gaps, ...book, source: "manifest" };
    }
    const rows = stream === undefined ? null : minutes.rows(stream, dateStartUs(day.date));
    if (stream === undefined || day.date !== dateOf(now)) return null;
    const gaps = parts.gapsOf(day);
    const facts = factsToday(stream, gaps, now);
    const rows_per_minute = [...(rows ?? new Uint16Array(1440))];
    return { ...day, ...shown(facts), rows_per_minute, gaps, source: "live" };
  }

  /** Tells whether all archives of this symbol and date come from a wrong clock only. */
  function isWrongClocks(symbol: string, date: string, today: string): boolean {
    const manifests = [...parts.streams().values()]
      .filter((stream) => stream.symbol === symbol)
      .map(({ type }) => readManifest(dataDir, { stream: type.folder, symbol, date }))
      .filter((manifest) => manifest !== null);
    return (
      manifests.length > 0 &&
      manifests.every(({ first_recv_us: firstUs, last_recv_us: lastUs, gaps }) =>
        isInvented({ date, received: { firstUs, lastUs } }, gaps, today),
      )
    );
  }

  return {
    async coverage({ stream, from, to }) {
      const dates = datesBetween(from, to);
      const turn = createTurn(turnMs);
      const rows = new Map<string, TableRow>();
      const rowOf = (symbol: string) => {
        const row: TableRow = rows.get(symbol) ?? {
          first_us: null,
          coverage: dates.map(() => null),
          missing_s: dates.map(() => null),
        };
        rows.set(symbol, row);
        return row;
      };
      const put = (symbol: string, date: string, coverage: number, missingS: number) => {
        const [row, at] = [rowOf(symbol), dates.indexOf(date)];
        row.coverage[at] = Math.min(row.coverage[at] ?? 1, coverage);
        row.missing_s[at] = Math.max(row.missing_s[at] ?? 0, missingS);
      };
      const now = dateOf(nowUs());
      const live = [...parts.streams().values()].map(({ type, symbol }) => ({ stream: type.folder, symbol }));
      for (const { symbol } of live) rowOf(symbol);
      for (const { symbol, date, coverage, missing_us } of catalogue.archiveDays.coverage(stream, from, to)) {
        if (isImpossible(date, now) || (coverage < suspicious && isWrongClocks(symbol, date, now))) continue;
        put(symbol, date, coverage, secondsOf(missing_us, coverage));
      }
      // Facts may have been recorded before the first record.
      const archived = catalogue.archiveDays.series(stream).filter((series) => !holdsFacts(series.stream));
      for (const series of [...live, ...archived]) {
        const sinceUs = stream === null || series.stream === stream ? sinceOf(series) : null;
        const row = rowOf(series.symbol);
        if (sinceUs !== null) row.first_us = Math.min(row.first_us ?? sinceUs, sinceUs);
        await turn.giveWay();
      }
      const running = dates.includes(now) ? await daysToday() : [];
      for (const { symbol, coverage, missing_s, ...day } of running)
        if (coverage !== null && (stream === null || day.stream === stream)) put(symbol, now, coverage, missing_s);
      return { dates, rows: [...rows].map(([symbol, row]) => ({ symbol, ...row })) };
    },
    async today() {
      const now = nowUs();
      const gaps = catalogue.gapPages.count(dayStartUs(now), now + 1);
      return { date: dateOf(now), gaps, days: await daysToday() };
    },
    day: detailOf,
  };
}

type TableRow = { first_us: number | null; coverage: (number | null)[]; missing_s: (number | null)[] };

function shown(facts: DayFacts) {
  const { share, missingUs } = coverageOfDay(facts);
  return {
    coverage: share,
    missing_s: secondsOf(missingUs, share ?? 1),
    first_us: facts.sinceUs,
    spans: minuteSpans(facts),
  };
}

function datesBetween(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let at = dateStartUs(from); at <= dateStartUs(to); at += dayUs) dates.push(dateOf(at));
  return dates;
}
