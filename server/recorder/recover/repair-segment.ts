import { basename, dirname } from "node:path";
import { type Segment, temporarySuffix } from "../../domain/day.ts";
import { decodeLine } from "../../domain/line.ts";
import { freePath, moveAside, syncFolder } from "../../platform/files/durable-files.ts";
import { open, readFile, rename, rm, stat } from "../../platform/files/files-async.ts";
import { createTurn } from "../../platform/time/timers.ts";
import { type Loss, lossOfAll, tamperLoss, type WrittenBytes, writtenAt } from "../tamper/written-bytes.ts";

/** Where a segment is, and the quarantine folder for foreign content. */
export type SegmentPlace = { readonly segment: Segment; readonly path: string; readonly quarantine: string };

/** A repaired segment. `isReplaced`: the path leads to a new file, which must be opened again. */
export type RepairedSegment = {
  readonly bytes: number;
  readonly isReplaced: boolean;
  readonly loss: Loss | null;
  /** The records that the file holds now. */
  readonly written: WrittenBytes;
};

/** Largest segment, bytes. Segments are closed long before, so a larger file is not ours. */
export const largestFile = 256 * 1024 * 1024;

/** Most bytes kept of foreign content: enough to recognise it. */
const mostKept = 4 * 1024 * 1024;

/** Longest time that the main thread is blocked, ms. */
const turnMs = 5;

const newline = 10;
/** The beginning of each line of ours. */
export const head = '{"recv_us":';

/**
 * Repairs a segment that another program has truncated or appended to, so that it holds only whole lines of ours.
 *
 * 1. A file that is too large is moved to quarantine as a whole.
 * 2. Bytes after `upTo` are dropped: their write was never confirmed.
 * 3. Cut lines, foreign text and NULs go to quarantine. A line of ours that directly follows them stays.
 * 4. The kept lines are written to a new file, which replaces the segment by a rename.
 *
 * Rejects with the system's error; then the file is unchanged.
 */
export async function repairSegment(
  { path, quarantine }: SegmentPlace,
  written: WrittenBytes,
  upTo = Number.POSITIVE_INFINITY,
): Promise<RepairedSegment> {
  const { size } = await stat(path);
  if (size > largestFile) {
    moveAside(path, quarantine);
    await (await open(path, "a")).close();
    return { ...lostSegment(written), isReplaced: true };
  }
  const content = await readFile(path);
  const { kept, foreign, times } = await splitContent(content.subarray(0, Math.min(upTo, content.length)));
  const bytes = kept.reduce((sum, { length }) => sum + length, 0);
  const loss = tamperLoss(written, times);
  const now = loss === null ? written : writtenAt(times, written.firstUs());
  if (bytes === content.length) return { bytes, isReplaced: false, loss, written: now };
  await keepForeign(foreign, path, quarantine);
  await replaceContent(path, kept);
  return { bytes, isReplaced: true, loss, written: now };
}

/** The result for a segment that is lost as a whole. */
export function lostSegment(written: WrittenBytes): RepairedSegment {
  return { bytes: 0, isReplaced: false, loss: lossOfAll(written), written: writtenAt([], written.firstUs()) };
}

/**
 * Splits `content` into our lines and foreign pieces. `times`: the receipt of each line. `before`: for each foreign piece, how many lines
 * come before it.
 */
export async function splitContent(content: Buffer) {
  const [kept, foreign, times, before]: [Buffer[], Buffer[], number[], number[]] = [[], [], [], []];
  const turn = createTurn(turnMs);
  let from = 0;
  const keepUpTo = (end: number) => {
    if (end > from) kept.push(content.subarray(from, end));
  };
  for (let at = 0; at < content.length; ) {
    await turn.giveWay();
    const newlineAt = content.indexOf(newline, at);
    const end = newlineAt < 0 ? content.length : newlineAt;
    const next = newlineAt < 0 ? content.length : newlineAt + 1;
    const begin = newlineAt < 0 ? -1 : content.subarray(at, end).lastIndexOf(head);
    const line = begin < 0 ? null : decodeLine(content.toString("latin1", at + begin, end));
    if (line === null || begin > 0) {
      before.push(times.length);
      const foreignEnd = line === null ? next : at + begin;
      keepUpTo(at);
      foreign.push(content.subarray(at, foreignEnd));
      from = foreignEnd;
    }
    if (line !== null) times.push(line.recvUs);
    at = next;
  }
  keepUpTo(content.length);
  return { kept, foreign, times, before };
}

/** Writes foreign pieces to quarantine. */
export async function keepForeign(foreign: readonly Buffer[], path: string, folder: string): Promise<void> {
  const bytes = Buffer.concat(foreign).subarray(0, mostKept);
  if (bytes.every((byte) => byte === 0)) return;
  const file = await open(freePath(folder, `${basename(path)}.strange`), "ax");
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/** Puts a new file of these pieces in the place of the file at `path`. */
export async function replaceContent(path: string, pieces: readonly Buffer[]): Promise<void> {
  const temporary = path + temporarySuffix;
  await rm(temporary, { force: true });
  try {
    const file = await open(temporary, "ax");
    try {
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  syncFolder(dirname(path));
}
