import { type Coverage, coverageOf } from "../domain/coverage/coverage.ts";
import { dateStartUs, dayUs } from "../domain/day.ts";
import { awaitsBackfill, type Gap } from "../domain/gap.ts";
import { streamTypeOfFolder } from "../domain/stream.ts";
import type { FactTable } from "./dataset-paths.ts";
import type { ManifestDay } from "./day-commit.ts";

/** A value of a row: whole numbers, shares, texts, truths. */
export type FactValue = number | string | boolean | null;
export type FactRow = Readonly<Record<string, FactValue>>;

/** Storage type of a column. "share": any number. "time": µs since the epoch, stored as a timestamp in UTC. */
export type FactKind = "text" | "whole" | "share" | "truth" | "time";

/** The columns of the tables of facts, without the partition column `date`. Names and order are public. */
export const factColumns: Readonly<Record<FactTable, Readonly<Record<string, FactKind>>>> = {
  coverage: {
    stream: "text",
    symbol: "text",
    rows: "whole",
    first_recv_us: "whole",
    last_recv_us: "whole",
    coverage: "share",
    missing_us: "whole",
    complete: "truth",
    gaps: "whole",
    refetched: "whole",
    raw_bytes: "whole",
    compressed_bytes: "whole",
    tick_size: "text",
    step_size: "text",
    archive_sha256: "text",
    file: "text",
    file_bytes: "whole",
    recorder: "text",
  },
  // As `rt-data gaps` prints them.
  gaps: {
    stream: "text",
    symbol: "text",
    cause: "text",
    from_us: "whole",
    to_us: "whole",
    from_time: "time",
    to_time: "time",
    seconds: "share",
    missing: "whole",
    repaired: "whole",
    settled: "truth",
  },
};

/** A day as its table has it: the archive's facts and the data file. */
export type FactDay = ManifestDay & {
  readonly file: { readonly path: string; readonly size: number };
};

/** Returns the row of a day in the table `coverage`. */
export function coverageRow({ manifest, file }: FactDay): FactRow {
  const { share, missingUs } = coverageOfDay(manifest);
  return {
    stream: manifest.stream,
    symbol: manifest.symbol,
    rows: manifest.rows,
    first_recv_us: manifest.first_recv_us,
    last_recv_us: manifest.last_recv_us,
    coverage: share,
    missing_us: missingUs,
    complete: missingUs === 0,
    gaps: manifest.gaps.length,
    refetched: manifest.repaired.refetched,
    raw_bytes: manifest.raw_bytes,
    compressed_bytes: manifest.compressed_bytes,
    tick_size: manifest.instrument?.tick_size ?? null,
    step_size: manifest.instrument?.step_size ?? null,
    archive_sha256: manifest.compressed_sha256,
    file: file.path,
    file_bytes: file.size,
    recorder: manifest.recorder.host,
  };
}

/** Returns the rows of a day in the table `gaps`, in order. */
export function gapRows({ manifest }: ManifestDay): FactRow[] {
  const { stream, symbol } = manifest;
  return manifest.gaps.map(({ from_us, to_us, cause, missing, repaired }) => ({
    ...{ stream, symbol, cause, from_us, to_us, from_time: from_us, to_time: to_us },
    seconds: (to_us - from_us) / 1e6,
    ...{ missing, repaired, settled: !awaitsBackfill({ cause, missing, repaired }) },
  }));
}

function coverageOfDay(manifest: ManifestDay["manifest"]): Coverage {
  const {
    stream,
    symbol,
    date,
    first_recv_us: firstUs,
    last_recv_us: lastUs,
    rows_per_minute: rowsPerMinute,
  } = manifest;
  const type = streamTypeOfFolder(stream);
  const gaps = manifest.gaps.map((gap): Gap => ({ ...gap, stream, symbol }));
  const span = { fromUs: dateStartUs(date), toUs: dateStartUs(date) + dayUs };
  const day = { date, firstUs, lastUs, rowsPerMinute, sinceUs: manifest.since_us ?? null };
  if (type === null) return { spanUs: dayUs, missingUs: 0, share: null };
  return coverageOf(type.kind, [day], gaps, span);
}
