import { basename, dirname } from "node:path";
import { type Segment, temporarySuffix } from "../../domain/day.ts";
import { decodeLine } from "../../domain/line.ts";
import { freePath, moveAside, syncFolder } from "../../platform/files/durable-files.ts";
import { open, readFile, rename, rm, stat } from "../../platform/files/files-async.ts";
import { createTurn } from "../../platform/time/timers.ts";
import { type Loss, lossOfAll, tamperLoss, type WrittenBytes, writtenAt } from "../tamper/written-bytes.ts";

/** Where a segment lies, and where what is none of ours goes. */
export type SegmentPlace = { readonly segment: Segment; readonly path: string; readonly quarantine: string };

/** `isReplaced`: there is another file at the path now, which has to be opened anew. */
export type RepairedSegment = {
  readonly bytes: number;
  readonly isReplaced: boolean;
  readonly loss: Loss | null;
  /** What the file holds now. */
  readonly written: WrittenBytes;
};

/** A segment is closed long before; a larger file is somebody else's. */
const largestFile = 256 * 1024 * 1024;

/** Most that is kept of what is none of ours: enough to see whose it was. */
const mostKept = 4 * 1024 * 1024;

/** Longest stall of the main thread, ms. */
const turnMs = 5;

const newline = 10;
const head = '{"recv_us":';

/**
 * Makes a file that was truncated or appended to under us hold whole lines of ours again: cut lines, foreign text and NULs go to quarantine,
 * a line of ours that was glued to them stays. The new file takes the old one's place by a rename. `upTo`: what lies behind it was never
 * confirmed and is not ours. Rejects with the system's error; the file is then as it was.
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
    return { ...nothing(written), isReplaced: true };
  }
  const content = await readFile(path);
  const { kept, strange, times } = await sift(content.subarray(0, Math.min(upTo, content.length)));
  const bytes = kept.reduce((sum, { length }) => sum + length, 0);
  const loss = tamperLoss(written, times);
  const now = loss === null ? written : writtenAt(times, written.firstUs());
  if (bytes === content.length) return { bytes, isReplaced: false, loss, written: now };
  await keepStrange(strange, path, quarantine);
  await replace(path, kept);
  return { bytes, isReplaced: true, loss, written: now };
}

/** Nothing of it is there any more. */
export function nothing(written: WrittenBytes): RepairedSegment {
  return { bytes: 0, isReplaced: false, loss: lossOfAll(written), written: writtenAt([], written.firstUs()) };
}

/** Our lines and what is between them, in pieces of `content`; `times` has the receipt of each line. */
async function sift(content: Buffer): Promise<{ kept: Buffer[]; strange: Buffer[]; times: number[] }> {
  const [kept, strange, times]: [Buffer[], Buffer[], number[]] = [[], [], []];
  const turn = createTurn(turnMs);
  let from = 0;
  const keepUpTo = (end: number) => {
    if (end > from) kept.push(content.subarray(from, end));
  };
  for (let at = 0; at < content.length; ) {
    await turn.giveWay();
    const found = content.indexOf(newline, at);
    const end = found < 0 ? content.length : found;
    const next = found < 0 ? content.length : found + 1;
    const begin = found < 0 ? -1 : content.subarray(at, end).lastIndexOf(head);
    const line = begin < 0 ? null : decodeLine(content.toString("latin1", at + begin, end));
    if (line !== null) times.push(line.recvUs);
    if (line === null || begin > 0) {
      const strangeEnd = line === null ? next : at + begin;
      keepUpTo(at);
      strange.push(content.subarray(at, strangeEnd));
      from = strangeEnd;
    }
    at = next;
  }
  keepUpTo(content.length);
  return { kept, strange, times };
}

async function keepStrange(strange: readonly Buffer[], path: string, folder: string): Promise<void> {
  const bytes = Buffer.concat(strange).subarray(0, mostKept);
  if (bytes.every((byte) => byte === 0)) return;
  const file = await open(freePath(folder, `${basename(path)}.strange`), "ax");
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

async function replace(path: string, pieces: readonly Buffer[]): Promise<void> {
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
