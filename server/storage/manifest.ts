import type { BookProof } from "../domain/book/book-proof.ts";
import { type Day, manifestPath } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { StreamFolder } from "../domain/stream.ts";
import { type Instrument, isInstrument } from "../domain/symbols/instrument.ts";
import { codeOf, FileError, messageOf } from "../platform/errors.ts";
import { readFileSync } from "../platform/files/files.ts";
import { sha256Of } from "./manifest-mark.ts";

/** Facts about an archive: everything needed to verify it and to tell its completeness without reading it. */
export type Manifest = {
  /** Version of this format. */
  readonly manifest_version: 1;
  readonly recorder: ManifestRecorder;
  readonly stream: StreamFolder;
  readonly symbol: string;
  readonly date: string;
  readonly rows: number;
  readonly raw_bytes: number;
  readonly compressed_bytes: number;
  /** SHA-256 of the lines (`raw_sha256`) and of the archive file (`compressed_sha256`), hex. */
  readonly raw_sha256: string;
  readonly compressed_sha256: string;
  readonly compression_level: number;
  readonly first_recv_us: number;
  readonly last_recv_us: number;
  /** Update or trade id of the first and of the last line; null for a stream without ids. */
  readonly first_id: number | null;
  readonly last_id: number | null;
  /** Lowest and highest id of all rows, because rows are not always in order of their ids; null for a stream without ids. */
  readonly ids?: { readonly lowest: number; readonly highest: number } | null;
  /** 1440 counts, by UTC minute of `recv_us`. */
  readonly rows_per_minute: readonly number[];
  /**
   * Receipt of the stream's very first record, on this or an earlier day, µs. Nothing of the stream is missing before it. Absent in
   * manifests from before 0.28 and if it was unknown.
   */
  readonly since_us?: number;
  /** Facts about the symbol in force at the end of the day; absent if unknown. */
  readonly instrument?: Instrument;
  readonly gaps: readonly ManifestGap[];
  /** How the rows compare with Binance's daily file; absent until they were compared, and again when rows are added. */
  readonly official?: ManifestOfficial;
  /** What the recorded books proved about the rows, only in manifests of diffs. Absent if the books were not compared. */
  readonly book?: BookProof;
  /** Quantiles of the known delays, whole ms; null if no delay was known. */
  readonly delay_p50_ms: number | null;
  readonly delay_p99_ms: number | null;
  /** Local clock minus exchange clock, ms; null while unknown. */
  readonly clock_offset_ms: number | null;
  readonly repaired: {
    /** Half-written last lines that were cut off and saved under `quarantine/`. */
    readonly torn_tails: number;
    /** Rows that were backfilled over REST. */
    readonly refetched: number;
    /** Lines without our format, left out and saved under `quarantine/`. */
    readonly foreign_lines: number;
  };
  /** Names of all merged segments, in order. A segment with such a name is a leftover. */
  readonly segments: readonly string[];
  /** Those segments that could not be read and are under `quarantine/`. */
  readonly quarantined: readonly string[];
  /** `raw_sha256` of earlier archives of this day whose rows are all in this archive, because late segments were merged. */
  readonly contains?: readonly string[];
  /** Only in a bucket: the recorders' archives that this archive combines. */
  readonly sources?: readonly ManifestSource[];
  /** Only in a bucket: the archives of the previous and the next day with which it was compared. */
  readonly borders?: { readonly before: ManifestBorder | null; readonly after: ManifestBorder | null };
};

/** The recorder that wrote the manifest. `id` belongs to the data folder and survives changes of host and version. */
export type ManifestRecorder = { readonly version: string; readonly host: string; readonly id?: string };

/** A neighbouring archive, by its `compressed_sha256`. `moved`: it holds rows of our sources instead of this archive. */
export type ManifestBorder = { readonly sha256: string; readonly moved: boolean };

/**
 * A comparison with Binance's daily file of trades, `sha256` of which was compared. `missing`: in the file, but not recorded. `differing`:
 * recorded with other values. `beyond`: recorded, but not in the file.
 */
export type ManifestOfficial = {
  readonly sha256: string;
  readonly rows: number;
  readonly missing: number;
  readonly differing: number;
  readonly beyond: number;
  readonly checked_us?: number;
};

export type ManifestGap = Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired">;

/** One recorder's archive that went into a combined archive. */
export type ManifestSource = {
  readonly host: string;
  readonly rows: number;
  readonly raw_sha256: string;
  readonly id?: string;
};

/**
 * Encodes a manifest: keys in fixed order, one per line, lists of numbers on one line.
 * The last key is `manifest_sha256`, the SHA-256 of the text without that line.
 */
export function encodeManifest(manifest: Manifest): string {
  const lines = (Object.keys(accepted) as (keyof Manifest)[])
    .filter((key) => manifest[key] !== undefined)
    .map((key) => `  ${JSON.stringify(key)}: ${encodeValue(manifest[key])}`);
  const text = `{\n${lines.join(",\n")}\n}\n`;
  return text.replace(/\n\}\n$/, `,\n  "manifest_sha256": "${sha256Of(text)}"\n}\n`);
}

/**
 * Parses a stored manifest. Ignores unknown keys.
 * @throws an error that names every key that is missing or has the wrong type.
 */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`it is not JSON (${messageOf(cause)})`, { cause });
  }
  if (!isObject(value)) throw new Error("it is not a JSON object");
  const problems = Object.entries(accepted).flatMap(([key, [expected, accepts]]) =>
    accepts(value[key]) ? [] : [value[key] === undefined ? `${key} is missing` : `${key} is not ${expected}`],
  );
  if (problems.length > 0) throw new Error(`it is not a manifest of this version: ${problems.join(", ")}`);
  const { manifest_sha256: _, ...members } = value;
  const manifest = members as Manifest;
  // Manifests from before 0.2 have no counts.
  return {
    ...manifest,
    gaps: manifest.gaps.map((gap) => ({ ...gap, missing: gap.missing ?? null, repaired: gap.repaired ?? 0 })),
  };
}

/** Reads the manifest of a day; null if it does not exist. @throws FileError if it cannot be read. */
export function readManifest(dataDir: string, day: Day): Manifest | null {
  const path = manifestPath(dataDir, day);
  try {
    return parseManifest(readFileSync(path, "utf8"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw new FileError("read", path, error);
  }
}

type Accept = readonly [expected: string, accepts: (value: unknown) => boolean];

const count: Accept = ["a whole number from 0", (value) => Number.isSafeInteger(value) && Number(value) >= 0];
const text: Accept = ["a text", (value) => typeof value === "string" && value !== ""];
const sha256: Accept = ["64 hexadecimal digits", (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value)];
const optionalNumber: Accept = ["a number or null", (value) => value === null || Number.isFinite(value)];
const names: Accept = ["a list of texts", (value) => isListOf(value, text[1])];

/** Every key, in the order in which it is stored. */
const accepted: Record<keyof Manifest, Accept> = {
  manifest_version: ["1", (value) => value === 1],
  recorder: ["{version, host}", (value) => isObject(value) && text[1](value.version) && text[1](value.host)],
  stream: text,
  symbol: text,
  date: ["a date", (value) => typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value)],
  rows: count,
  raw_bytes: count,
  compressed_bytes: count,
  raw_sha256: sha256,
  compressed_sha256: sha256,
  compression_level: count,
  first_recv_us: count,
  last_recv_us: count,
  first_id: optionalNumber,
  last_id: optionalNumber,
  ids: ["{lowest, highest} or null", (value) => value === undefined || value === null || isIds(value)],
  rows_per_minute: ["1440 counts", (value) => isListOf(value, count[1]) && value.length === 1440],
  since_us: ["a number", (value) => value === undefined || Number.isFinite(value)],
  instrument: ["{base, quote, tick_size, step_size, status}", (value) => value === undefined || isInstrument(value)],
  gaps: ["a list of {from_us, to_us, cause, missing, repaired}", (value) => isListOf(value, isGap)],
  official: ["{sha256, rows, missing, differing, beyond}", (value) => value === undefined || isOfficial(value)],
  book: ["{proved, compared_levels, differences, unprovable}", (value) => value === undefined || isBook(value)],
  delay_p50_ms: optionalNumber,
  delay_p99_ms: optionalNumber,
  clock_offset_ms: optionalNumber,
  repaired: [
    "{torn_tails, refetched, foreign_lines}",
    (value) => isObject(value) && [value.torn_tails, value.refetched, value.foreign_lines].every(count[1]),
  ],
  segments: names,
  quarantined: names,
  contains: ["a list of SHA-256", (value) => value === undefined || isListOf(value, sha256[1])],
  sources: ["a list of {host, rows, raw_sha256}", (value) => value === undefined || isListOf(value, isSource)],
  borders: [
    "{before, after}, each {sha256, moved} or null",
    (value) => value === undefined || (isObject(value) && isBorder(value.before) && isBorder(value.after)),
  ],
};

function isIds(value: unknown): boolean {
  return isObject(value) && count[1](value.lowest) && count[1](value.highest);
}

function isOfficial(value: unknown): boolean {
  if (!isObject(value) || !sha256[1](value.sha256)) return false;
  return [value.rows, value.missing, value.differing, value.beyond].every(count[1]);
}

function isBook(value: unknown): boolean {
  if (!isObject(value) || (value.unprovable !== null && !text[1](value.unprovable))) return false;
  return [value.proved, value.compared_levels, value.differences].every(count[1]);
}

function isBorder(value: unknown): boolean {
  return value === null || (isObject(value) && sha256[1](value.sha256) && typeof value.moved === "boolean");
}

function isSource(value: unknown): boolean {
  return isObject(value) && text[1](value.host) && count[1](value.rows) && sha256[1](value.raw_sha256);
}

function isGap(value: unknown): boolean {
  return isObject(value) && count[1](value.from_us) && count[1](value.to_us) && text[1](value.cause);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, accepts: (item: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.every(accepts);
}

/** Rebuilds nested objects, so that the order of their keys is fixed as well. */
function encodeValue(value: Manifest[keyof Manifest]): string {
  if (isObject(value))
    return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
  return JSON.stringify(value);
}
