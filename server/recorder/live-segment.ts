import { mkdir } from "../platform/files-async.ts";
import { dateOf, liveFolder, type Segment, segmentPath, windowOf } from "../segment.ts";
import type { Stream } from "../stream.ts";
import type { DiskPace } from "./disk-pace.ts";
import { createFree } from "./free-segment.ts";
import { openSegment, type SegmentWriter } from "./segment-writer.ts";

/** A segment that is being written. */
export type LiveSegment = {
  readonly writer: SegmentWriter;
  readonly segment: Segment;
  /** Time of its first record, and the end of its window, µs. */
  readonly firstUs: number;
  readonly windowEndUs: number;
};

/** Opens a segment, under a name that nothing had before, for records from `firstUs` on. Rejects with the system's error. */
export async function openLive(
  options: { dataDir: string; segmentMinutes: number },
  stream: Stream,
  firstUs: number,
  pace: DiskPace,
): Promise<LiveSegment> {
  const window = windowOf(firstUs, options.segmentMinutes);
  const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(firstUs) };
  await mkdir(liveFolder(options.dataDir, day), { recursive: true });
  const { segment, file } = await createFree(options.dataDir, { ...day, name: window.name }, (path) =>
    openSegment(path, "new", pace),
  );
  return { writer: file, segment, firstUs, windowEndUs: window.endUs };
}

/** Writes a segment whose name was deleted once more, from what its descriptor still holds. Rejects with the system's error. */
export async function writeAgain(dataDir: string, one: LiveSegment, pace: DiskPace): Promise<LiveSegment> {
  const path = segmentPath(dataDir, one.segment, "open");
  await mkdir(liveFolder(dataDir, one.segment), { recursive: true });
  await one.writer.copyTo(path);
  const writer = await openSegment(path, "existing", pace);
  await one.writer.close({ sync: false }).catch(() => {});
  return { ...one, writer };
}
