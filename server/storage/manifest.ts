import { type Day, manifestPath } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import { codeOf, FileError, messageOf } from "../platform/errors.ts";
import { readFileSync } from "../platform/files/files.ts";
import { sha256Of } from "./manifest-mark.ts";

/** What an archive is: everything needed to check it and to say how complete it is, without reading it. */
export type Manifest = {
  /** Version of this format. */
  readonly manifest_version: 1;
  readonly recorder: ManifestRecorder;
  readonly stream: string;
  readonly symbol: string;
  readonly date: string;
  readonly rows: number;
  readonly raw_bytes: number;
  readonly compressed_bytes: number;
  /** SHA-256, hex, of the lines and of the archive file. */
  readonly raw_sha256: string;
  readonly compressed_sha256: string;
  readonly compression_level: number;
  readonly first_recv_us: number;
  readonly last_recv_us: number;
  /** Update or trade id of the first and the last line; null for a stream without. */
  readonly first_id: number | null;
  readonly last_id: number | null;
  /** The lowest and the highest id of all rows, which are not in order of their ids everywhere; null for a stream without. */
  readonly ids?: { readonly lowest: number; readonly highest: number } | null;
  /** 1440 counts, by UTC minute of `recv_us`. */
  readonly rows_per_minute: readonly number[];
  readonly gaps: readonly ManifestGap[];
  /** Of the rows whose delay was known, whole ms; null if it never was. */
  readonly delay_p50_ms: number | null;
  readonly delay_p99_ms: number | null;
  /** Local clock minus exchange clock, ms; null while unknown. */
  readonly clock_offset_ms: number | null;
  readonly repaired: {
    /** Half-written last lines that were cut off and kept under `quarantine/`. */
    readonly torn_tails: number;
    /** Rows refetched over REST. */
    readonly refetched: number;
    /** Lines that were none of ours, left out and kept under `quarantine/`. */
    readonly foreign_lines: number;
  };
  /** Names of all segments that have been dealt with, in order; a segment of such a name is a left-over. */
  readonly segments: readonly string[];
  /** Those of them that could not be read and lie under `quarantine/`. */
  readonly quarantined: readonly string[];
  /** `raw_sha256` of earlier archives of this day whose rows are all in this one: late segments were merged with them. */
  readonly contains?: readonly string[];
  /** Only in a bucket: the recorders' archives of which this one is the union. */
  readonly sources?: readonly ManifestSource[];
  /** Only in a bucket: the archives of the days before and after that it was compared with. */
  readonly borders?: { readonly before: ManifestBorder | null; readonly after: ManifestBorder | null };
};

/** Who wrote it. `id` is the data folder's own, and stays the same while host and version change. */
export type ManifestRecorder = { readonly version: string; readonly host: string; readonly id?: string };

/** The archive beside, by its `compressed_sha256`; `moved`: rows of the sources lie there and not here. */
export type ManifestBorder = { readonly sha256: string; readonly moved: boolean };

export type ManifestGap = Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired">;

/** One recorder's archive that went into a union. */
export type ManifestSource = {
  readonly host: string;
  readonly rows: number;
  readonly raw_sha256: string;
  readonly id?: string;
};

/**
 * The manifest as stored: keys in a fixed order, one a line, lists of numbers on one line; last `manifest_sha256`, the SHA-256 of
 * the text without that line.
 */
export function encodeManifest(manifest: Manifest): string {
  const lines = (Object.keys(accepted) as (keyof Manifest)[])
    .filter((key) => manifest[key] !== undefined)
    .map((key) => `  ${JSON.stringify(key)}: ${encodeValue(manifest[key])}`);
  const text = `{\n${lines.join(",\n")}\n}\n`;
  return text.replace(/\n\}\n$/, `,\n  "manifest_sha256": "${sha256Of(text)}"\n}\n`);
}

/** Reads a stored manifest; throws an error that names every key that is missing or of another kind. Unknown keys are ignored. */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`it is no JSON (${messageOf(cause)})`, { cause });
  }
  if (!isObject(value)) throw new Error("it is no JSON object");
  const problems = Object.entries(accepted).flatMap(([key, [what, accepts]]) =>
    accepts(value[key]) ? [] : [value[key] === undefined ? `${key} is missing` : `${key} is not ${what}`],
  );
  if (problems.length > 0) throw new Error(`it is no manifest of this version: ${problems.join(", ")}`);
  const { manifest_sha256: _, ...members } = value;
  const manifest = members as Manifest;
  // Manifests of before 0.2 know no counts.
  return {
    ...manifest,
    gaps: manifest.gaps.map((gap) => ({ ...gap, missing: gap.missing ?? null, repaired: gap.repaired ?? 0 })),
  };
}

/** The manifest of a day, or null if there is none; throws a FileError if there is one that cannot be read. */
export function readManifest(dataDir: string, day: Day): Manifest | null {
  const path = manifestPath(dataDir, day);
  try {
    return parseManifest(readFileSync(path, "utf8"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw new FileError("read", path, error);
  }
}

type Accept = readonly [what: string, accepts: (value: unknown) => boolean];

const count: Accept = ["a whole number from 0", (value) => Number.isSafeInteger(value) && Number(value) >= 0];
const text: Accept = ["a text", (value) => typeof value === "string" && value !== ""];
const sha256: Accept = ["64 hexadecimal digits", (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value)];
const optionalNumber: Accept = ["a number or null", (value) => value === null || Number.isFinite(value)];
const names: Accept = ["a list of texts", (value) => isListOf(value, text[1])];

/** Every key in the order in which it is stored. */
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
  gaps: ["a list of {from_us, to_us, cause, missing, repaired}", (value) => isListOf(value, isGap)],
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

/** Objects inside are rebuilt, so that the order of their keys is ours as well. */
function encodeValue(value: Manifest[keyof Manifest]): string {
  if (isObject(value))
    return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
  return JSON.stringify(value);
}
