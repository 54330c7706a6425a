import { join } from "node:path";
import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import { type Day, dateStartUs, dayPath, dayUs } from "../../domain/day.ts";
import type { StreamType } from "../../domain/stream.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import { type NumberForm, numberForms } from "../../export/table-file.ts";
import type { TardisType } from "../../export/tardis/tardis-types.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { RecordedStream } from "../../storage/list/listing.ts";
import type { SourceCheck } from "../../storage/read/source-check.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import type { SelectedStream, Selection } from "../data/selection.ts";
import type { Flags } from "../framework/command.ts";
import { type OutputSettings, outputSettings, wordOf } from "./output-settings.ts";

/** The settings of `rt-data export` for records. */
export type ExportSettings = Omit<OutputSettings<string>, "format"> & {
  readonly format: "csv" | "parquet" | MarketFormat;
  readonly numbers: NumberForm;
  readonly levels: "columns" | "list";
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

/** A complete file, as the command reports it. `left_out`: bars that were left out, by reason. */
export type WrittenFile = {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly left_out?: Readonly<Record<string, number>>;
};

/** An export as the command runs it. */
export type ExportPlan = {
  /** The files, or one place that stands for them. */
  readonly paths: readonly string[];
  run(
    deps: Omit<ExportDeps, "onProgress"> & { readonly onProgress: (share: number, item: string) => void },
  ): AsyncIterable<
    { readonly kind: "written"; readonly file: WrittenFile } | { readonly kind: "damaged"; readonly name: string }
  >;
  /** Lines about the whole, after `run`. */
  summary(): readonly string[];
  /** The message if no file was written. */
  readonly emptyText: string;
};

const formats = ["csv", "parquet"] as const;
/** Formats of bars and intervals only. */
const barFormats = ["feather", "freqtrade"] as const;

/** Parses the flags. @throws OperatorError that lists all problems and the accepted values */
export function exportSettings(flags: Flags): ExportSettings {
  const problems: string[] = [];
  if (barFormats.some((format) => format === flags.format || (flags.out ?? "").endsWith(`.${format}`)))
    problems.push(
      "feather and freqtrade hold bars or intervals: add --bars 1m or --every 1s; give csv or parquet for records",
    );
  const output = outputSettings<(typeof marketFormats)[number] | (typeof barFormats)[number]>(flags, problems, {
    formats: ["csv", "parquet", ...barFormats, ...marketFormats],
    named: formats,
  });
  const settings: ExportSettings = {
    ...output,
    format: output.format === "csv" ? "csv" : "parquet",
    numbers: wordOf(flags, problems, "numbers", numberForms, "float64"),
    levels: wordOf(flags, problems, "levels", ["columns", "list"], "columns"),
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
