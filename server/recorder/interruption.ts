import type { GapCause } from "../gap.ts";
import { type Segment, segmentPath } from "../segment.ts";
import type { Stream } from "../stream.ts";
import { lastRecordUs, wasRecorded } from "./last-record.ts";

/** Since when a stream is not recorded, µs, because nobody ran. */
export type Downtime = { readonly fromUs: number; readonly cause: Extract<GapCause, "restart" | "crash"> };

/**
 * For each stream that was recorded before, the time since which nothing is: of a clean stop the last receipt, of a crash the last
 * record on disk, or what the last receipt leaves after one flush interval, whichever is later. `lastRun` is what the catalogue
 * knows, null where it knows nothing; `orphans` are the segments that were open. `newestUs` is what is known of all streams together, 0 for
 * nothing: it has to be remembered, since this start seals the orphans and may be killed at once.
 */
export function downtimes(
  dataDir: string,
  streams: readonly Stream[],
  lastRun: { readonly lastRecvUs: number; readonly clean: boolean } | null,
  orphans: readonly Segment[],
  { flushMs, nowUs }: { flushMs: number; nowUs: number },
): { readonly newestUs: number; readonly of: ReadonlyMap<Stream, Downtime> } {
  const lastOf = new Map<string, number>();
  for (const segment of orphans) {
    const key = `${segment.stream}/${segment.symbol}`;
    const us = lastRecordUs(segmentPath(dataDir, segment, "open")) ?? 0;
    lastOf.set(key, Math.max(us, lastOf.get(key) ?? 0));
  }
  // A clock that was put back since then would make it the future.
  const newestUs = Math.min(nowUs, Math.max(lastRun?.lastRecvUs ?? 0, ...lastOf.values()));
  const found = new Map<Stream, Downtime>();
  if (newestUs === 0) return { newestUs, of: found };
  const isClean = lastRun?.clean === true;
  for (const stream of streams) {
    if (!wasRecorded(dataDir, stream)) continue;
    const ownUs = lastOf.get(`${stream.type.folder}/${stream.symbol}`) ?? 0;
    const fromUs = isClean ? newestUs : Math.max(Math.min(ownUs, newestUs), newestUs - flushMs * 1000);
    found.set(stream, { fromUs, cause: isClean ? "restart" : "crash" });
  }
  return { newestUs, of: found };
}
