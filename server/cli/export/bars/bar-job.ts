import type { TimeSpan } from "../../../domain/coverage/coverage.ts";
import { dateStartUs, dayUs } from "../../../domain/day.ts";
import { type BarTable, createBarTable, createIntervalTable, type Side } from "../../../export/bars/bar-table.ts";
import { type BarTrade, barTradeOf, type TradeKind } from "../../../export/bars/bar-trade.ts";
import { type BookKind, isBookRow } from "../../../export/bars/book-row.ts";
import type { SampledBook } from "../../../export/bars/book-samples.ts";
import { createRowSink } from "../../../export/bars/row-sink.ts";
import { orderWindowUs } from "../../../export/bars/trade-order.ts";
import type { Members } from "../../../export/column.ts";
import type { MarkedGap } from "../../../export/gap-marks.ts";
import { codeOf } from "../../../platform/errors.ts";
import type { RecordedFile } from "../../../storage/list/day-files.ts";
import { createMergedReader } from "../../../storage/read/merged-reader.ts";
import type { LineStream, Received } from "../../../storage/read/stream-reader.ts";
import { gapsOfDays } from "../../../storage/recorded-gaps.ts";
import { endOfReading } from "../../data/selection.ts";
import type { ExportDeps } from "../export-plan.ts";
import type { BarFile, BarFiles } from "./bar-files.ts";
import type { BarSettings } from "./bar-settings.ts";
import type { BarSource, BarSources } from "./bar-sources.ts";

/** A line of either source. A record that is only there to be before others has neither. */
type BarLine = Received & { readonly trade: BarTrade | null; readonly book: SampledBook | null };

/** A source while it is read, with its gaps. `isEarlierSeen`: it has records long before the range. */
type ReadSource = { readonly source: BarSource; readonly gaps: readonly MarkedGap[]; isEarlierSeen: boolean };

/**
 * Writes the rows of a symbol. All its sources are checked before the first row. "damaged": a source is damaged, so its rows were not
 * written; with `skipsDamaged` the records of a damaged file are absent, which the ids of trades and the silence of
 * books show. Rejects if a file cannot be written or the export is stopped.
 */
export async function* exportBarsOf(
  sources: BarSources,
  range: TimeSpan,
  settings: BarSettings,
  deps: ExportDeps & { readonly files: BarFiles },
): AsyncGenerator<BarFile, "written" | "damaged"> {
  const { files, stop } = deps;
  let isDamaged = false;
  const onDamage = (path: string, problem: string) => {
    // A check that a stop has interrupted does not mean damage.
    if (stop.aborted) return;
    isDamaged = true;
    deps.onDamage(path, problem);
  };
  const isRefused = () => isDamaged && !settings.skipsDamaged;
  const both = [sources.book, sources.trades].filter((source) => source !== null);
  const damagedPaths = new Set<string>();
  for (const { path, date } of both.flatMap(({ tracks }) => tracks.flatMap((track) => track.files)))
    await checkFile(path, deps, (problem) => {
      damagedPaths.add(path);
      // Days around the range only show whether its first and last rows are complete.
      if (date === null || isWithin(date, range)) onDamage(path, problem);
    });
  refuseStop();
  if (isRefused()) return "damaged";
  const [book, trades] = [readSourceOf(sources.book), readSourceOf(sources.trades)];
  files.begin(
    sources,
    [...(book?.gaps ?? []), ...(trades?.gaps ?? [])].sort((a, b) => a.from_us - b.from_us),
  );
  const table = tableOf(sources, { book, trades }, range, settings, files);
  const reader = createMergedReader([...streamsOf(trades), ...streamsOf(book)], { onDamage, check: deps.check });
  const endUs = endOfReading(
    both.flatMap(({ tracks }) => tracks),
    range,
  );
  let firstUs: number | null = null;
  let lines = 0;
  try {
    while (!table.isComplete() && !isRefused()) {
      const next = reader.peek();
      if (next === undefined) {
        yield* await files.flush();
        refuseStop();
        if (await reader.fill()) continue;
        break;
      }
      if (next.trade !== null) table.addTrade(next.trade);
      if (next.book !== null) table.addBook(next.book);
      reader.skip();
      firstUs ??= next.recvUs;
      if (++lines % 1000 === 0) deps.onProgress((next.recvUs - firstUs) / (endUs - firstUs));
    }
    // Closing the reader reports damage in files that are still open.
    reader.close();
    refuseStop();
    if (isRefused()) return "damaged";
    table.end();
    yield* await files.end();
    return "written";
  } finally {
    reader.close();
  }

  function refuseStop(): void {
    if (stop.aborted) throw new Error(`the export was stopped; ${settings.out} was not written`);
  }

  function readSourceOf(source: BarSource | null): ReadSource | null {
    if (source === null) return null;
    const isLeft = ({ path }: RecordedFile) => !damagedPaths.has(path);
    const gaps = source.tracks.flatMap((track) => gapsOfDays(track.days, deps.gapsOf).gaps);
    const tracks = source.tracks.map((track) => ({ ...track, files: track.files.filter(isLeft) }));
    return { source: { ...source, tracks }, gaps, isEarlierSeen: false };
  }

  function streamsOf(read: ReadSource | null): LineStream<BarLine>[] {
    return read === null ? [] : read.source.tracks.map((track) => lineStream(read, track.files, range));
  }
}

function isWithin(date: string, { fromUs, toUs }: TimeSpan): boolean {
  const startUs = dateStartUs(date);
  return startUs < toUs && startUs + dayUs > fromUs;
}

async function checkFile(
  path: string,
  { check, stop }: ExportDeps,
  onProblem: (problem: string) => void,
): Promise<void> {
  if (stop.aborted) return;
  try {
    const problem = await check(path);
    if (problem !== null) onProblem(problem);
  } catch (error) {
    // A file that was removed meanwhile is read from the archive.
    if (codeOf(error) !== "ENOENT" && !stop.aborted) throw error;
  }
}

function tableOf(
  { book, levels }: BarSources,
  read: { readonly book: ReadSource | null; readonly trades: ReadSource | null },
  range: TimeSpan,
  { target }: BarSettings,
  files: BarFiles,
): BarTable {
  const rows = createRowSink(range, files.add, files.leaveOut);
  const sideOf = (source: ReadSource): Side => ({
    gaps: source.gaps,
    isBeginning: () => !source.isEarlierSeen && !source.source.tracks.some(({ hasEarlier }) => hasEarlier),
  });
  if (target.kind === "bars") {
    if (read.trades === null) throw new Error("bars need trades");
    return createBarTable(target.rule, range, sideOf(read.trades), rows);
  }
  const kind = book?.type.kind as BookKind;
  return createIntervalTable(
    { everyUs: target.everyUs, book: book === null ? null : { kind, levels }, range },
    {
      book: read.book === null ? null : sideOf(read.book),
      trades: read.trades === null ? null : sideOf(read.trades),
    },
    rows,
  );
}

const head = /^\{"recv_us":(\d{1,16}),/;

function lineStream(read: ReadSource, files: readonly RecordedFile[], range: TimeSpan): LineStream<BarLine> {
  const { kind } = read.source.type;
  const isTrade = kind === "aggTrade" || kind === "trade";
  // Records from long before the range only show that the recording had begun.
  const neededUs = range.fromUs - orderWindowUs;
  return {
    files,
    accepts: ({ book }) => book === null || isBookRow(book.line, kind as BookKind),
    createParser: () => (text, from, to) => {
      if (from === to) return null;
      const line = text.slice(from, to);
      const recvUs = Number(head.exec(line)?.[1] ?? Number.NaN);
      if (!Number.isSafeInteger(recvUs)) return "damaged";
      if (recvUs < neededUs) {
        read.isEarlierSeen = true;
        return { recvUs, trade: null, book: null };
      }
      if (!isTrade) return { recvUs, trade: null, book: { recvUs, line } };
      try {
        return { recvUs, trade: barTradeOf(kind as TradeKind, JSON.parse(line) as Members), book: null };
      } catch {
        return "damaged";
      }
    },
  };
}
