import type { ArchivedDay } from "../archived-day.ts";
import { dayCoverage } from "../day-coverage.ts";
import { isOpenHole } from "../gap.ts";
import { dateStartUs, dayUs } from "../segment.ts";
import type { Manifest } from "./manifest.ts";

/** What the catalogue keeps of an archive. */
export function archiveEntry(manifest: Manifest, verifiedUs: number | null): ArchivedDay {
  const { stream, symbol, date, rows, raw_bytes, compressed_bytes, first_recv_us, last_recv_us, gaps } = manifest;
  const coverage = dayCoverage({
    day: { stream, symbol, date },
    rowsPerMinute: manifest.rows_per_minute,
    gaps,
    firstUs: first_recv_us,
    lastUs: last_recv_us,
    untilUs: dateStartUs(date) + dayUs,
  });
  return {
    ...{ stream, symbol, date, rows, raw_bytes, compressed_bytes, sha256: manifest.compressed_sha256 },
    ...{ coverage: coverage ?? 0, gaps: gaps.length },
    ...{ delay_p50_ms: manifest.delay_p50_ms, delay_p99_ms: manifest.delay_p99_ms, first_recv_us, last_recv_us },
    minutes_with_rows: manifest.rows_per_minute.filter((count) => count > 0).length,
    hole_us: holeUs(gaps),
    missing: gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0),
    repaired: gaps.reduce((sum, gap) => sum + gap.repaired, 0),
    verified_us: verifiedUs,
  };
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
