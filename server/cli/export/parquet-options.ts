import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import { type Day, dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { fileFacts } from "../../export/file-facts.ts";
import type { ParquetOptions } from "../../export/parquet/parquet-file.ts";
import { type TickSizes, tickSizesOf } from "../../export/ticks.ts";
import { OperatorError } from "../../platform/errors.ts";
import { version } from "../../platform/process/version.ts";
import { instrumentOfDay } from "../../storage/instrument-facts.ts";
import type { RecordedStream } from "../../storage/list/listing.ts";
import { type Manifest, readManifest } from "../../storage/manifest.ts";
import { type GapsOf, gapsOfDays } from "../../storage/recorded-gaps.ts";
import type { ExportJob, ExportSettings } from "./export-plan.ts";

/** Returns the gaps of a stream that end within a range, for its marks. */
export function gapsIn({ days }: RecordedStream, { fromUs, toUs }: TimeSpan, gapsOf: GapsOf): readonly Gap[] {
  return gapsOfDays(days, gapsOf).gaps.filter(({ from_us, to_us }) => to_us > fromUs && from_us < toUs);
}

/** Returns how a job's Parquet file is written, with its metadata. @throws OperatorError if a tick size is unknown or changes */
export function parquetOptions(
  job: ExportJob,
  { numbers, compression }: Pick<ExportSettings, "numbers" | "compression">,
  gapsOf: GapsOf,
): ParquetOptions {
  const days = job.tracks.flatMap((track) => track.days).sort((a, b) => (a.date < b.date ? -1 : 1));
  const instruments = days.map((day) => ({ day, instrument: instrumentOfDay(job.dataDir, day) }));
  const sizes = new Map<string, TickSizes>();
  if (numbers === "ticks")
    for (const { day, instrument } of instruments) {
      const size = tickSizesOf(instrument, day.symbol, day.date);
      sizes.set(`${size.price} ${size.quantity}`, size);
    }
  const [ticks = null] = sizes.values();
  if (sizes.size > 1)
    throw new OperatorError(
      `one file cannot hold these days in ticks, as their units differ (${[...sizes.keys()].join("; ")}); give a folder as --out, or use --numbers decimal`,
    );
  const known = instruments.findLast(({ instrument }) => instrument !== null)?.instrument ?? null;
  const gaps = job.tracks.flatMap((track) => gapsIn(track, job.range, gapsOf));
  return {
    ...{ numbers, compression, ticks },
    createdBy: `rt-data version ${version}`,
    metadata: fileFacts({
      ...{ stream: job.type.folder, gaps, manifest: manifestOf(job, days) },
      symbol: [...new Set(days.map(({ symbol }) => symbol))].join(","),
      date: [...new Set([days[0]?.date ?? dateOf(job.range.fromUs), days.at(-1)?.date ?? ""])]
        .filter(Boolean)
        .join("/"),
      tickSize: known?.tick_size ?? null,
      stepSize: known?.step_size ?? null,
    }),
  };
}

/** Returns the manifest of the day that the file holds as a whole; null if it holds more, less, or no archive. */
function manifestOf({ tracks, dataDir, range }: ExportJob, days: readonly Day[]): Manifest | null {
  const [day] = days;
  if (day === undefined || days.length > 1 || tracks.length > 1) return null;
  const startUs = dateStartUs(day.date);
  if (range.fromUs > startUs || range.toUs < startUs + dayUs) return null;
  try {
    return readManifest(dataDir, day);
  } catch {
    // `verify` reports a damaged manifest.
    return null;
  }
}
