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

/** What became of the end of a raw segment. `bytes` cut off lie at `keptAt`, without the NULs at their end. */
export type TailRepair =
  | { readonly kind: "whole" }
  | { readonly kind: "completed" }
  | { readonly kind: "cut"; readonly bytes: number; readonly keptAt: string }
  | { readonly kind: "none_of_ours"; readonly bytes: number };

/** Looked at from the end of the file; the first window nearly always suffices. */
const firstWindow = 16 * 1024;

/** Bytes at the end of a file in which there must be a line of ours: a whole segment is hardly larger. */
const lastWindow = 64 * 1024 * 1024;

/** Most that is kept of what is cut off: far above any half-written line, far below a disk. */
const mostKept = 4 * 1024 * 1024;

const newline = 10;

/**
 * Makes a raw segment end with a whole line of ours: a last line that lacks only its newline gets one, everything else behind
 * the last good line (half a line, NULs where a power loss has left blocks unwritten, foreign text) is cut off and kept in
 * `folder`. A file without any line of ours in its last 64 MiB is none of ours, whatever stands before. Throws the system's errors.
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

/**
 * Where the last whole line of ours ends, its newline included; 0 if there is none; null if that cannot be told because the
 * bytes do not go back far enough.
 */
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

/** A whole record: ours at the front, and JSON to its end. */
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
  let got = 0;
  while (got < bytes.length) {
    const length = readSync(fd, bytes, got, bytes.length - got, from + got);
    if (length === 0) break;
    got += length;
  }
  return bytes.subarray(0, got);
}
