import {
  dateOf,
  liveFolder,
  quarantineFolder,
  type Segment,
  segmentPath,
  temporarySuffix,
  windowOf,
} from "../../domain/day.ts";
import type { Stream } from "../../domain/stream.ts";
import { moveAside } from "../../platform/files/durable-files.ts";
import { mkdir, rename, rm } from "../../platform/files/files-async.ts";
import { nothing, type RepairedSegment, repairSegment, type SegmentPlace } from "../recover/repair-segment.ts";
import { createWrittenBytes, type Loss, type WrittenBytes } from "../tamper/written-bytes.ts";
import { createFree, isThere } from "./free-segment-name.ts";
import { openSegment, type SegmentFile } from "./segment-file.ts";
import type { WriteLatency } from "./write-latency.ts";

/** A segment that is being written. */
export type OpenSegment = {
  readonly writer: SegmentFile;
  readonly segment: Segment;
  readonly written: WrittenBytes;
  /** End of its window, µs. */
  readonly windowEndUs: number;
};

/** Opens a segment, under a name that nothing had before, for records from `firstUs` on. Rejects with the system's error. */
export async function createOpenSegment(
  options: { dataDir: string; segmentMinutes: number },
  stream: Stream,
  firstUs: number,
  pace: WriteLatency,
): Promise<OpenSegment> {
  const window = windowOf(firstUs, options.segmentMinutes);
  const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(firstUs) };
  await mkdir(liveFolder(options.dataDir, day), { recursive: true });
  const { segment, file } = await createFree(options.dataDir, { ...day, name: window.name }, (path) =>
    openSegment(path, "new", pace),
  );
  return { writer: file, segment, written: createWrittenBytes(firstUs), windowEndUs: window.endUs };
}

/** A segment after it was made whole again, and what is gone for good. */
export type Restored = { readonly live: OpenSegment; readonly loss: Loss | null };

/**
 * Writes a segment whose name was deleted or leads elsewhere once more, from what its descriptor still holds. A stranger's file in its place
 * goes to quarantine. Rejects with the system's error.
 */
export async function writeAgain(dataDir: string, live: OpenSegment, pace: WriteLatency): Promise<Restored> {
  const place = placeOf(dataDir, live.segment);
  await mkdir(liveFolder(dataDir, live.segment), { recursive: true });
  const temporary = place.path + temporarySuffix;
  await rm(temporary, { force: true });
  try {
    await live.writer.copyTo(temporary);
    if (await isThere(place.path)) moveAside(place.path, place.quarantine);
    await rename(temporary, place.path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  const writer = await openSegment(place.path, "existing", pace);
  await closeQuietly(live.writer);
  const next = { ...live, writer };
  return writer.bytes() === live.writer.bytes() ? { live: next, loss: null } : repairOpenSegment(dataDir, next, pace);
}

/** Makes a segment that somebody has truncated or appended to whole again. Rejects with the system's error. */
export async function repairOpenSegment(dataDir: string, live: OpenSegment, pace: WriteLatency): Promise<Restored> {
  const { bytes, isReplaced, loss, written } = await repairSegment(placeOf(dataDir, live.segment), live.written);
  if (!isReplaced) {
    live.writer.adopt(bytes);
    return { live: { ...live, written }, loss };
  }
  const writer = await openSegment(live.writer.path, "existing", pace);
  await closeQuietly(live.writer);
  return { live: { ...live, writer, written }, loss };
}

/**
 * Looks what has become of a segment whose descriptor failed for good, once its file system can be reached again. Half of what could not be
 * written is cut off: it is written elsewhere. Rejects with the system's error.
 */
export async function settleAbandoned(
  dataDir: string,
  { segment, written, writer }: OpenSegment,
): Promise<RepairedSegment> {
  const place = placeOf(dataDir, segment);
  if (!(await isThere(place.path))) return nothing(written);
  const mended = await repairSegment(place, written, writer.bytes());
  if (mended.bytes === 0) await rm(place.path, { force: true });
  return mended;
}

function placeOf(dataDir: string, segment: Segment): SegmentPlace {
  return { segment, path: segmentPath(dataDir, segment, "open"), quarantine: quarantineFolder(dataDir, segment) };
}

async function closeQuietly(writer: SegmentFile): Promise<void> {
  await writer.close({ sync: false }).catch(() => {});
}
