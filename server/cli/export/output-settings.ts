import { type Packing, packingOf } from "../../export/compressed-file.ts";
import { type Compression, compressions } from "../../export/table-file.ts";
import { isNoFolder } from "../../export/target.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import { statSync } from "../../platform/files/files.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import type { Flags } from "../framework/command.ts";

/** Where an export goes, and how. */
export type OutputSettings<Format extends string> = {
  readonly format: Format;
  readonly out: string;
  /** True: several files below `out`. False: a single file. */
  readonly isFolder: boolean;
  /** Compression inside a Parquet file. */
  readonly compression: Compression;
  /** Compression of a whole CSV file; null: plain. */
  readonly packing: Packing | null;
  readonly withSymbol: boolean;
  /** Writes the readable rest if a source is damaged. */
  readonly skipsDamaged: boolean;
};

/** Words of --compression for CSV, and the compression of the whole file. */
const csvPackings: Readonly<Record<"gzip" | "zstd" | "none", Packing | null>> = { gzip: "gz", zstd: "zst", none: null };
const csvCompressions = ["gzip", "zstd", "none"] as const;

/** Parses a flag that takes a word of a list. Adds problems to `problems`. */
export function wordOf<T extends string>(
  flags: Flags,
  problems: string[],
  name: string,
  words: readonly T[],
  fallback: T,
): T {
  const text = flags[name];
  const word = words.find((candidate) => candidate === text);
  if (text !== undefined && word === undefined)
    problems.push(`--${name} "${text}" is not accepted${didYouMean(text, words)}; give ${words.join(", ")}`);
  return word ?? fallback;
}

/**
 * Parses the flags of the output. `formats`: the accepted formats; csv and parquet are among them. `named`: those that the ending of --out
 * may name. Adds problems to `problems`.
 */
export function outputSettings<Format extends string>(
  flags: Flags,
  problems: string[],
  { formats, named }: { readonly [part in "formats" | "named"]: readonly (Format | "csv" | "parquet")[] },
): OutputSettings<Format | "csv" | "parquet"> {
  const out = flags.out ?? "";
  if (out === "") problems.push("--out FILE_OR_DIR is missing; give a file, a folder, or - for standard output");
  const asked = packingOf(out);
  const ending = named.find((format) => out.endsWith(asked === null ? `.${format}` : `.${format}.${asked}`));
  if (flags.format === undefined && ending === undefined && out !== "") {
    const endings = [".csv", ".csv.gz", ".csv.zst", ".parquet", ".feather"].filter((text) =>
      named.some((format) => text.startsWith(`.${format}`)),
    );
    problems.push(`--format is missing; give ${inWords(named)} (or an --out that ends with ${inWords(endings)})`);
  }
  const format = wordOf(flags, problems, "format", formats, ending ?? (asked === null ? "parquet" : "csv"));
  const isFile = ending !== undefined || asked !== null || isNoFolder(out);
  const isFolder = out.endsWith("/") || isFolderNow(out) || !isFile;
  const byName = isFolder ? null : asked;
  let packing = byName;
  let compression: Compression = "zstd";
  if (format === "csv") {
    if (flags.numbers !== undefined)
      problems.push("--numbers applies to --format parquet only; CSV has decimals as stored");
    if (flags.compression !== undefined)
      packing = csvPackings[wordOf(flags, problems, "compression", csvCompressions, "none")];
    const isNamed = !isFolder && (ending !== undefined || asked !== null);
    if (isNamed && packing !== byName && csvCompressions.some((word) => word === flags.compression))
      problems.push(
        `--compression ${flags.compression} does not fit --out ${out}; let the name end with .csv${packing === null ? "" : `.${packing}`}, or leave out --compression`,
      );
  } else {
    compression = wordOf(flags, problems, "compression", compressions, "zstd");
    if (packing !== null)
      problems.push(
        `${format === "parquet" ? "Parquet is compressed inside (--compression)" : "Feather is not compressed"}; give an --out without .${packing}`,
      );
  }
  return {
    ...{ format, out, isFolder, packing, compression },
    withSymbol: flags["with-symbol"] !== undefined,
    skipsDamaged: flags["skip-damaged"] !== undefined,
  };
}

function inWords(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function isFolderNow(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    throw new OperatorError(`cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
