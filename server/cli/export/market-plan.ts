import { join } from "node:path";
import { dateStartUs, dayUs } from "../../domain/day.ts";
import { depthSnapshot, type StreamType } from "../../domain/stream.ts";
import { backtestName } from "../../export/backtest/backtest-files.ts";
import { type TardisType, tardisFileName, tardisSources, tardisTypes } from "../../export/tardis/tardis-types.ts";
import { isNoFolder } from "../../export/target.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import { type SelectedStream, type Selection, selectRecords } from "../data/selection.ts";
import type { Flags } from "../framework/command.ts";
import {
  type ExportJob,
  type ExportSettings,
  type MarketFormat,
  type MarketJob,
  marketFormats,
} from "./export-plan.ts";
import { leadOf } from "./record-reading.ts";

/** Settings of the formats of backtesters, which combine several streams. */
export type MarketSettings = {
  readonly format: MarketFormat;
  readonly out: string;
  /** The stream of the book; null: `depth` where it is recorded, otherwise the deepest partial book. */
  readonly book: string | null;
  readonly onGap: "keep" | "clear";
  /** Types of Tardis' files; null: all that the recorded streams give. */
  readonly types: readonly TardisType[] | null;
};

/** Streams that can be the source of a book, the best first. */
const bookStreams = ["depth", "depth20", "depth10", "depth5"] as const;
const tradeStreams = ["trade", "aggTrade"] as const;
const sources: readonly string[] = [...bookStreams, ...tradeStreams, "bookTicker"];

/** Flags that only the table formats have. */
const tableFlags = ["numbers", "levels", "compression", "with-symbol"];

/** Returns the settings if a format of a backtester is asked for, otherwise null. @throws OperatorError that lists all problems */
export function marketSettings(flags: Flags): MarketSettings | null {
  const format = marketFormats.find((name) => name === flags.format);
  if (format === undefined) {
    const stray = ["book", "on-gap", "types"].find((name) => flags[name] !== undefined);
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
  for (const [name, of] of [
    ["on-gap", "hftbacktest"],
    ["types", "tardis"],
  ] as const)
    if (flags[name] !== undefined && format !== of) problems.push(`--${name} applies to --format ${of} only`);
  const types = flags.types?.split(",").map((type) => type.trim()) ?? null;
  for (const type of types ?? [])
    if (!tardisTypes.some((known) => known === type))
      problems.push(
        `--types "${type}" is not accepted${didYouMean(type, tardisTypes)}; give ${tardisTypes.join(", ")}`,
      );
  if (onGap !== "keep" && onGap !== "clear") problems.push(`--on-gap "${onGap}" is not accepted; give keep or clear`);
  for (const name of tableFlags.filter((name) => flags[name] !== undefined))
    problems.push(`--${name} applies to --format csv and parquet only`);
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  return {
    ...{ format, out, book: book ?? null, onGap: onGap === "clear" ? "clear" : "keep" },
    types: types === null ? null : tardisTypes.filter((type) => types.includes(type)),
  };
}

/** Returns what the worker of a day needs of the settings. */
export function settingsOfMarket({ format, out }: MarketSettings, skipsDamaged: boolean): ExportSettings {
  return {
    ...{ format, out, isFolder: true, packing: null, withSymbol: false, skipsDamaged },
    ...{ numbers: "float64", levels: "columns", compression: "zstd" },
  };
}

/** Plans the files of each symbol and day. @throws OperatorError if a day lacks a stream that is asked for */
export function planMarket(selection: Selection, settings: MarketSettings): ExportJob[] {
  const { range } = selection;
  // Fails with the range that was asked for, not with the longer one below.
  selectRecords(selection);
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
    `no trades and no order book are recorded in this range; --format ${settings.format} is made from ${sources.join(", ")}`,
  );
}

/** Dates of the range on which any source is recorded. */
function datesOf(tracks: readonly SelectedStream[], { range }: Selection): string[] {
  const dates = tracks
    .filter(({ stream }) => sources.includes(stream.type.folder))
    .flatMap(({ days }) => days.map(({ date }) => date));
  const isWithin = (date: string) => dateStartUs(date) < range.toUs && dateStartUs(date) + dayUs > range.fromUs;
  return [...new Set(dates)].filter(isWithin).sort();
}

type SymbolDay = { readonly symbol: string; readonly date: string };

function jobOf(
  tracks: readonly SelectedStream[],
  day: SymbolDay,
  { dataDir, range }: Selection,
  settings: MarketSettings,
): ExportJob {
  const recorded = tracks
    .filter(({ days }) => days.some(({ date }) => date === day.date))
    .map(({ stream }) => stream.type);
  const found = {
    book: firstOf(recorded, settings.book === null ? bookStreams : [settings.book]),
    trades: firstOf(recorded, tradeStreams),
    ticker: firstOf(recorded, ["bookTicker"]),
  };
  const absent = (what: string, remedy: string) =>
    new OperatorError(
      `${what} of ${day.symbol} is not recorded on ${day.date}; recorded: ${recorded.map(({ folder }) => folder).join(", ")}. ${remedy}`,
    );
  if (settings.book !== null && found.book === null)
    throw absent(settings.book, "Give another --book, or leave it out");
  const plan = settings.format === "tardis" ? planTardis : planBacktest;
  const { market, fileName, used } = plan(day, found, settings, absent);
  const startUs = dateStartUs(day.date);
  const jobRange = { fromUs: Math.max(range.fromUs, startUs), toUs: Math.min(range.toUs, startUs + dayUs) };
  const { book } = market;
  const types = [...used, ...(book?.kind === "diffDepth" ? [depthSnapshot] : [])];
  return {
    path: join(settings.out, fileName),
    ...{ dataDir, type: book ?? used[0] ?? depthSnapshot, range: jobRange, withSymbol: false, market },
    tracks: types.flatMap((type) =>
      tracks
        .filter(({ stream }) => stream.type.folder === type.folder)
        .map((track) => {
          const isLead = type === book || type === depthSnapshot;
          return between(track, isLead ? leadOf(jobRange) : jobRange.fromUs, jobRange.toUs);
        }),
    ),
  };
}

type Found = Readonly<Record<"book" | "trades" | "ticker", StreamType | null>>;
type Planned = {
  readonly market: MarketJob;
  readonly fileName: string;
  /** Streams in the order of records of the same moment: trades cause changes of the book. */
  readonly used: readonly StreamType[];
};
type Absent = (what: string, remedy: string) => OperatorError;

function planBacktest(day: SymbolDay, { book, trades }: Found, { onGap }: MarketSettings, absent: Absent): Planned {
  if (book === null)
    throw absent(
      "an order book",
      `--format hftbacktest needs ${bookStreams.join(" or ")}: choose other days by --from and --to`,
    );
  return {
    market: { format: "hftbacktest", ...day, book, trades, onGap },
    fileName: `${backtestName(day.symbol, day.date)}.npz`,
    used: trades === null ? [book] : [trades, book],
  };
}

function planTardis(day: SymbolDay, found: Found, { types: asked }: MarketSettings, absent: Absent): Planned {
  const streamOf = (type: TardisType): StreamType | null => {
    const source = tardisSources[type];
    if (source === "diffs") return found.book?.kind === "diffDepth" ? found.book : null;
    return found[source];
  };
  const types = (asked ?? tardisTypes).filter((type) => streamOf(type) !== null);
  const missing = asked?.find((type) => streamOf(type) === null) ?? (types.length === 0 ? tardisTypes[0] : undefined);
  if (missing !== undefined) throw absent(streamNames[tardisSources[missing]], `--types ${missing} is made from it`);
  const used = [...new Set(types.map(streamOf))].filter((type) => type !== null);
  const book = types.some((type) => ["diffs", "book"].includes(tardisSources[type])) ? found.book : null;
  return {
    market: { format: "tardis", ...day, book, types },
    fileName: tardisFileName(types[0] ?? "trades", day.date, day.symbol),
    used,
  };
}

/** The streams that a source of Tardis' files may be, in words. */
const streamNames = {
  trades: tradeStreams.join(" or "),
  diffs: "depth",
  book: bookStreams.join(" or "),
  ticker: "bookTicker",
} as const;

function firstOf(types: readonly StreamType[], names: readonly string[]): StreamType | null {
  for (const name of names) for (const type of types) if (type.folder === name) return type;
  return null;
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
