import { readFile } from "../platform/files-async.ts";
import { codeOf } from "../problem.ts";
import { decodeLine, recordId } from "../record.ts";
import { type Day, manifestPath } from "../segment.ts";
import type { Stream } from "../stream.ts";
import { type ReadLines, readStored, recvUsOf, type StoredFile, storedDates, storedFiles } from "./stored-lines.ts";

/** The newest record of a stream on disk. */
export type LastRecorded = { readonly id: number; readonly recvUs: number };

/**
 * The highest id among the newest records of a stream that were received before `beforeUs` (the start of this run, say), or null
 * if there is none: from its newest segments, else from the manifest of its newest archive. Reads one window's files, in pieces and
 * never in the way of anybody else; ask for one stream at a time, whenever its answer is needed.
 */
export async function lastRecordedId(
  dataDir: string,
  stream: Stream,
  options: { beforeUs: number; readLines: ReadLines },
): Promise<LastRecorded | null> {
  for (const date of await storedDates(dataDir, stream)) {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date };
    const found = newer(await lastOfSegments(dataDir, day, stream, options), await lastOfArchive(dataDir, day));
    if (found !== null) return found;
  }
  return null;
}

async function lastOfSegments(
  dataDir: string,
  day: Day,
  stream: Stream,
  { beforeUs, readLines }: { beforeUs: number; readLines: ReadLines },
): Promise<LastRecorded | null> {
  const byWindow = new Map<string, StoredFile[]>();
  for (const file of await storedFiles(dataDir, day)) {
    if (file.window !== null) byWindow.set(file.window, [...(byWindow.get(file.window) ?? []), file]);
  }
  for (const window of [...byWindow.keys()].sort().reverse()) {
    let found: LastRecorded | null = null;
    for (const { path } of byWindow.get(window) ?? [])
      found = newer(found, await lastOfFile(path, stream, beforeUs, readLines));
    if (found !== null) return found;
  }
  return null;
}

/** Only the piece that may hold the last one is looked into. */
async function lastOfFile(
  path: string,
  stream: Stream,
  beforeUs: number,
  readLines: ReadLines,
): Promise<LastRecorded | null> {
  let piece: Buffer | null = null;
  for await (const lines of readStored(path, readLines)) {
    if (recvUsOf(lines, 0) >= beforeUs) break;
    piece = lines;
  }
  const lines = piece?.toString().trimEnd().split("\n") ?? [];
  for (let at = lines.length - 1; at >= 0; at--) {
    const recvUs = decodeLine(lines[at] ?? "")?.recvUs ?? Number.POSITIVE_INFINITY;
    const id = recvUs < beforeUs ? recordId(lines[at] ?? "", stream.type.kind) : null;
    if (id !== null) return { id, recvUs };
  }
  return null;
}

async function lastOfArchive(dataDir: string, day: Day): Promise<LastRecorded | null> {
  try {
    const manifest: unknown = JSON.parse(await readFile(manifestPath(dataDir, day), "utf8"));
    if (typeof manifest !== "object" || manifest === null) return null;
    const { last_id: id, last_recv_us: recvUs } = manifest as { last_id?: unknown; last_recv_us?: unknown };
    return typeof id === "number" && typeof recvUs === "number" ? { id, recvUs } : null;
  } catch (error) {
    // A manifest that cannot be read is the archiver's to complain of; here it only says nothing.
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}

function newer(a: LastRecorded | null, b: LastRecorded | null): LastRecorded | null {
  if (a === null || b === null) return a ?? b;
  return a.id >= b.id ? a : b;
}
