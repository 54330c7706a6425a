import { stat } from "node:fs/promises";
import type { ArchivedDay } from "../archived-day.ts";
import { isOpenHole } from "../gap.ts";
import { type Day, manifestPath } from "../segment.ts";
import { type Manifest, readManifest } from "./manifest.ts";

/** What the catalogue keeps of an archive. */
export function archiveEntry(manifest: Manifest, verifiedUs: number | null): ArchivedDay {
  const { stream, symbol, date, rows, raw_bytes, compressed_bytes, first_recv_us, last_recv_us, gaps } = manifest;
  return {
    ...{ stream, symbol, date, rows, raw_bytes, compressed_bytes, first_recv_us, last_recv_us },
    minutes_with_rows: manifest.rows_per_minute.filter((count) => count > 0).length,
    gaps: gaps.length,
    hole_us: holeUs(gaps),
    missing: gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0),
    repaired: gaps.reduce((sum, gap) => sum + gap.repaired, 0),
    verified_us: verifiedUs,
  };
}

/** The entry of an archive on disk, with its manifest. A manifest is written right after its archive was read back. */
export async function readArchiveEntry(
  dataDir: string,
  day: Day,
): Promise<{ entry: ArchivedDay; manifest: Manifest } | null> {
  const manifest = readManifest(dataDir, day);
  if (manifest === null) return null;
  const { mtimeMs } = await stat(manifestPath(dataDir, day));
  return { entry: archiveEntry(manifest, Math.round(mtimeMs * 1000)), manifest };
}

/** Time in which something is absent; what several gaps have in common counts once. */
function holeUs(gaps: Manifest["gaps"]): number {
  let sum = 0;
  let reachedUs = 0;
  for (const { from_us, to_us } of gaps.filter(isOpenHole).sort((a, b) => a.from_us - b.from_us)) {
    sum += Math.max(0, to_us - Math.max(from_us, reachedUs));
    reachedUs = Math.max(reachedUs, to_us);
  }
  return sum;
}
