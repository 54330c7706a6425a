import {
  acceptedBars,
  acceptedIntervals,
  type BarRule,
  parseBarRule,
  parseInterval,
} from "../../../export/bars/bar-rule.ts";
import { OperatorError } from "../../../platform/errors.ts";
import { readFlag } from "../../data/time-range.ts";
import type { Flags } from "../../framework/command.ts";
import { type OutputSettings, outputSettings, wordOf } from "../output-settings.ts";

/** What a table has as rows: bars of trades, or intervals with the book and the trades. */
export type BarTarget =
  | { readonly kind: "bars"; readonly rule: BarRule; readonly text: string }
  | { readonly kind: "every"; readonly everyUs: number; readonly text: string; readonly levels: number | null };

const barFormats = ["csv", "parquet", "feather", "freqtrade"] as const;
export type BarFormat = (typeof barFormats)[number];

const barNumbers = ["float64", "decimal", "text"] as const;

/** The settings of `rt-data export` with `--bars` or `--every`. */
export type BarSettings = OutputSettings<BarFormat> & {
  readonly target: BarTarget;
  readonly numbers: (typeof barNumbers)[number];
};

/** Lengths of bars that freqtrade knows. */
const timeframes = ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"];

/** Parses the flags; null without `--bars` and `--every`. @throws OperatorError that lists all problems and the accepted values */
export function barSettings(flags: Flags): BarSettings | null {
  if (flags.bars === undefined && flags.every === undefined) return null;
  const problems: string[] = [];
  const isEvery = flags.every !== undefined;
  if (isEvery && flags.bars !== undefined)
    problems.push("--bars and --every are two kinds of rows; give either, or export twice");
  const rule = readFlag(flags, problems, "bars", parseBarRule, acceptedBars);
  const everyUs = readFlag(flags, problems, "every", parseInterval, acceptedIntervals);
  const levels = isEvery ? readFlag(flags, problems, "levels", parseLevels, "levels a side, from 1 to 20") : null;
  if (!isEvery && flags.levels !== undefined)
    problems.push("--levels applies to records and to --every; bars have no book");
  for (const name of ["book", "on-gap", "types"].filter((name) => flags[name] !== undefined))
    problems.push(`--${name} applies to --format hftbacktest and tardis; choose the streams of bars by --stream`);
  const output = outputSettings<BarFormat>(flags, problems, { formats: barFormats, named: barFormats });
  const numbers = wordOf(flags, problems, "numbers", barNumbers, "float64");
  const { format } = output;
  if ((format === "feather" || format === "freqtrade") && (flags.numbers ?? flags.compression) !== undefined)
    problems.push(`--numbers and --compression do not apply to --format ${format}: it has doubles, not compressed`);
  if (format === "freqtrade") {
    if (rule?.kind !== "time" || !timeframes.includes(flags.bars ?? ""))
      problems.push(`freqtrade has candles: give --bars ${timeframes.join(", ")}`);
    if (!output.isFolder)
      problems.push(
        "--format freqtrade writes a file per pair: give its folder as --out, such as user_data/data/binance/",
      );
    if (output.withSymbol)
      problems.push("--with-symbol does not apply to --format freqtrade: a file per pair has no such column");
  }
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  if (everyUs !== null)
    return { ...output, numbers, target: { kind: "every", everyUs, text: flags.every ?? "", levels } };
  if (rule === null) throw new OperatorError(`--bars is missing; give ${acceptedBars}`);
  return { ...output, numbers, target: { kind: "bars", rule, text: flags.bars ?? "" } };
}

function parseLevels(text: string): number | null {
  const levels = Number(text);
  return /^\d{1,2}$/.test(text) && levels >= 1 && levels <= 20 ? levels : null;
}
