import { createHash } from "node:crypto";
import { coverageOfDay, dayCoverage, minuteSpans } from "../../../server/domain/coverage/day-coverage.ts";
import { type Day, dateOf, dateStartUs, dayStartUs, dayUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import {
  type ArchiveSum,
  type ArchiveSummary,
  type DayCoverage,
  type History,
  type SeriesName,
  seriesNames,
  type VerifyState,
} from "../../../server/domain/queries.ts";
import { fakeSymbolName } from "./fake-status.ts";

const minuteUs = 60_000_000;

/** A plausible past of as many symbols as asked for: two streams each, `days` archived days, a few gaps. The same every time. */
export function fakeHistory(symbolCount: number, days = 45, over: Partial<History> = {}): History {
  const nowUs = () => Date.now() * 1000;
  const streams = Array.from({ length: symbolCount }, (_, index) =>
    ["depth20", "aggTrade"].map((stream) => ({ stream, symbol: fakeSymbolName(index) })),
  ).flat();
  let verification: VerifyState = { kind: "idle" };
  const firstDayUs = dayStartUs(nowUs()) - days * dayUs + 5;
  const missingS = (day: Day) => Math.ceil(coverageOfDay(facts(day)).missingUs / 1e6);
  const facts = (day: Day) => {
    const end = Math.min(nowUs(), dateStartUs(day.date) + dayUs);
    const rowsPerMinute = new Uint16Array(1440).fill(600);
    const firstUs = dateStartUs(day.date) + 5;
    return { day, gaps: gapsOf(day), firstUs, lastUs: end - 5, rowsPerMinute, untilUs: end, sinceUs: firstDayUs };
  };
  const coverage = (day: Day): DayCoverage => ({
    ...day,
    coverage: dayCoverage(facts(day)),
    missing_s: missingS(day),
    first_us: firstDayUs,
    spans: minuteSpans(facts(day)),
  });
  const dates = Array.from({ length: days }, (_, n) => dateOf(dayStartUs(nowUs()) - (n + 1) * dayUs));
  const archived = dates.flatMap((date) => streams.slice(0, 40).map((one) => summary({ ...one, date })));
  const gaps = [dateOf(nowUs()), ...dates].flatMap((date) =>
    streams.slice(0, 6).flatMap((one) => gapsOf({ ...one, date })),
  );
  gaps.sort((a, b) => b.from_us - a.from_us);
  const events = Array.from({ length: 40 }, (_, n) => ({
    at_us: nowUs() - n * 7_300_000_000,
    kind: ["rollover", "reconnect", "start", "stop", "repair", "verified"][n % 6] ?? "start",
    detail:
      [null, "stream.binance.com:9443: 1006", "0.1.0", null, "BTCUSDT depth20: 1 torn line", "BTCUSDT depth20"][
        n % 6
      ] ?? null,
  }));

  function summary(day: Day): ArchiveSummary {
    const raw_bytes = 1_402_345_678 - seedOf(day) * 1000;
    return {
      ...day,
      rows: 863_412 - seedOf(day),
      raw_bytes,
      compressed_bytes: Math.round(raw_bytes / 31),
      sha256: createHash("sha256").update(JSON.stringify(day)).digest("hex"),
      coverage: dayCoverage(facts(day)) ?? 0,
      gaps: gapsOf(day).length,
      delay_p50_ms: 108,
      delay_p99_ms: 231,
      verified_us: dateStartUs(day.date) + dayUs + 600_000_000,
    };
  }

  function page<T>(items: readonly T[], limit: number, after: string | null) {
    const from = Number(after ?? 0);
    return { items: items.slice(from, from + limit), next: from + limit < items.length ? String(from + limit) : null };
  }

  function sumOf(files: readonly ArchiveSummary[]): ArchiveSum {
    const sum = (figureOf: (file: ArchiveSummary) => number) =>
      files.reduce((total, file) => total + figureOf(file), 0);
    return {
      files: files.length,
      verified: files.length,
      verified_us: Math.min(...files.map(({ verified_us }) => verified_us ?? 0)),
      rows: sum(({ rows }) => rows),
      raw_bytes: sum(({ raw_bytes }) => raw_bytes),
      compressed_bytes: sum(({ compressed_bytes }) => compressed_bytes),
      gaps: sum(({ gaps }) => gaps),
    };
  }

  return {
    mids() {
      const from_us = (Math.floor(nowUs() / minuteUs) - 59) * minuteUs;
      const symbols = [...new Set(streams.map(({ symbol }) => symbol))].map((symbol, n) => ({
        symbol,
        mids: Array.from({ length: 60 }, (_, at) => 100 * (n + 1) + Math.round(100 * Math.sin(at / 9 + n)) / 100),
      }));
      return { from_us, step_s: 60, symbols };
    },
    archiveDates(limit, after) {
      const rows = dates.map((date) => {
        const files = archived.filter((file) => file.date === date);
        const coverage = Math.min(...files.map((file) => file.coverage));
        return { date, ...sumOf(files), coverage, missing_s: Math.max(...files.map(missingS)) };
      });
      return { ...page(rows, limit, after), total: { ...sumOf(archived), days: dates.length } };
    },
    series(span) {
      const step_s = span === "hour" ? 10 : 300;
      const length = span === "hour" ? 360 : 2016;
      const from_us = (Math.floor(nowUs() / 1e6 / step_s) - length + 1) * step_s * 1e6;
      const values = Object.fromEntries(
        seriesNames.map((name) => [name, Array.from({ length }, (_, n) => wave(name, n))]),
      ) as unknown as Record<SeriesName, number[]>;
      return { from_us, step_s, values };
    },
    gaps: ({ stream, symbol, cause, fromUs, toUs }, limit, after) =>
      page(
        gaps.filter(
          (gap) =>
            (fromUs === null || gap.to_us > fromUs) &&
            (toUs === null || gap.from_us < toUs) &&
            (stream === null || gap.stream === stream) &&
            (symbol === null || gap.symbol === symbol) &&
            (cause === null || gap.cause === cause),
        ),
        limit,
        after,
      ),
    events: (limit, after) => page(events, limit, after),
    archives: ({ stream, symbol, date }, limit, after) =>
      page(
        archived.filter(
          (day) =>
            (stream === null || day.stream === stream) &&
            (symbol === null || day.symbol === symbol) &&
            (date === null || day.date === date),
        ),
        limit,
        after,
      ),
    archive: (day) =>
      archived.find((one) => one.stream === day.stream && one.symbol === day.symbol && one.date === day.date) ?? null,
    async coverage({ stream, from, to }) {
      const shown: string[] = [];
      for (let at = dateStartUs(from); at <= dateStartUs(to); at += dayUs) shown.push(dateOf(at));
      const known = new Set([dateOf(nowUs()), ...dates]);
      const rows = [...new Set(streams.map(({ symbol }) => symbol))].map((symbol) => ({
        symbol,
        coverage: shown.map((date) =>
          known.has(date) ? dayCoverage(facts({ stream: stream ?? "depth20", symbol, date })) : null,
        ),
        missing_s: shown.map((date) =>
          known.has(date) ? missingS({ stream: stream ?? "depth20", symbol, date }) : null,
        ),
        first_us: firstDayUs,
      }));
      return { dates: shown, rows };
    },
    async today() {
      const date = dateOf(nowUs());
      const days = streams.map((one) => coverage({ ...one, date }));
      return { date, gaps: gaps.filter(({ from_us }) => from_us >= dateStartUs(date)).length, days };
    },
    day(day) {
      if (!streams.some(({ stream, symbol }) => stream === day.stream && symbol === day.symbol)) return null;
      if (day.date > dateOf(nowUs())) return null;
      const shown = coverage(day);
      const rows_per_minute = Array.from({ length: 1440 }, (_, minute) => {
        const state = shown.spans.find(([from, to]) => minute >= from && minute < to)?.[2];
        return state === "ahead" || state === "missing" ? 0 : state === "partial" ? 240 : 600 - ((minute * 7) % 4);
      });
      return {
        ...shown,
        rows_per_minute,
        gaps: gapsOf(day),
        source: day.date === dateOf(nowUs()) ? "live" : "manifest",
      };
    },
    bookAt: async ({ symbol, atUs, depth }) => ({
      ...{ symbol, at_us: atUs, source: "depth", recv_us: atUs - 40_000, age_ms: 40, last_update_id: 48291849102 },
      rest_book: { recv_us: atUs - 600_000_000, last_update_id: 48291800000 },
      bids: [["86704.77000000", "4.67805000"] as const].slice(0, depth),
      asks: [["86704.78000000", "0.73337000"] as const].slice(0, depth),
      ...{ reason: null, gap: null, before: null },
    }),
    files: (day) => ({ archive: `/nowhere/${day.symbol}.zst`, manifest: `/nowhere/${day.symbol}.json` }),
    verify(day) {
      verification = { kind: "done", day, started_us: nowUs(), ended_us: nowUs(), problems: [] };
      return "started";
    },
    verification: () => verification,
    ...over,
  };
}

function gapsOf(day: Day): Gap[] {
  const seed = seedOf(day);
  if (seed % 5 !== 0) return [];
  const from_us = dateStartUs(day.date) + (seed % 1300) * minuteUs + 12_345_678;
  const cause = (["reconnect", "silent", "crash", "disk"] as const)[seed % 4] ?? "silent";
  const to_us = from_us + (1 + (seed % 90)) * minuteUs;
  return [
    { stream: day.stream, symbol: day.symbol, from_us, to_us, cause, missing: seed % 2 ? seed : null, repaired: 0 },
  ];
}

function seedOf({ stream, symbol, date }: Day): number {
  let seed = 7;
  for (const letter of stream + symbol + date) seed = (seed * 31 + letter.charCodeAt(0)) % 9973;
  return seed;
}

function wave(name: SeriesName, n: number): number {
  const swing = Math.sin(n / 23) + 0.4 * Math.sin(n / 5);
  const means: Record<SeriesName, [mean: number, width: number]> = {
    messages_per_s: [420, 90],
    delay_p50_ms: [110, 9],
    gaps: [0, 0],
    disk_free_bytes: [612e9 - n * 2e6, 0],
    memory_bytes: [96e6, 3e6],
    cpu_cores: [0.07, 0.02],
    network_bytes_per_s: [812_345, 90_000],
  };
  const [mean, width] = means[name];
  return name === "gaps" ? (n % 97 === 0 ? 2 : 0) : mean + width * swing;
}
