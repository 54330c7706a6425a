import { basename } from "node:path";
import { decodeLine } from "../../domain/line.ts";
import { freePath, syncFolder } from "../../platform/files/durable-files.ts";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeFileSync,
  writeSync,
} from "../../platform/files/files.ts";

/**
 * How the end of a raw segment was repaired.
 *
 * | kind         | end of the file                                     | repair                                                     |
 * |--------------|-----------------------------------------------------|------------------------------------------------------------|
 * | whole        | a whole line                                        | none                                                       |
 * | completed    | a whole line without its newline                    | the newline was added                                      |
 * | cut          | half a line, NULs after a power loss, foreign text  | `bytes` were cut; they are at `keptAt`, without final NULs |
 * | none_of_ours | no line of ours                                     | none here; the caller moves the file to quarantine         |
 */
export type TailRepair =
  | { readonly kind: "whole" }
  | { readonly kind: "completed" }
  | { readonly kind: "cut"; readonly bytes: number; readonly keptAt: string }
  | { readonly kind: "none_of_ours"; readonly bytes: number };

/** Bytes read first from the end of the file; this nearly always suffices. */
const firstWindow = 16 * 1024;

/** Most bytes read from the end of the file to find a line of ours. Segments are hardly larger. */
const lastWindow = 64 * 1024 * 1024;

/** Most bytes kept of a cut tail: far above any half-written line, far below the size of a disk. */
const mostKept = 4 * 1024 * 1024;

const newline = 10;

/**
 * Repairs the end of a raw segment, so that it ends with a whole line of ours. Cut bytes are kept in `folder`. Only the last 64 MiB are
 * searched for a line of ours. Throws the system's errors.
 */
export function repairTail(path: string, folder: string): TailRepair {
  const fd = openSync(path, "r+");
  try {
    const size = fstatSync(fd).size;
    for (let window = firstWindow; ; window = Math.min(window * 16, lastWindow)) {
      const from = Math.max(0, size - window);
      const bytes = read(fd, from, size);
      const end = endOfGoodLines(bytes, from === 0);
      if (end === bytes.length) return { kind: "whole" };
      if (end !== null && isLine(bytes.subarray(end))) {
        writeSync(fd, "\n", size);
        fsyncSync(fd);
        return { kind: "completed" };
      }
      if (end !== null && end > 0) return cut(fd, path, from + end, size, folder);
      if (from === 0 || window >= lastWindow) return { kind: "none_of_ours", bytes: size };
    }
  } finally {
    closeSync(fd);
  }
}

/** Returns the end of the last whole line of ours, including its newline; 0 if there is none; null if more bytes are needed. */
function endOfGoodLines(bytes: Buffer, fromStart: boolean): number | null {
  let end = bytes.lastIndexOf(newline);
  while (end >= 0) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(newline, end - 1);
    if (before < 0 && !fromStart) return null;
    if (isLine(bytes.subarray(before + 1, end))) return end + 1;
    end = before;
  }
  return fromStart ? 0 : null;
}

/** True for a whole record: it starts like our lines and is valid JSON. */
function isLine(bytes: Buffer): boolean {
  const text = bytes.toString("utf8");
  if (decodeLine(text) === null) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function cut(fd: number, path: string, end: number, size: number, folder: string): TailRepair {
  const tail = read(fd, end, Math.min(size, end + mostKept));
  let length = tail.length;
  while (length > 0 && tail[length - 1] === 0) length--;
  const keptAt = freePath(folder, `${basename(path)}.tail`);
  writeFileSync(keptAt, tail.subarray(0, length), { flush: true });
  syncFolder(folder);
  ftruncateSync(fd, end);
  fsyncSync(fd);
  return { kind: "cut", bytes: size - end, keptAt };
}

function read(fd: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from);
  let bytesRead = 0;
  while (bytesRead < bytes.length) {
    const length = readSync(fd, bytes, bytesRead, bytes.length - bytesRead, from + bytesRead);
    if (length === 0) break;
    bytesRead += length;
  }
  return bytes.subarray(0, bytesRead);
}
