import { type Segment, segmentPath } from "../../domain/day.ts";
import type { Gap, GapCause } from "../../domain/gap.ts";
import { recordId } from "../../domain/line.ts";
import { type SeriesKey, type Stream, type StreamFolder, seriesKey } from "../../domain/stream.ts";
import { endOf, wasRecorded } from "../../storage/list/last-record.ts";
import { leftOutSince } from "./left-out-since.ts";
import { newestOnDiskUs } from "./newest-on-disk.ts";

/** Since when a stream is not recorded, µs: no recorder ran, or the config did not ask for the stream. */
export type Downtime = {
  readonly fromUs: number;
  readonly cause: Extract<GapCause, "restart" | "crash" | "not_configured">;
  /** Ids of the last records before the downtime. The exchange may send them again. */
  readonly repeatedIds?: readonly number[];
};

/** Facts about earlier runs. */
export type Before = {
  /** The last run; null if no run is known. */
  readonly lastRun: {
    readonly lastRecvUs: number;
    readonly clean: boolean;
    /** The machine was rebooted since, or that is unknown: data that was not synced may be lost. */
    readonly isRebooted?: boolean;
  } | null;
  /** Segments that were open when the last run ended. */
  readonly segments: readonly Segment[];
  /** Returns the stored receipt of a stream's newest record, µs; 0 if it is unknown. */
  readonly notedUsOf: (stream: StreamFolder, symbol: string) => number;
  /** Returns the stored id of that record; null if it is unknown. */
  readonly notedIdOf?: (stream: StreamFolder, symbol: string) => number | null;
  /** The streams of earlier runs are unknown: a stream was recorded if it has files. */
  readonly isLost: boolean;
  /** Returns the stored gaps of a stream, in order of their start. */
  readonly gapsOf: (stream: StreamFolder, symbol: string) => readonly Gap[];
};

/**
 * While the disk works the journal saves the last receipt, and the newest record of each stream, more often than this, µs. If files are
 * newer, the disk refused the journal, and it may have refused records of any stream.
 */
const savedWithinUs = 20_000_000;

/**
 * Returns the downtime of each stream that was recorded before. `newestUs`: receipt of the newest record of all streams; 0 if unknown.
 *
 * | end of the last run                              | the downtime of a stream starts                                                |
 * |--------------------------------------------------|--------------------------------------------------------------------------------|
 * | clean stop                                       | at the newest receipt                                                          |
 * | crash                                            | at its last record on disk, or one flush interval before the newest receipt, whichever is later |
 * | reboot, or its newest file is torn               | at its last record on disk                                                     |
 * | crash while the disk refused the journal         | at its last record on disk                                                     |
 * | crash, and a stored gap covers that moment       | when that gap ended                                                            |
 * | crash, and no record since its last stored gap   | when that gap ended, or `savedWithinUs` before the receipt that the journal knows, whichever is later |
 * | its last downtime is stored, no record since     | at the start of the stored downtime: one gap for several starts                |
 * | the config did not ask for it                    | when it was removed, whatever other streams have received since                |
 */
export function downtimes(
  dataDir: string,
  streams: readonly Stream[],
  { lastRun, segments, notedUsOf, notedIdOf, isLost, gapsOf }: Before,
  { flushMs, nowUs }: { flushMs: number; nowUs: number },
): { readonly newestUs: number; readonly of: ReadonlyMap<Stream, Downtime> } {
  const { lastOf, lines, torn } = endsOnDisk(dataDir, streams, { lastRun, segments });
  // If the clock was set back, the newest receipt may be in the future.
  const newestUs = Math.min(nowUs, Math.max(lastRun?.lastRecvUs ?? 0, ...lastOf.values()));
  const byStream = new Map<Stream, Downtime>();
  if (newestUs === 0) return { newestUs, of: byStream };
  const isClean = lastRun?.clean === true;
  const isRebooted = lastRun?.isRebooted === true;
  const isRefused = !isClean && newestUs - (lastRun?.lastRecvUs ?? newestUs) > savedWithinUs;
  for (const stream of streams) {
    const { folder } = stream.type;
    const gaps = gapsOf(folder, stream.symbol);
    const pause = gaps.findLast(isPause);
    if (pause === undefined && !wasRecorded(dataDir, stream)) continue;
    const key = seriesKey(folder, stream.symbol);
    const streamUs = lastOf.get(key) ?? 0;
    const savedUs = isLost ? newestOnDiskUs(dataDir, [stream]) : notedUsOf(folder, stream.symbol);
    const lastIds = [
      notedIdOf?.(folder, stream.symbol) ?? null,
      ...(lines.get(key) ?? []).map((line) => recordId(line, stream.type.kind)),
    ].filter((id) => id !== null);
    const repeated = lastIds.length > 0 && { repeatedIds: [...new Set(lastIds)] };
    // A power loss loses an unknown amount of unsynced data, so only the files count. The same holds for a file that was cut meanwhile:
    // a kill alone tears no line. A disk that refused the journal may have taken records of other streams only.
    const isShort = isRebooted || isRefused || torn.has(key);
    // After a power loss an old raw file may exist again beside its sealed file or newer segments, and hold less.
    const storedUs = isShort ? newestOnDiskUs(dataDir, [stream], streamUs) : 0;
    const leftOutUs = leftOutSince(gaps, Math.max(streamUs, savedUs, storedUs), newestUs);
    if (leftOutUs !== null || (isLost && streamUs === 0 && savedUs > 0 && savedUs < newestUs)) {
      const cause = leftOutUs === null ? "restart" : "not_configured";
      byStream.set(stream, { fromUs: leftOutUs ?? savedUs, cause, ...repeated });
      continue;
    }
    const onDiskUs = isShort ? Math.max(streamUs, storedUs) || newestUs : newestUs - flushMs * 1000;
    const lastUs = isClean ? newestUs : Math.max(Math.min(streamUs, newestUs), Math.min(onDiskUs, newestUs));
    const endUs = isShort ? lastUs : behindGap(gaps, lastUs, newestUs);
    const goneUs = isClean
      ? endUs
      : goneSinceUs(gaps, Math.max(streamUs, savedUs), () => newestOnDiskUs(dataDir, [stream]));
    const fromUs = Math.min(endUs, Math.max(goneUs, (lastRun?.lastRecvUs ?? 0) - savedWithinUs));
    const cause = isClean ? "restart" : "crash";
    const continuesPause = pause !== undefined && Math.max(newestUs, streamUs) < pause.to_us;
    byStream.set(stream, {
      ...(continuesPause ? { fromUs: pause.from_us, cause: pause.cause } : { fromUs, cause }),
      ...repeated,
    });
  }
  return { newestUs, of: byStream };
}

/** Returns `atUs`, or the end of a gap that is stored and covers it. The time of the gap is not missing a second time. */
function behindGap(gaps: readonly Gap[], atUs: number, newestUs: number): number {
  const covering = gaps.findLast(
    ({ from_us, to_us, cause }) => cause !== "clock" && from_us <= atUs && to_us > atUs && to_us <= newestUs,
  );
  return covering?.to_us ?? atUs;
}

/**
 * Returns since when all records of a stream are gone, µs: a gap has ended, so the stream was received again, and neither journal nor files
 * know a record since then. Infinite if they know one.
 */
function goneSinceUs(gaps: readonly Gap[], knownUs: number, newestUs: () => number): number {
  const receivedUs = gaps.findLast(({ cause }) => cause !== "clock")?.to_us ?? 0;
  return knownUs < receivedUs && newestUs() < receivedUs ? receivedUs : Number.POSITIVE_INFINITY;
}

/** Finds the newest record of each stream in files that the last run has not stored a receipt for. */
function endsOnDisk(
  dataDir: string,
  streams: readonly Stream[],
  { lastRun, segments }: Pick<Before, "lastRun" | "segments">,
) {
  const lastOf = new Map<SeriesKey, number>();
  /** The last line of each of its open segments. */
  const lines = new Map<SeriesKey, string[]>();
  /** Streams whose newest file ends within a record. */
  const torn = new Set<string>();
  for (const segment of segments) {
    const key = seriesKey(segment.stream, segment.symbol);
    const end = endOfSegment(dataDir, segment);
    if (end === null) continue;
    lastOf.set(key, Math.max(end.lastUs, lastOf.get(key) ?? 0));
    lines.set(key, [...(lines.get(key) ?? []), end.last]);
    if (end.isTorn) torn.add(key);
    else torn.delete(key);
  }
  if (lastRun === null || lastRun.clean) return { lastOf, lines, torn };
  // While the disk was slow no receipt was stored, and those records may be in sealed segments.
  const knownUs = Math.max(lastRun.lastRecvUs, ...lastOf.values());
  for (const stream of streams) {
    const key = seriesKey(stream.type.folder, stream.symbol);
    lastOf.set(key, Math.max(newestOnDiskUs(dataDir, [stream], knownUs), lastOf.get(key) ?? 0));
  }
  return { lastOf, lines, torn };
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
