import { join } from "node:path";
import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import { type Day, dateStartUs, dayPath, dayUs } from "../../domain/day.ts";
import type { StreamType } from "../../domain/stream.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import { type Packing, packingOf } from "../../export/compressed-file.ts";
import { compressions, type NumberForm, numberForms } from "../../export/table-file.ts";
import type { TardisType } from "../../export/tardis/tardis-types.ts";
import { isNoFolder } from "../../export/target.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import { statSync } from "../../platform/files/files.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import type { RecordedStream } from "../../storage/list/listing.ts";
import type { SourceCheck } from "../../storage/read/source-check.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import type { SelectedStream, Selection } from "../data/selection.ts";
import type { Flags } from "../framework/command.ts";

/** The settings of `rt-data export`. */
export type ExportSettings = {
  readonly format: "csv" | "parquet" | MarketFormat;
  readonly out: string;
  /** True: a file per stream, symbol and day below `out`. False: a single file. */
  readonly isFolder: boolean;
  readonly numbers: NumberForm;
  readonly levels: "columns" | "list";
  /** Compression inside a Parquet file. */
  readonly compression: (typeof compressions)[number];
  /** Compression of a whole CSV file; null: plain. */
  readonly packing: Packing | null;
  readonly withSymbol: boolean;
  /** Writes the readable rest if a source is damaged. */
  readonly skipsDamaged: boolean;
};

/** A source of a file. `startsAfterGap`: the day before its first day ends in a gap; absent: not known yet. */
export type ExportTrack = RecordedStream & { readonly startsAfterGap?: boolean };

/** A file to write, and its sources. */
export type ExportJob = {
  readonly path: string;
  readonly dataDir: string;
  readonly type: StreamType;
  readonly tracks: readonly ExportTrack[];
  readonly range: TimeSpan;
  readonly withSymbol: boolean;
  /** A day for a backtester; null for a table of a stream. */
  readonly market: MarketJob | null;
};

/** Formats of backtesters: trades and book of a symbol's day. */
export const marketFormats = ["hftbacktest", "tardis"] as const;
export type MarketFormat = (typeof marketFormats)[number];

/** A symbol's day for a backtester. */
export type MarketJob = BacktestJob | TardisJob;

/** A symbol's day for hftbacktest. */
export type BacktestJob = {
  readonly format: "hftbacktest";
  readonly symbol: string;
  readonly date: string;
  readonly book: StreamType;
  /** Null if no trades are recorded. */
  readonly trades: StreamType | null;
  /** What happens to the book at the start of a gap. */
  readonly onGap: "keep" | "clear";
};

/** A symbol's day in the form of Tardis' datasets. */
export type TardisJob = {
  readonly format: "tardis";
  readonly symbol: string;
  readonly date: string;
  /** Null if no type needs it. */
  readonly book: StreamType | null;
  readonly types: readonly TardisType[];
};

export type WrittenFile = { readonly path: string; readonly rows: number; readonly bytes: number };

/** The result for a file. "damaged": a source is damaged, so the file was not written. */
export type ExportResult =
  /** `files`: the written files, if the job writes several. */
  | { readonly kind: "written"; readonly rows: number; readonly bytes: number; readonly files?: readonly WrittenFile[] }
  | { readonly kind: "empty" }
  | { readonly kind: "damaged" };

export type ExportDeps = {
  readonly check: SourceCheck;
  readonly gapsOf: GapsOf;
  /** Called for each source that cannot be read completely. */
  readonly onDamage: (path: string, problem: string) => void;
  readonly onProgress: (share: number) => void;
  readonly stop: AbortSignal;
};

const formats = ["csv", "parquet"] as const;

/** Words of --compression for CSV, and the compression of the whole file. */
const csvPackings: Readonly<Record<"gzip" | "zstd" | "none", Packing | null>> = { gzip: "gz", zstd: "zst", none: null };
const csvCompressions = ["gzip", "zstd", "none"] as const;

/** Parses the flags. @throws OperatorError that lists all problems and the accepted values */
export function exportSettings(flags: Flags): ExportSettings {
  const problems: string[] = [];

  function wordOf<T extends string>(name: string, words: readonly T[], fallback: T): T {
    const text = flags[name];
    const word = words.find((candidate) => candidate === text);
    if (text !== undefined && word === undefined)
      problems.push(`--${name} "${text}" is not accepted${didYouMean(text, words)}; give ${words.join(", ")}`);
    return word ?? fallback;
  }

  const out = flags.out ?? "";
  if (out === "") problems.push("--out FILE_OR_DIR is missing; give a file, a folder, or - for standard output");
  const asked = packingOf(out);
  const ending = formats.find((format) => out.endsWith(asked === null ? `.${format}` : `.${format}.${asked}`));
  if (flags.format === undefined && ending === undefined && out !== "")
    problems.push(
      "--format is missing; give csv or parquet (or an --out that ends with .csv, .csv.gz, .csv.zst or .parquet)",
    );
  const format = wordOf("format", [...formats, ...marketFormats], ending ?? (asked === null ? "parquet" : "csv"));
  const isFile = ending !== undefined || asked !== null || isNoFolder(out);
  const isFolder = out.endsWith("/") || isFolderNow(out) || !isFile;
  const byName = isFolder ? null : asked;
  let packing = byName;
  let compression: ExportSettings["compression"] = "zstd";
  if (format === "csv") {
    if (flags.numbers !== undefined)
      problems.push("--numbers applies to --format parquet only; CSV has decimals as stored");
    if (flags.compression !== undefined) packing = csvPackings[wordOf("compression", csvCompressions, "none")];
    const isNamed = !isFolder && (ending !== undefined || asked !== null);
    if (isNamed && packing !== byName && csvCompressions.some((word) => word === flags.compression))
      problems.push(
        `--compression ${flags.compression} does not fit --out ${out}; let the name end with .csv${packing === null ? "" : `.${packing}`}, or leave out --compression`,
      );
  } else {
    compression = wordOf("compression", compressions, "zstd");
    if (packing !== null)
      problems.push(`Parquet is compressed inside (--compression); give an --out without .${packing}`);
  }
  const settings: ExportSettings = {
    ...{ format, out, isFolder, packing, compression },
    numbers: wordOf("numbers", numberForms, "float64"),
    levels: wordOf("levels", ["columns", "list"], "columns"),
    withSymbol: flags["with-symbol"] !== undefined,
    skipsDamaged: flags["skip-damaged"] !== undefined,
  };
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  return settings;
}

/** Plans the files to write. @throws OperatorError if the selection does not fit into a single file */
export function planExport(
  tracks: readonly SelectedStream[],
  { dataDir, range }: Pick<Selection, "dataDir" | "range">,
  settings: ExportSettings,
): ExportJob[] {
  const facts = tracks.find(({ stream }) => streamKinds[stream.type.kind].isFacts)?.stream.type.folder;
  if (facts !== undefined)
    throw new OperatorError(`${facts} has no columns: print its lines by rt-data cat --stream ${facts}`);
  if (settings.isFolder) return tracks.flatMap((track) => jobsOfDays(track, tracks, { dataDir, range }, settings));
  const [first] = tracks;
  const types = [...new Set(tracks.map(({ stream }) => stream.type))];
  const symbols = [...new Set(tracks.map(({ stream }) => stream.symbol))];
  if (first === undefined) return [];
  if (types.length > 1) {
    const names = types.map(({ folder }) => folder).join(", ");
    throw new OperatorError(
      `a file holds a single stream, but ${names} are recorded: choose a stream by --stream, or give a folder as --out`,
    );
  }
  if (symbols.length > 1 && !settings.withSymbol) {
    throw new OperatorError(
      `${symbols.length} symbols are recorded (${symbols.slice(0, 6).join(", ")}${symbols.length > 6 ? ", …" : ""}): choose a symbol by --symbol, give a folder as --out, or add a symbol column by --with-symbol`,
    );
  }
  const { out: path, withSymbol } = settings;
  return [{ path, dataDir, type: first.stream.type, tracks, range, withSymbol, market: null }];
}

/** Plans a file per day. Late segments of a merged day are a separate entry without days; they go into the day's file. */
function jobsOfDays(
  track: SelectedStream,
  all: readonly SelectedStream[],
  { dataDir, range }: Pick<Selection, "dataDir" | "range">,
  { out, format, packing, withSymbol }: ExportSettings,
): ExportJob[] {
  const ending = packing === null ? format : `${format}.${packing}`;
  const { symbol, type } = track.stream;
  const sameStream = all.filter(({ stream }) => stream.name === track.stream.name);
  return track.days.map(({ date }) => {
    const day: Day = { stream: type.folder, symbol, date };
    const startUs = dateStartUs(date);
    return {
      path: join(out, dayPath(day), `${symbol}-${type.folder}-${date}.${ending}`),
      ...{ dataDir, type },
      tracks: sameStream.map((entry) => ({
        ...entry,
        days: entry.days.filter((day) => day.date === date),
        files: entry.files.filter((file) => file.date === date),
      })),
      range: { fromUs: Math.max(range.fromUs, startUs), toUs: Math.min(range.toUs, startUs + dayUs) },
      withSymbol,
      market: null,
    };
  });
}

function isFolderNow(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    throw new OperatorError(`cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
