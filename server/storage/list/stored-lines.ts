import { dirname, join } from "node:path";
import {
  archivePath,
  type Day,
  liveFolder,
  manifestPath,
  type Segment,
  type SegmentState,
  segmentOfPath,
} from "../../domain/day.ts";
import { decodeLine } from "../../domain/line.ts";
import { codeOf, systemCodeOf } from "../../platform/errors.ts";
import { existsSync, readdirSync } from "../../platform/files/files.ts";
import { readdir } from "../../platform/files/files-async.ts";

/** Reads whole lines of a segment or archive, plain or compressed, piece by piece. */
export type ReadLines = (path: string) => AsyncIterable<Buffer>;

/** A file with records of a day. */
export type StoredFile = {
  readonly path: string;
  /** Start of its window, `HH-MM`; null for the day's archive, which comes first. */
  readonly window: string | null;
};

/** Lists the files of a day by window and name. The archive counts only with its manifest. */
export async function storedFiles(dataDir: string, day: Day): Promise<readonly StoredFile[]> {
  const folder = liveFolder(dataDir, day);
  const segments = (await namesIn(folder)).flatMap((name) => {
    const parsed = segmentOfPath(join(folder, name));
    return parsed === null ? [] : [{ path: join(folder, name), window: parsed.segment.name.slice(0, 5) }];
  });
  const isArchived = existsSync(manifestPath(dataDir, day));
  return isArchived ? [{ path: archivePath(dataDir, day), window: null }, ...segments] : segments;
}

/** A segment on disk. If it exists both raw and sealed, `state` is "open". */
export type StoredSegment = { readonly segment: Segment; readonly state: SegmentState };

/** Lists the segments of a day once each, in order of time. */
export function segmentsOfDay(dataDir: string, day: Day): readonly StoredSegment[] {
  const folder = liveFolder(dataDir, day);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const byName = new Map<string, StoredSegment>();
  for (const stored of names.flatMap((name) => segmentOfPath(join(folder, name)) ?? []))
    if (stored.state === "open" || !byName.has(stored.segment.name)) byName.set(stored.segment.name, stored);
  return [...byName.values()].sort((a, b) => (a.segment.name < b.segment.name ? -1 : 1));
}

/** Lists the dates for which a stream has files, newest first. */
export async function storedDates(dataDir: string, series: Pick<Day, "stream" | "symbol">): Promise<readonly string[]> {
  const day = { ...series, date: "x" };
  const folders = [dirname(liveFolder(dataDir, day)), dirname(dirname(manifestPath(dataDir, day)))];
  const names = (await Promise.all(folders.map(namesIn))).flat();
  const dates = names.flatMap((name) => /^date=(\d{4}-\d\d-\d\d)$/.exec(name)?.[1] ?? []);
  return [...new Set(dates)].sort().reverse();
}

/** Reads a listed file piece by piece. */
export type ReadFile = (path: string, readLines: ReadLines) => AsyncGenerator<Buffer, void>;

/** A listed segment is gone: its day was merged meanwhile. */
class MergedMeanwhile extends Error {}

/**
 * Reads a file piece by piece.
 * An open segment may be sealed and then merged just before it is read. Then this reads the sealed file; no lines if that is gone too.
 */
export async function* readStored(path: string, readLines: ReadLines): AsyncGenerator<Buffer, void> {
  try {
    yield* readListed(path, readLines);
  } catch (error) {
    if (!(error instanceof MergedMeanwhile)) throw error;
  }
}

/** Works like `readStored`, but throws MergedMeanwhile if the file is gone. */
async function* readListed(path: string, readLines: ReadLines): AsyncGenerator<Buffer, void> {
  try {
    yield* readLines(path);
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw error;
    if (!path.endsWith(".jsonl")) throw new MergedMeanwhile(path);
    yield* readListed(`${path}.zst`, readLines);
  }
}

/** Attempts that are enough: a day is merged once. */
const mostAttempts = 20;

/**
 * Lists and reads files. If a file was merged between the two, both are done again, so that its lines are found in the archive.
 * `work` must read with the given function.
 */
export async function listAndRead<T>(work: (readFile: ReadFile) => Promise<T>): Promise<T> {
  for (let attempt = 1; attempt < mostAttempts; attempt++) {
    try {
      return await work(readListed);
    } catch (error) {
      if (!(error instanceof MergedMeanwhile)) throw error;
    }
  }
  return await work(readStored);
}

/** Reads the receipt times of a file, µs, piece by piece. Backfilled trades are left out, because they carry the exchange's time. */
export async function* receiptsIn(path: string, readLines: ReadLines): AsyncGenerator<readonly number[], void> {
  for await (const lines of readStored(path, readLines))
    yield lines
      .toString("latin1")
      .split("\n")
      .flatMap((text) => {
        const record = decodeLine(text);
        return record === null || record.repaired ? [] : [record.recvUs];
      });
}

const head = '{"recv_us":';

/** Reads `recv_us` of the line that begins at `at`; 0 if the line does not have our format. */
export function recvUsOf(lines: Buffer, at: number): number {
  const text = lines.toString("latin1", at, at + head.length + 17);
  return text.startsWith(head) ? Number.parseInt(text.slice(head.length), 10) || 0 : 0;
}

/** Reads `recv_us` of the last line of a piece. */
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
