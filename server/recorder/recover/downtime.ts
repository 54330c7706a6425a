import { type Segment, segmentPath } from "../../domain/day.ts";
import type { Gap, GapCause } from "../../domain/gap.ts";
import { recordId } from "../../domain/line.ts";
import { type SeriesKey, type Stream, type StreamFolder, seriesKey } from "../../domain/stream.ts";
import { existsSync } from "../../platform/files/files.ts";
import { endOf, wasRecorded } from "../../storage/list/last-record.ts";
import { leftOutSince } from "./left-out-since.ts";
import { newestOnDiskUs } from "./newest-on-disk.ts";

/** Since when a stream is not recorded, µs, because nobody ran, or because the config did not ask for it. */
export type Downtime = {
  readonly fromUs: number;
  readonly cause: Extract<GapCause, "restart" | "crash" | "not_configured">;
  /** Ids of the last records before, which the exchange may send again. */
  readonly repeatedIds?: readonly number[];
};

/** What is known of the runs before this one. */
export type Before = {
  /** Null where no run is known. */
  readonly lastRun: {
    readonly lastRecvUs: number;
    readonly clean: boolean;
    /** The machine has started anew since, or nobody can tell: what was not synced may be lost. */
    readonly isRebooted?: boolean;
  } | null;
  /** Segments that were open when the run before this one ended. */
  readonly segments: readonly Segment[];
  /** Receipt of the newest record of a stream that was written down, µs; 0 if none was. */
  readonly notedUsOf: (stream: StreamFolder, symbol: string) => number;
  /** Its id; null if none was written down. */
  readonly notedIdOf?: (stream: StreamFolder, symbol: string) => number | null;
  /** Which streams the runs before have recorded is not known: the files of each alone tell. */
  readonly isLost: boolean;
  /** Gaps of a stream that are written down, by beginning. */
  readonly gapsOf: (stream: StreamFolder, symbol: string) => readonly Gap[];
};

/**
 * For each stream that was recorded before, the time since which nothing is: of a clean stop the last receipt, of a crash the last
 * record on disk, or what the last receipt leaves after one flush interval, whichever is later; of a power loss the last record on
 * disk. A pause that an earlier start has written down, and in or after which nothing was recorded, goes on: it is one gap, however many
 * starts there were. A record at its very end is the one that ended it. A stream that the config
 * did not ask for meanwhile is missing since it was taken out, whatever others have received since. `newestUs` is what is known of all
 * streams together, 0 for nothing.
 */
export function downtimes(
  dataDir: string,
  streams: readonly Stream[],
  { lastRun, segments, notedUsOf, notedIdOf, isLost, gapsOf }: Before,
  { flushMs, nowUs }: { flushMs: number; nowUs: number },
): { readonly newestUs: number; readonly of: ReadonlyMap<Stream, Downtime> } {
  const { lastOf, lines, torn, paired } = endsOnDisk(dataDir, streams, { lastRun, segments });
  // A clock that was put back since then would make it the future.
  const newestUs = Math.min(nowUs, Math.max(lastRun?.lastRecvUs ?? 0, ...lastOf.values()));
  const found = new Map<Stream, Downtime>();
  if (newestUs === 0) return { newestUs, of: found };
  const isClean = lastRun?.clean === true;
  const isRebooted = lastRun?.isRebooted === true;
  for (const stream of streams) {
    const { folder } = stream.type;
    const gaps = gapsOf(folder, stream.symbol);
    const pause = gaps.findLast(isPause);
    if (pause === undefined && !wasRecorded(dataDir, stream)) continue;
    const key = seriesKey(folder, stream.symbol);
    const ownUs = lastOf.get(key) ?? 0;
    const noted = isLost ? newestOnDiskUs(dataDir, [stream]) : notedUsOf(folder, stream.symbol);
    const lastIds = [
      notedIdOf?.(folder, stream.symbol) ?? null,
      ...(lines.get(key) ?? []).map((line) => recordId(line, stream.type.kind)),
    ].filter((id) => id !== null);
    const repeated = lastIds.length > 0 && { repeatedIds: [...new Set(lastIds)] };
    const leftOutUs = leftOutSince(gaps, Math.max(ownUs, noted), newestUs);
    if (leftOutUs !== null || (isLost && ownUs === 0 && noted > 0 && noted < newestUs)) {
      const cause = leftOutUs === null ? "restart" : "not_configured";
      found.set(stream, { fromUs: leftOutUs ?? noted, cause, ...repeated });
      continue;
    }
    // A power loss takes what was not synced, and there is no telling how much that was: only the files say how far they go.
    // The same holds for a file that was cut short meanwhile: a kill alone tears no line.
    const isShort = isRebooted || torn.has(key);
    // A raw file that a power loss has brought back holds less than the sealed one beside it.
    const storedUs = isShort && (ownUs === 0 || paired.has(key)) ? newestOnDiskUs(dataDir, [stream]) : 0;
    const onDiskUs = isShort ? Math.max(ownUs, storedUs) || newestUs : newestUs - flushMs * 1000;
    const fromUs = isClean ? newestUs : Math.max(Math.min(ownUs, newestUs), Math.min(onDiskUs, newestUs));
    const cause = isClean ? "restart" : "crash";
    const goesOn = pause !== undefined && Math.max(newestUs, ownUs) < pause.to_us;
    found.set(stream, { ...(goesOn ? { fromUs: pause.from_us, cause: pause.cause } : { fromUs, cause }), ...repeated });
  }
  return { newestUs, of: found };
}

/** Receipt of the newest record of each stream, µs, as far as files can tell that the last run has not noted. */
function endsOnDisk(
  dataDir: string,
  streams: readonly Stream[],
  { lastRun, segments }: Pick<Before, "lastRun" | "segments">,
) {
  const lastOf = new Map<SeriesKey, number>();
  /** The last line of each of its open segments. */
  const lines = new Map<SeriesKey, string[]>();
  /** Streams of which the newest file ends within a record. */
  const torn = new Set<string>();
  /** Streams with a raw segment that is sealed as well. */
  const paired = new Set<string>();
  for (const segment of segments) {
    const key = seriesKey(segment.stream, segment.symbol);
    if (existsSync(segmentPath(dataDir, segment, "sealed"))) paired.add(key);
    const end = endOfSegment(dataDir, segment);
    if (end === null) continue;
    lastOf.set(key, Math.max(end.lastUs, lastOf.get(key) ?? 0));
    lines.set(key, [...(lines.get(key) ?? []), end.last]);
    if (end.isTorn) torn.add(key);
    else torn.delete(key);
  }
  if (lastRun === null || lastRun.clean) return { lastOf, lines, torn, paired };
  // While the disk was slow nothing was noted, and what was recorded then may have been sealed since.
  const knownUs = Math.max(lastRun.lastRecvUs, ...lastOf.values());
  for (const stream of streams) {
    const key = seriesKey(stream.type.folder, stream.symbol);
    lastOf.set(key, Math.max(newestOnDiskUs(dataDir, [stream], knownUs), lastOf.get(key) ?? 0));
  }
  return { lastOf, lines, torn, paired };
}

function isPause(gap: Gap): gap is Gap & { readonly cause: "restart" | "crash" } {
  return gap.cause === "restart" || gap.cause === "crash";
}

/** Null for a segment that is empty or cannot be read. */
function endOfSegment(dataDir: string, segment: Segment): ReturnType<typeof endOf> {
  try {
    return endOf(segmentPath(dataDir, segment, "open"));
  } catch {
    return null;
  }
}
