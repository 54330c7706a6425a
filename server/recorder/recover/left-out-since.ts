import type { Gap } from "../../domain/gap.ts";

/** A day, µs. A stream without records for this time before the end of the last run was hardly part of that run. */
const longUs = 86_400_000_000;

/**
 * Returns since when the config has not asked for a stream, µs; null if it did until the last run ended. `streamUs`: receipt of the stream's
 * newest record, 0 if unknown. `newestUs`: receipt of the newest record of all streams.
 *
 * 1. The removal of a stream is stored as a `not_configured` gap. It lasts until a record or another gap follows its start.
 * 2. Without such a gap the age of the newest record decides, or the end of a later gap.
 *
 * A run that records the stream writes gaps down, even if a power loss takes the records of that run.
 */
export function leftOutSince(gaps: readonly Gap[], streamUs: number, newestUs: number): number | null {
  const last = gaps.findLast(({ cause }) => cause !== "clock");
  if (last?.cause === "not_configured" && streamUs <= last.from_us) return last.from_us;
  const seenUs = Math.max(streamUs, last?.to_us ?? 0);
  return streamUs > 0 && newestUs - seenUs > longUs ? streamUs : null;
}
