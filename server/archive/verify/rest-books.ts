import type { Day } from "../../domain/day.ts";
import { typeOfKind } from "../../domain/stream.ts";
import { segmentsOfDay } from "../../storage/list/stored-lines.ts";
import { readManifest } from "../../storage/manifest.ts";

/** The recorder fetches a book at each start and then once an hour. If the weight budget is short, it takes a little longer. */
const mostHours = 2;

/**
 * Tests whether a day must hold a REST book of its symbol. Books are fetched only while diffs are recorded, and no gap is recorded for them.
 * So a day without a book lacks one only if it has diffs of more than two different hours.
 */
export function needsRestBook(dataDir: string, { symbol, date }: Day): boolean {
  return recordedHours(dataDir, { stream: typeOfKind("diffDepth").folder, symbol, date }) > mostHours;
}

/** Counts the hours of a day in which a stream has records. */
function recordedHours(dataDir: string, day: Day): number {
  const rows = rowsPerMinute(dataDir, day);
  if (rows === null) return new Set(segmentsOfDay(dataDir, day).map(({ segment }) => segment.name.slice(0, 2))).size;
  return new Set(rows.flatMap((count, minute) => (count > 0 ? [Math.floor(minute / 60)] : []))).size;
}

/** Null for a day that is not merged, or whose manifest cannot be read. */
function rowsPerMinute(dataDir: string, day: Day): readonly number[] | null {
  try {
    return readManifest(dataDir, day)?.rows_per_minute ?? null;
  } catch {
    return null;
  }
}
