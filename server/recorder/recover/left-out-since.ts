import type { Gap } from "../../domain/gap.ts";

/** A day, µs: a stream that has brought nothing for so long before the last run ended was hardly a part of it. */
const longUs = 86_400_000_000;

/**
 * Since when the config has not asked for a stream, µs; null if it did until the last run ended. `ownUs` is the receipt of its newest
 * record, 0 if that is not known, and `newestUs` that of the newest of all streams. That a stream was taken out is written down as a gap,
 * which goes on as long as nothing is recorded behind its beginning; where that is gone the age of the newest record tells.
 */
export function leftOutSince(gaps: readonly Gap[], ownUs: number, newestUs: number): number | null {
  const gap = gaps.findLast(({ cause }) => cause === "not_configured");
  if (gap !== undefined && ownUs <= gap.from_us) return gap.from_us;
  return ownUs > 0 && newestUs - ownUs > longUs ? ownUs : null;
}
