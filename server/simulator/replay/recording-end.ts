import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { RecordedFile } from "../../storage/list/day-files.ts";
import { openLines } from "../../storage/read/line-reader.ts";
import type { MessageParser } from "./recorded-message.ts";
import type { RecordingFiles } from "./recording-files.ts";

/** Bytes at the end of a file that are searched for the last lines; every line is shorter. */
const tailBytes = 256 * 1024;
/** Last lines that are searched for a message. */
const tailLines = 64;
/** Packed files must be read whole to see their end; more of them than this are not. */
const mostPacked = 64;

/** Receipt time of the last message, µs; null without messages, or if finding it would take too long. */
export async function findEnd(tracks: readonly RecordingFiles[]): Promise<number | null> {
  let lastUs: number | null = null;
  let packed = 0;
  for (const track of tracks) {
    const parse = track.createParser();
    let windowUs: number | null = null;
    for (const file of [...track.files].reverse()) {
      // Files of one window overlap; any of them may end last.
      if (windowUs !== null && file.startUs !== windowUs) break;
      const isPacked = /\.(gz|zst)(\.previous)?$/.test(file.path);
      if (isPacked && file.lastUs === null && ++packed > mostPacked) return null;
      const ended = file.lastUs ?? (await lastOf(file, isPacked, parse));
      if (ended === null) continue;
      lastUs = Math.max(lastUs ?? ended, ended);
      windowUs = file.startUs;
    }
  }
  return lastUs;
}

async function lastOf(file: RecordedFile, isPacked: boolean, parse: MessageParser): Promise<number | null> {
  try {
    const lines = isPacked ? await packedTail(file.path) : plainTail(file.path);
    for (const line of lines.reverse()) {
      const message = parse(line, 0, line.length);
      if (message !== null && message !== "damaged") return message.recvUs;
    }
  } catch {
    // The player reports damage.
  }
  return null;
}

function plainTail(path: string): string[] {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (let length = tailBytes; ; length *= 4) {
      const bytes = Buffer.alloc(Math.min(length, size));
      readSync(fd, bytes, 0, bytes.length, size - bytes.length);
      const lines = bytes
        .toString("utf8")
        .split("\n")
        .slice(bytes.length < size ? 1 : 0, -1);
      if (lines.length > 0 || bytes.length === size) return lines;
    }
  } finally {
    closeSync(fd);
  }
}

async function packedTail(path: string): Promise<string[]> {
  const reader = openLines(path);
  let tail: string[] = [];
  try {
    while (await reader.fill()) {
      while (reader.next()) tail.push(reader.text.slice(reader.from, reader.to));
      tail = tail.slice(-tailLines);
    }
  } catch (error) {
    if (tail.length === 0) throw error;
  } finally {
    reader.close();
  }
  return tail;
}
