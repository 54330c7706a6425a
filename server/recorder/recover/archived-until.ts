import type { Day } from "../../domain/day.ts";
import { readManifest } from "../../storage/manifest.ts";

/**
 * Returns the receipt of the newest record of an archived day that was received live, µs; 0 without a readable manifest.
 *
 * The last row may be a backfilled trade, which carries the exchange's time. Such trades lie within gaps, so the newest live record is no
 * later than the start of that gap.
 */
export function archivedUntilUs(dataDir: string, day: Day): number {
  try {
    const manifest = readManifest(dataDir, day);
    if (manifest === null) return 0;
    const { last_recv_us: lastUs, gaps, repaired } = manifest;
    return repaired.refetched === 0 ? lastUs : outsideGaps(lastUs, gaps);
  } catch {
    return 0;
  }
}

/** Moves a time that lies within gaps back to the start of the first of them. */
function outsideGaps(atUs: number, gaps: readonly { from_us: number; to_us: number; cause: string }[]): number {
  let us = atUs;
  for (const { from_us: fromUs, to_us: toUs, cause } of gaps.toSorted((a, b) => b.from_us - a.from_us))
    if (cause !== "clock" && fromUs < us && us < toUs) us = fromUs;
  return us;
}
