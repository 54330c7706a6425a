import { type Day, manifestPath } from "../domain/day.ts";
import { endsInGap } from "../domain/gap.ts";
import { existsSync } from "../platform/files/files.ts";
import { recvUsAt } from "./line-stats.ts";
import { streamsOfDay } from "./list/listing.ts";
import { readManifest } from "./manifest.ts";
import { openLinesSync } from "./read/line-reader-sync.ts";
import type { GapsOf } from "./recorded-gaps.ts";

/** Tests whether the rows of a merged day end with absent records; null for a day without a readable manifest. */
export function archiveEndsInGap(dataDir: string, day: Day): boolean | null {
  if (!existsSync(manifestPath(dataDir, day))) return null;
  try {
    const manifest = readManifest(dataDir, day);
    return manifest === null ? null : endsInGap(manifest.gaps, manifest.last_recv_us);
  } catch {
    // `verify` reports a damaged manifest.
    return null;
  }
}

/** Tests whether the rows of a day, merged or not, end with absent records. False for a day without rows. */
export function dayEndsInGap(dataDir: string, day: Day, gapsOf: GapsOf): boolean {
  const merged = archiveEndsInGap(dataDir, day);
  if (merged !== null) return merged;
  const gaps = gapsOf(day) ?? [];
  // Most days have no such gap, and their rows need not be read.
  if (!endsInGap(gaps, Number.NEGATIVE_INFINITY)) return false;
  const lastUs = lastRecvUs(dataDir, day);
  return lastUs !== null && endsInGap(gaps, lastUs);
}

/** Returns the receipt of the last row in a day's segments, µs; null without rows. Damaged files are left to their readers. */
function lastRecvUs(dataDir: string, day: Day): number | null {
  const files = streamsOfDay(dataDir, day).flatMap((stream) => stream.files);
  let lastUs: number | null = null;
  let startUs = Number.POSITIVE_INFINITY;
  // Files of one window may overlap; earlier windows end before it.
  for (const file of files.sort((a, b) => b.startUs - a.startUs)) {
    if (lastUs !== null && file.startUs < startUs) break;
    startUs = file.startUs;
    const us = lastRowUs(file.path);
    if (us !== null) lastUs = Math.max(lastUs ?? 0, us);
  }
  return lastUs;
}

const newline = 10;

function lastRowUs(path: string): number | null {
  let lastUs: number | null = null;
  try {
    const lines = openLinesSync(path);
    try {
      while (lines.fill()) {
        const { bytes, to } = lines;
        const start = to < 2 ? 0 : bytes.lastIndexOf(newline, to - 2) + 1;
        const us = recvUsAt(bytes, Math.max(start, lines.from));
        if (us > 0) lastUs = us;
        lines.from = to;
      }
    } finally {
      lines.close();
    }
  } catch {}
  return lastUs;
}
