import { type ReceivedDay, recordedSince } from "../../domain/coverage/coverage.ts";
import { type Day, dateOf, dateStartUs, segmentPath } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { type Manifest, readManifest } from "../manifest.ts";
import { openLinesSync } from "../read/line-reader-sync.ts";
import { isImpossible, latestDate, trueDays } from "./invented-day.ts";
import { datesOnDisk, segmentFiles } from "./listing.ts";
import { recvUsOf } from "./stored-lines.ts";

/** A stream and symbol. */
type Series = Pick<Day, "stream" | "symbol">;

/** Returns what a manifest says about its day's records. */
export function receivedOf(manifest: Manifest): ReceivedDay {
  const { date, first_recv_us: firstUs, last_recv_us: lastUs, rows_per_minute: rowsPerMinute } = manifest;
  return { date, firstUs, lastUs, rowsPerMinute, sinceUs: sinceOf(manifest) };
}

/**
 * Returns since when the stream had been recorded at the merge, µs; null if the manifest does not tell. A gap that begins at midnight
 * was cut off there: the stream had been recorded the day before.
 */
function sinceOf({ date, since_us, gaps }: Manifest): number | null {
  const startUs = dateStartUs(date);
  return since_us ?? (gaps.some(({ from_us }) => from_us === startUs) ? startUs : null);
}

/**
 * Finds the receipt of a stream's very first record by a correct clock, µs (`recordedSince`); null if the data folder has none. Reads one
 * manifest or the beginning of one segment, except for days of a wrong clock. `gapsOf` returns the gaps of days without a manifest.
 */
export function firstRecordUs(dataDir: string, series: Series, gapsOf: (day: Day) => readonly Gap[]): number | null {
  const today = latestDate(Date.now());
  for (const date of datesOnDisk(dataDir, series)) {
    if (isImpossible(date, today)) continue;
    const sinceUs = firstOfDay(dataDir, { ...series, date }, gapsOf, today);
    if (sinceUs !== null) return sinceUs;
  }
  return null;
}

function firstOfDay(dataDir: string, day: Day, gapsOf: (day: Day) => readonly Gap[], today: string): number | null {
  const manifest = readQuietly(dataDir, day);
  if (manifest !== null) return recordedSince(trueDays([receivedOf(manifest)], manifest.gaps, today), manifest.gaps);
  const firstUs = firstInSegments(dataDir, day);
  if (firstUs === null) return null;
  const gaps = gapsOf(day);
  let us = firstUs;
  for (const { cause, from_us, to_us } of gaps) if (cause === "clock" && from_us <= us && to_us > us) us = to_us;
  return dateOf(us) === day.date ? recordedSince([{ firstUs: us }], gaps) : null;
}

function readQuietly(dataDir: string, day: Day): Manifest | null {
  try {
    return readManifest(dataDir, day);
  } catch {
    // The merge and `verify` report a damaged manifest.
    return null;
  }
}

/** Returns the receipt of the first record in a day's segments, µs; null if none can be read. */
export function firstInSegments(dataDir: string, day: Day): number | null {
  for (const name of segmentFiles(dataDir, day).sort()) {
    const segment = { ...day, name: name.replace(/\.jsonl(\.zst)?$/, "") };
    try {
      const lines = openLinesSync(segmentPath(dataDir, segment, name.endsWith(".zst") ? "sealed" : "open"));
      try {
        const recvUs = lines.fill() ? recvUsOf(lines.bytes, lines.from) : 0;
        if (recvUs > 0) return recvUs;
      } finally {
        lines.close();
      }
    } catch {
      // A segment that is sealed or merged just now, or is damaged; the next file or the next call tells.
    }
  }
  return null;
}
