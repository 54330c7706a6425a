import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import type { SavedMinutes } from "../../monitor/minute-rows.ts";

const minuteUs = 60_000_000;

/**
 * Completes the stored counts of a day by the minutes that were recorded but not counted: a killed run had not stored its last counts, or
 * the catalogue was lost. Each of them counts as 1 row, since 0 rows would be missing time. `recorded` reaches from the first to the
 * last record on disk; minutes wholly inside a gap stay empty.
 */
export function withUncountedMinutes(
  saved: SavedMinutes | null,
  recorded: TimeSpan,
  dayStart: number,
  gaps: readonly { readonly from_us: number; readonly to_us: number }[],
): SavedMinutes {
  const rows = saved === null ? new Uint16Array(1440) : Uint16Array.from(saved.rows);
  const firstUs = Math.min(saved?.firstUs ?? recorded.fromUs, recorded.fromUs);
  const lastUs = Math.max(saved?.lastUs ?? recorded.toUs, recorded.toUs);
  const uncountedUs = saved?.lastUs ?? recorded.fromUs;
  for (let n = minuteOf(uncountedUs, dayStart); n <= Math.min(1439, minuteOf(lastUs, dayStart)); n++) {
    const [fromUs, toUs] = [dayStart + n * minuteUs, dayStart + (n + 1) * minuteUs];
    const isInGap = gaps.some(({ from_us, to_us }) => from_us <= fromUs && to_us >= toUs);
    if (rows[n] === 0 && !isInGap) rows[n] = 1;
  }
  return { dayStart, firstUs, lastUs, rows };
}

function minuteOf(us: number, dayStart: number): number {
  return Math.max(0, Math.floor((us - dayStart) / minuteUs));
}
