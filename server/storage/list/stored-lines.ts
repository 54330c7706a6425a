import { dirname, join } from "node:path";
import { archivePath, type Day, liveFolder, manifestPath, segmentOfPath } from "../../domain/day.ts";
import type { Stream } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import { existsSync } from "../../platform/files/files.ts";
import { readdir } from "../../platform/files/files-async.ts";

/** Whole lines of a segment or archive, raw or sealed, a piece at a time. */
export type ReadLines = (path: string) => AsyncIterable<Buffer>;

/** A file that holds records of a day. */
export type StoredFile = {
  readonly path: string;
  /** Start of its window, `HH-MM`; null for the day's archive, which comes first. */
  readonly window: string | null;
};

/** Files of a day, by window and name; the archive only if its manifest vouches for it. Empty where there is nothing. */
export async function storedFiles(dataDir: string, day: Day): Promise<readonly StoredFile[]> {
  const folder = liveFolder(dataDir, day);
  const segments = (await namesIn(folder)).flatMap((name) => {
    const found = segmentOfPath(join(folder, name));
    return found === null ? [] : [{ path: join(folder, name), window: found.segment.name.slice(0, 5) }];
  });
  const isArchived = existsSync(manifestPath(dataDir, day));
  return isArchived ? [{ path: archivePath(dataDir, day), window: null }, ...segments] : segments;
}

/** Dates of which a stream has files, newest first. */
export async function storedDates(dataDir: string, stream: Stream): Promise<readonly string[]> {
  const day = { stream: stream.type.folder, symbol: stream.symbol, date: "x" };
  const folders = [dirname(liveFolder(dataDir, day)), dirname(dirname(manifestPath(dataDir, day)))];
  const names = (await Promise.all(folders.map(namesIn))).flat();
  const dates = names.flatMap((name) => /^date=(\d{4}-\d\d-\d\d)$/.exec(name)?.[1] ?? []);
  return [...new Set(dates)].sort().reverse();
}

/**
 * Pieces of a file. A raw segment may be sealed, and then merged, while somebody is about to read it: its sealed form is taken
 * then, and if that is gone as well nothing is returned.
 */
export async function* readStored(path: string, readLines: ReadLines): AsyncGenerator<Buffer, void> {
  try {
    yield* readLines(path);
  } catch (error) {
    if (causeOf(error) !== "ENOENT") throw error;
    if (path.endsWith(".jsonl")) yield* readStored(`${path}.zst`, readLines);
  }
}

const head = '{"recv_us":';

/** `recv_us` of the line that begins at `at`; 0 if it is none of ours. */
export function recvUsOf(lines: Buffer, at: number): number {
  const text = lines.toString("latin1", at, at + head.length + 17);
  return text.startsWith(head) ? Number.parseInt(text.slice(head.length), 10) || 0 : 0;
}

/** `recv_us` of the last line of a piece. */
export function lastRecvUsOf(lines: Buffer): number {
  return recvUsOf(lines, lines.lastIndexOf(10, lines.length - 2) + 1);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function causeOf(error: unknown): string | null {
  return codeOf(error) ?? (error instanceof Error ? codeOf(error.cause) : null);
}
