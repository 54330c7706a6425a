import type { ArchiveStatus } from "../domain/status.ts";
import type { Failure } from "../platform/errors.ts";
import type { Manifest } from "../storage/manifest.ts";

/** Counts sealed segments, merged days and failures since the start. */
export type ArchiveCounters = {
  sealed(): void;
  merged(manifest: Manifest): void;
  failed(failure: Failure): void;
  counts(): Omit<ArchiveStatus, "segments_waiting" | "days_waiting" | "workers">;
};

/** Creates counters at zero. */
export function createArchiveCounters(): ArchiveCounters {
  const sums = { segments_sealed: 0, days_merged: 0, rows_merged: 0, raw_bytes_merged: 0, compressed_bytes_merged: 0 };
  let failures = 0;
  let lastFailure: string | null = null;
  let lastArchive: ArchiveStatus["last_archive"] = null;
  return {
    sealed() {
      sums.segments_sealed++;
    },
    merged({ stream, symbol, date, rows, raw_bytes, compressed_bytes }) {
      sums.days_merged++;
      sums.rows_merged += rows;
      sums.raw_bytes_merged += raw_bytes;
      sums.compressed_bytes_merged += compressed_bytes;
      lastArchive = { stream, symbol, date, rows, raw_bytes, compressed_bytes };
    },
    failed({ operation, path, message }) {
      failures++;
      lastFailure = `${operation} ${path}: ${message}`;
    },
    counts: () => ({ ...sums, failures, last_failure: lastFailure, last_archive: lastArchive }),
  };
}
