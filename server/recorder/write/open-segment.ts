import {
  dateOf,
  liveFolder,
  quarantineFolder,
  type Segment,
  segmentPath,
  temporarySuffix,
  windowOf,
} from "../../domain/day.ts";
import { decodeLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { moveAside } from "../../platform/files/durable-files.ts";
import { mkdir, open as openFile, rename, rm } from "../../platform/files/files-async.ts";
import { readFirstLines } from "../recover/first-lines.ts";
import { lostSegment, type RepairedSegment, repairSegment, type SegmentPlace } from "../recover/repair-segment.ts";
import { createWrittenBytes, type Loss, type WrittenBytes } from "../tamper/written-bytes.ts";
import { createFree, isThere, type UsedNames } from "./free-segment-name.ts";
import { openSegment, type SegmentFile } from "./segment-file.ts";
import type { WriteLatency } from "./write-latency.ts";

/** A segment that is open for writing. */
export type OpenSegment = {
  readonly writer: SegmentFile;
  readonly segment: Segment;
  readonly written: WrittenBytes;
  /** End of its window, µs. */
  readonly windowEndUs: number;
};

/** Creates a segment with a free name for records from `firstUs` on. Rejects with the system's error. */
export async function createOpenSegment(
  options: { dataDir: string; segmentMinutes: number; usedNames?: UsedNames | undefined },
  stream: Stream,
  firstUs: number,
  writeLatency: WriteLatency,
): Promise<OpenSegment> {
  const window = windowOf(firstUs, options.segmentMinutes);
  const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(firstUs) };
  await mkdir(liveFolder(options.dataDir, day), { recursive: true });
  const { segment, file } = await createFree(options, { ...day, name: window.name }, (path) =>
    openSegment(path, "new", writeLatency),
  );
  return { writer: file, segment, written: createWrittenBytes(firstUs), windowEndUs: window.endUs };
}

/** A repaired segment, and the records that are lost; `loss` is null if all records are there. */
export type Restored = { readonly open: OpenSegment; readonly loss: Loss | null };

/**
 * Restores a segment whose name was deleted or replaced, from its open descriptor. Rejects with the system's error.
 *
 * 1. Copy the content of the descriptor to a temporary file.
 * 2. Move a foreign file at the segment's path to quarantine. If backfilled trades have taken the path, use another name.
 * 3. Rename the temporary file to the segment's path and continue in it.
 */
export async function writeAgain(
  folder: { readonly dataDir: string; readonly usedNames?: UsedNames | undefined },
  open: OpenSegment,
  writeLatency: WriteLatency,
): Promise<Restored> {
  const { dataDir } = folder;
  let place = placeOf(dataDir, open.segment);
  await mkdir(liveFolder(dataDir, open.segment), { recursive: true });
  const temporary = place.path + temporarySuffix;
  await rm(temporary, { force: true });
  try {
    await open.writer.copyTo(temporary);
    if (await isNameTaken(dataDir, open.segment)) place = placeOf(dataDir, await reserveName(folder, open.segment));
    else if (await isThere(place.path)) moveAside(place.path, place.quarantine);
    await rename(temporary, place.path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  const writer = await openSegment(place.path, "existing", writeLatency);
  await closeQuietly(open.writer);
  const next = { ...open, segment: place.segment, writer };
  return writer.bytes() === open.writer.bytes()
    ? { open: next, loss: null }
    : repairOpenSegment(dataDir, next, writeLatency);
}

/** While the name of an open segment was away, backfilled trades may have taken it. They may be sealed by now. */
async function isNameTaken(dataDir: string, segment: Segment): Promise<boolean> {
  if (await isThere(segmentPath(dataDir, segment, "sealed"))) return true;
  return (await firstRecord(segmentPath(dataDir, segment, "open")))?.repaired === true;
}

/** An empty file reserves the name: a rename could replace another segment. */
async function reserveName(folder: Parameters<typeof createFree>[0], segment: Segment): Promise<Segment> {
  const wanted = { ...segment, name: segment.name.replace(/_\d+$/, "") };
  const { segment: free } = await createFree(folder, wanted, async (path) => (await openFile(path, "ax")).close());
  return free;
}

/** Returns the first record of a raw segment; null if the file does not begin with a line of ours. */
async function firstRecord(path: string): Promise<ReturnType<typeof decodeLine>> {
  const lines = (await readFirstLines(path))?.toString("latin1") ?? "";
  return decodeLine(lines.slice(0, lines.indexOf("\n")));
}

/** Repairs a segment that another program has truncated or appended to. Rejects with the system's error. */
export async function repairOpenSegment(
  dataDir: string,
  open: OpenSegment,
  writeLatency: WriteLatency,
): Promise<Restored> {
  const { bytes, isReplaced, loss, written } = await repairSegment(placeOf(dataDir, open.segment), open.written);
  if (!isReplaced) {
    open.writer.adopt(bytes);
    return { open: { ...open, written }, loss };
  }
  const writer = await openSegment(open.writer.path, "existing", writeLatency);
  await closeQuietly(open.writer);
  return { open: { ...open, writer, written }, loss };
}

/**
 * Repairs a segment whose descriptor has failed for good, once its file system answers again. The part of a failed write is cut off, because
 * those lines are written to another segment. Rejects with the system's error.
 */
export async function repairAbandoned(
  dataDir: string,
  { segment, written, writer }: OpenSegment,
): Promise<RepairedSegment> {
  const place = placeOf(dataDir, segment);
  if (!(await isThere(place.path))) return lostSegment(written);
  // The name may belong to another segment by now.
  const first = await firstRecord(place.path);
  if (first !== null && (first.repaired || first.recvUs !== written.firstUs())) return lostSegment(written);
  const repaired = await repairSegment(place, written, writer.bytes());
  if (repaired.bytes === 0) await rm(place.path, { force: true });
  return repaired;
}

function placeOf(dataDir: string, segment: Segment): SegmentPlace {
  return { segment, path: segmentPath(dataDir, segment, "open"), quarantine: quarantineFolder(dataDir, segment) };
}

async function closeQuietly(writer: SegmentFile): Promise<void> {
  await writer.close({ sync: false }).catch(() => {});
}
