import { dirname } from "node:path";
import type { StreamType } from "../../domain/stream.ts";
import { createBacktestEvents } from "../../export/backtest/backtest-events.ts";
import { backtestName, createBacktestFiles } from "../../export/backtest/backtest-files.ts";
import { createEventOrder } from "../../export/backtest/event-order.ts";
import { createTimeSurvey, type TimeSurvey } from "../../export/backtest/time-survey.ts";
import { createDiffBook, createPartialBook } from "../../export/market/followed-book.ts";
import { createRecordParser, createTimesParser } from "../../export/market/market-record.ts";
import { version } from "../../platform/process/version.ts";
import { instrumentOfDay } from "../../storage/instrument-facts.ts";
import type { RecordedStream } from "../../storage/list/listing.ts";
import { type Manifest, readManifest } from "../../storage/manifest.ts";
import type { BacktestJob, ExportDeps, ExportJob, ExportResult } from "./export-plan.ts";
import { gapsIn } from "./parquet-options.ts";
import { ended, isBook, leadOf, progressOf, readRecords, unknownBook } from "./record-reading.ts";

/** Most events that wait for their turn: 16 million numbers of 8 bytes. */
const mostWaiting = 5_000_000;
/** Share of the work that the first reading takes. */
const surveyShare = 0.2;

/**
 * Writes a symbol's day for hftbacktest. The day is read twice: the first reading finds the clock's correction and how late records came,
 * so that the second can order the events in bounded memory.
 */
export async function exportBacktest(
  job: ExportJob,
  market: BacktestJob,
  deps: ExportDeps & { readonly isRefused: () => boolean },
): Promise<ExportResult> {
  const { range } = job;
  const manifests = manifestsOf(job, market);
  const offsetMs = manifests.find(({ clock_offset_ms }) => clock_offset_ms !== null)?.clock_offset_ms ?? null;
  const offsetUs = Math.round((offsetMs ?? 0) * 1000);
  const survey = await surveyed(job, market, offsetUs, deps);
  if (survey === null) return ended(job, deps);
  if (survey.records === 0) return { kind: "empty" };
  const files = createBacktestFiles(dirname(job.path), backtestName(market.symbol, market.date));
  try {
    const order = createEventOrder(files.add, mostWaiting);
    const book = market.book.kind === "diffDepth" ? createDiffBook() : createPartialBook();
    const clearAtUs = market.onGap === "keep" ? null : clearTimes(job, market.book, deps);
    const events = createBacktestEvents({ survey, offsetUs, fromUs: range.fromUs, book, clearAtUs }, order);
    const share = progressOf(range, survey.lastUs);
    const isRead = await readRecords(
      {
        tracks: job.tracks,
        parserOf: (type) => createRecordParser(type, isBook(type) ? leadOf(range) : range.fromUs),
        fromUs: leadOf(range),
        toUs: survey.lastUs + 1,
        take: (record) => (record.kind === "ticker" ? undefined : events.take(record)),
        onProgress: (recvUs) => deps.onProgress(surveyShare + (1 - surveyShare) * share(recvUs)),
        isRefused: deps.isRefused,
      },
      deps,
    );
    if (!isRead) return ended(job, deps);
    if (!events.hadBook()) throw unknownBook(market, "--book depth20 if it is recorded");
    order.finish();
    const facts = { ...factsOf(job, market, manifests, deps), ...clockFacts(survey, offsetMs), rows: files.rows() };
    const bytes = await files.finish(book.sides(), facts);
    return { kind: "written", rows: files.rows(), bytes };
  } finally {
    files.discard();
  }
}

async function surveyed(
  { tracks, range }: ExportJob,
  { book, trades }: BacktestJob,
  offsetUs: number,
  deps: ExportDeps & { readonly isRefused: () => boolean },
): Promise<TimeSurvey | null> {
  const survey = createTimeSurvey(range.fromUs, offsetUs);
  const share = progressOf(range, Math.min(range.toUs, Date.now() * 1000));
  const isRead = await readRecords(
    {
      tracks: tracks.filter(({ stream }) => [book.folder, trades?.folder].includes(stream.type.folder)),
      parserOf: (type) => createTimesParser(type, range.fromUs),
      ...{ fromUs: range.fromUs, toUs: range.toUs, take: survey.add, isRefused: deps.isRefused },
      onProgress: (recvUs) => deps.onProgress(surveyShare * share(recvUs)),
    },
    deps,
  );
  return isRead ? survey.finish() : null;
}

/** Starts of the gaps after which the book is unknown. A halt of the exchange or a wrong clock loses no change of the book. */
function clearTimes(job: ExportJob, book: StreamType, { gapsOf }: ExportDeps): number[] {
  return ofStream(job.tracks, book)
    .flatMap((track) => gapsIn(track, job.range, gapsOf))
    .filter(({ cause }) => cause !== "halted" && cause !== "clock")
    .map(({ from_us }) => from_us)
    .sort((a, b) => a - b);
}

function ofStream(tracks: readonly RecordedStream[], { folder }: StreamType): readonly RecordedStream[] {
  return tracks.filter(({ stream }) => stream.type.folder === folder);
}

/** The manifests of the day: of the book, then of the trades. A day that is not archived has no manifest. */
function manifestsOf({ dataDir }: ExportJob, { symbol, date, book, trades }: BacktestJob): Manifest[] {
  return [book, trades].flatMap((type) => {
    if (type === null) return [];
    try {
      return readManifest(dataDir, { stream: type.folder, symbol, date }) ?? [];
    } catch {
      // `verify` reports a damaged manifest.
      return [];
    }
  });
}

function clockFacts(survey: TimeSurvey, offsetMs: number | null): Readonly<Record<string, unknown>> {
  return {
    clock_offset_ms: offsetMs,
    local_ts_added_ns: survey.addedUs * 1000,
    median_delay_ns: survey.medianDelayUs === null ? null : survey.medianDelayUs * 1000,
  };
}

function factsOf(
  job: ExportJob,
  { symbol, date, book, trades, onGap }: BacktestJob,
  manifests: readonly Manifest[],
  { gapsOf }: ExportDeps,
): Readonly<Record<string, unknown>> {
  const instrument = instrumentOfDay(job.dataDir, { stream: book.folder, symbol, date });
  const sizeOf = (text: string | null | undefined) => (text === null || text === undefined ? null : Number(text));
  const used = [book, ...(trades === null ? [] : [trades])].flatMap((type) => ofStream(job.tracks, type));
  return {
    ...{ symbol, date, tick_size: sizeOf(instrument?.tick_size), lot_size: sizeOf(instrument?.step_size) },
    ...{ book: book.folder, trades: trades?.folder ?? null, on_gap: onGap },
    gaps: used.flatMap((track) => gapsIn(track, job.range, gapsOf)),
    archives: manifests.map(({ stream, rows, compressed_sha256 }) => ({ stream, rows, sha256: compressed_sha256 })),
    rt_data_version: version,
  };
}
