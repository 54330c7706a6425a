import { join } from "node:path";
import { dateStartUs, dayUs } from "../../domain/day.ts";
import { depthSnapshot, type StreamType } from "../../domain/stream.ts";
import { backtestName } from "../../export/backtest/backtest-files.ts";
import { isNoFolder } from "../../export/target.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import { type SelectedStream, type Selection, selectRecords } from "../data/selection.ts";
import type { Flags } from "../framework/command.ts";
import { leadOf } from "./export-backtest.ts";
import { type ExportJob, type ExportSettings, type MarketFormat, marketFormats } from "./export-plan.ts";

/** Settings of the formats of backtesters, which combine several streams. */
export type MarketSettings = {
  readonly format: MarketFormat;
  readonly out: string;
  /** The stream of the book; null: `depth` where it is recorded, otherwise the deepest partial book. */
  readonly book: string | null;
  readonly onGap: "keep" | "clear";
};

/** Streams that can be the source of a book, the best first. */
const bookStreams = ["depth", "depth20", "depth10", "depth5"] as const;
const tradeStreams = ["trade", "aggTrade"] as const;

/** Flags that only the table formats have. */
const tableFlags = ["numbers", "levels", "compression", "with-symbol"];

/** Returns the settings if a format of a backtester is asked for, otherwise null. @throws OperatorError that lists all problems */
export function marketSettings(flags: Flags): MarketSettings | null {
  const format = marketFormats.find((name) => name === flags.format);
  if (format === undefined) {
    const stray = ["book", "on-gap"].find((name) => flags[name] !== undefined);
    if (stray !== undefined) throw new OperatorError(`--${stray} applies to --format ${marketFormats.join(", ")} only`);
    return null;
  }
  const problems: string[] = [];
  const { out = "", book, "on-gap": onGap = "keep" } = flags;
  if (out === "") problems.push("--out DIR is missing; give a folder");
  else if (isNoFolder(out))
    problems.push(`--format ${format} writes several files: give a folder as --out, not ${out}`);
  const isBook = bookStreams.some((stream) => stream === book);
  if (book !== undefined && !isBook)
    problems.push(`--book "${book}" is not accepted${didYouMean(book, bookStreams)}; give ${bookStreams.join(", ")}`);
  if (onGap !== "keep" && onGap !== "clear") problems.push(`--on-gap "${onGap}" is not accepted; give keep or clear`);
  for (const name of tableFlags.filter((name) => flags[name] !== undefined))
    problems.push(`--${name} applies to --format csv and parquet only`);
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  return { format, out, book: book ?? null, onGap: onGap === "clear" ? "clear" : "keep" };
}

/** Returns what the worker of a day needs of the settings. */
export function settingsOfMarket({ format, out }: MarketSettings, skipsDamaged: boolean): ExportSettings {
  return {
    ...{ format, out, isFolder: true, packing: null, withSymbol: false, skipsDamaged },
    ...{ numbers: "float64", levels: "columns", compression: "zstd" },
  };
}

/** Plans the files of each symbol and day. @throws OperatorError if a day lacks the stream of its book */
export function planMarket(selection: Selection, settings: MarketSettings): ExportJob[] {
  const { range } = selection;
  // A day's book begins in the records before it, and a book of diffs in the REST books.
  const streams = selection.streams?.includes("depth")
    ? [...selection.streams, depthSnapshot.folder]
    : selection.streams;
  const tracks = selectRecords({ ...selection, streams, range: { ...range, fromUs: leadOf(range) } });
  const symbols = [...new Set(tracks.map(({ stream }) => stream.symbol))];
  const jobs = symbols.flatMap((symbol) => {
    const ofSymbol = tracks.filter(({ stream }) => stream.symbol === symbol);
    return datesOf(ofSymbol, selection).map((date) => jobOf(ofSymbol, { symbol, date }, selection, settings));
  });
  if (jobs.length > 0) return jobs;
  throw new OperatorError(
    `no trades and no order book are recorded in this range; --format ${settings.format} is made from ${[...bookStreams, ...tradeStreams].join(", ")}`,
  );
}

/** Dates of the range on which a book or trades are recorded. */
function datesOf(tracks: readonly SelectedStream[], { range }: Selection): string[] {
  const names: readonly string[] = [...bookStreams, ...tradeStreams];
  const dates = tracks
    .filter(({ stream }) => names.includes(stream.type.folder))
    .flatMap(({ days }) => days.map(({ date }) => date));
  const isWithin = (date: string) => dateStartUs(date) < range.toUs && dateStartUs(date) + dayUs > range.fromUs;
  return [...new Set(dates)].filter(isWithin).sort();
}

function jobOf(
  tracks: readonly SelectedStream[],
  { symbol, date }: { symbol: string; date: string },
  { dataDir, range }: Selection,
  { format, out, book: asked, onGap }: MarketSettings,
): ExportJob {
  const recorded = tracks.filter(({ days }) => days.some((day) => day.date === date)).map(({ stream }) => stream.type);
  const typeOf = (names: readonly string[]): StreamType | null => {
    for (const name of names) for (const type of recorded) if (type.folder === name) return type;
    return null;
  };
  const book = typeOf(asked === null ? bookStreams : [asked]);
  const names = recorded.map(({ folder }) => folder).join(", ");
  if (book === null) {
    throw new OperatorError(
      `${asked ?? "an order book"} of ${symbol} is not recorded on ${date}; recorded: ${names}. ${asked === null ? `--format ${format} needs ${bookStreams.join(" or ")}: choose other days by --from and --to` : "Give another --book, or leave it out"}`,
    );
  }
  const trades = typeOf(tradeStreams);
  const startUs = dateStartUs(date);
  const jobRange = { fromUs: Math.max(range.fromUs, startUs), toUs: Math.min(range.toUs, startUs + dayUs) };
  // Records of the same moment come in this order: trades cause changes of the book.
  const used = [trades, book, ...(book.kind === "diffDepth" ? [depthSnapshot] : [])];
  return {
    path: join(out, `${backtestName(symbol, date)}.npz`),
    ...{ dataDir, type: book, range: jobRange, withSymbol: false },
    tracks: used.flatMap((type) =>
      tracks
        .filter(({ stream }) => stream.type.folder === type?.folder)
        .map((track) => between(track, type === trades ? jobRange.fromUs : leadOf(jobRange), jobRange.toUs)),
    ),
    market: { format, symbol, date, book, trades, onGap },
  };
}

/** Keeps the days and files of a stream that may hold records of a range. */
function between(track: SelectedStream, fromUs: number, toUs: number): SelectedStream {
  const isWithin = (date: string) => dateStartUs(date) < toUs && dateStartUs(date) + dayUs > fromUs;
  return {
    ...track,
    days: track.days.filter(({ date }) => isWithin(date)),
    files: track.files.filter(({ date }) => date === null || isWithin(date)),
  };
}
