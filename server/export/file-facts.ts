import { recordedSince } from "../domain/coverage/coverage.ts";
import { dayCoverage } from "../domain/coverage/day-coverage.ts";
import { dateStartUs, dayUs } from "../domain/day.ts";
import { version } from "../platform/process/version.ts";
import type { Manifest } from "../storage/manifest.ts";
import type { MarkedGap } from "./gap-marks.ts";

/** What a file holds. */
export type FileContent = {
  readonly stream: string;
  readonly symbol: string;
  /** The date, or the first and the last date: `2026-11-21/2026-11-25`. */
  readonly date: string;
  readonly gaps: readonly MarkedGap[];
  readonly tickSize: string | null;
  readonly stepSize: string | null;
  /** The manifest, if the file holds an archived day as a whole; else null. */
  readonly manifest: Manifest | null;
};

/** Returns the key-value metadata of a Parquet file. Unknown facts are left out. */
export function fileFacts(content: FileContent): Readonly<Record<string, string>> {
  const { manifest } = content;
  const facts: Record<string, string | null> = {
    stream: content.stream,
    symbol: content.symbol,
    date: content.date,
    coverage: manifest === null ? null : coverageText(manifest, content.gaps),
    gaps: gapsText(content.gaps),
    archive_sha256: manifest?.compressed_sha256 ?? null,
    tick_size: content.tickSize,
    step_size: content.stepSize,
    version,
  };
  const known = Object.entries(facts).flatMap(([key, value]) => (value === null ? [] : [[`rt_data.${key}`, value]]));
  return Object.fromEntries(known);
}

/** Writes gaps as the JSON of `rt_data.gaps`. */
export function gapsText(gaps: readonly MarkedGap[]): string {
  return JSON.stringify(
    gaps.map(({ from_us, to_us, cause, missing, repaired }) => ({ from_us, to_us, cause, missing, repaired })),
  );
}

/** The recorded share of the day, 0 to 1; null if it is unknown. */
function coverageText(manifest: Manifest, gaps: readonly MarkedGap[]): string | null {
  const { stream, symbol, date, first_recv_us: firstUs, last_recv_us: lastUs, rows_per_minute, since_us } = manifest;
  const coverage = dayCoverage({
    ...{ day: { stream, symbol, date }, gaps, firstUs, lastUs },
    rowsPerMinute: rows_per_minute,
    untilUs: dateStartUs(date) + dayUs,
    sinceUs: recordedSince([{ firstUs, sinceUs: since_us ?? null }], gaps),
  });
  return coverage === null ? null : String(coverage);
}
