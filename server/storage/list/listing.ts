import { join, resolve } from "node:path";
import {
  archiveFolder,
  archivePath,
  type Day,
  dayOfPath,
  liveFolder,
  manifestPath,
  segmentOfPath,
} from "../../domain/day.ts";
import { createStream, type Stream, streamTypeOfFolder } from "../../domain/stream.ts";
import { codeOf, messageOf, OperatorError } from "../../platform/errors.ts";
import { existsSync, readdirSync } from "../../platform/files/files.ts";
import { readdir, stat } from "../../platform/files/files-async.ts";
import { createTurn, type Turn } from "../../platform/time/timers.ts";
import { type RecordedDay, type RecordedFile, sortOutDays } from "./day-files.ts";

/** Files of one stream that follow each other in time and hold each record once. */
export type RecordedStream = {
  readonly stream: Stream;
  readonly files: readonly RecordedFile[];
  /** Days with what is known of their gaps. */
  readonly days: readonly RecordedDay[];
};

/**
 * The tracks of a data folder or of a part of one, by stream and symbol: one each, and one more (without days) where segments of a
 * merged day are not in its archive. Throws an OperatorError if the folder cannot be read.
 */
export function findRecordedStreams(dataDir: string): readonly RecordedStream[] {
  return recordedStreamsOf(filesBelow(resolve(dataDir)));
}

/** The tracks of one day, as the files of its two folders are now; without an archive that is gone. */
export function streamsOfDay(dataDir: string, day: Day): RecordedStream[] {
  const paths = [liveFolder(dataDir, day), archiveFolder(dataDir, day)].flatMap(filesIn);
  return recordedStreamsOf(paths).map((track) => ({
    ...track,
    files: track.files.filter(({ path }) => paths.includes(path)),
  }));
}

/** Is the archive of a merged day gone? Its manifest comes after it, so that one without an archive never is of a merge under way. */
export function isArchiveLost(dataDir: string, day: Day): boolean {
  return existsSync(manifestPath(dataDir, day)) && !existsSync(archivePath(dataDir, day));
}

/** The tracks that these files make; files of other origin are passed over. */
export function recordedStreamsOf(paths: readonly string[]): RecordedStream[] {
  const byStream = new Map<string, string[]>();
  for (const path of paths) {
    const day = dayOfPath(path);
    if (day === null) continue;
    const key = `${day.stream}/${day.symbol}`;
    const own = byStream.get(key);
    if (own === undefined) byStream.set(key, [path]);
    else own.push(path);
  }
  return [...byStream].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, own]) => tracksOfStream(own));
}

/**
 * Every file below a folder, sorted, except what was put aside as unusable. Folders may vanish meanwhile, when a day is merged.
 * Throws an OperatorError if the folder cannot be read.
 */
export function filesBelow(folder: string): string[] {
  for (let attempt = 1; ; attempt++) {
    try {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((file) => !file.slice(folder.length).startsWith("/quarantine/"))
        .sort();
    } catch (error) {
      if (attempt === 5) throw new OperatorError(`cannot read ${folder}: ${messageOf(error)}`, { cause: error });
    }
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .map((name) => join(folder, name))
      .sort();
  } catch {
    return [];
  }
}

function tracksOfStream(paths: readonly string[]): RecordedStream[] {
  const day = dayOfPath(paths[0] ?? "");
  const type = day === null ? null : streamTypeOfFolder(day.stream);
  if (day === null || type === null) return [];
  const { days, files, late } = sortOutDays(paths);
  const stream = createStream(day.symbol, type);
  const tracks: RecordedStream[] = days.length > 0 ? [{ stream, files, days }] : [];
  if (late.length > 0) tracks.push({ stream, files: late, days: [] });
  return tracks;
}

/** A stream and symbol that has archives. */
export type ArchivedStream = Pick<Day, "stream" | "symbol">;

/** The main thread is given back after this time, ms. */
const mostMs = 3;

/**
 * The days that have an archive with a manifest, oldest first; by stream and symbol within a date. Gives way to others all the time:
 * there may be hundreds of thousands.
 */
export async function archivedDays(dataDir: string): Promise<Day[]> {
  const turn = createTurn(mostMs);
  const dates = new Map<string, ArchivedStream[]>();
  for await (const track of archivedStreams(dataDir)) {
    for (const date of await archiveDates(dataDir, track)) {
      const own = dates.get(date);
      if (own === undefined) dates.set(date, [track]);
      else own.push(track);
      await turn.giveWay();
    }
  }
  const days: Day[] = [];
  for (const date of [...dates.keys()].sort()) {
    for (const track of dates.get(date) ?? []) {
      const day = { ...track, date };
      if ((await manifestMsOf(dataDir, day)) !== null) days.push(day);
    }
    await turn.giveWay();
  }
  return days;
}

/** Streams and symbols that have archives, by stream and symbol. */
export async function* archivedStreams(dataDir: string): AsyncGenerator<ArchivedStream> {
  const archive = join(dataDir, "archive");
  for (const stream of await namesIn(archive, "stream=")) {
    for (const symbol of await namesIn(join(archive, `stream=${stream}`), "symbol=")) yield { stream, symbol };
  }
}

/** Dates of a track that have a folder, oldest first. */
export async function archiveDates(dataDir: string, { stream, symbol }: ArchivedStream): Promise<string[]> {
  const dates = await namesIn(join(dataDir, "archive", `stream=${stream}`, `symbol=${symbol}`), "date=");
  return dates.filter((date) => /^\d{4}-\d\d-\d\d$/.test(date));
}

/** When the manifest of a day was last changed, whole ms; null unless both it and the archive are there. */
export async function manifestMsOf(dataDir: string, day: Day): Promise<number | null> {
  const ms = await changedMs(manifestPath(dataDir, day));
  return ms === null || (await changedMs(archivePath(dataDir, day))) === null ? null : ms;
}

/** A turn for work on archives that nobody waits for. */
export function archiveTurn(): Turn {
  return createTurn(mostMs);
}

/** The rest of the sorted names in a folder that begin with `prefix`. */
async function namesIn(path: string, prefix: string): Promise<string[]> {
  try {
    const names = await readdir(path);
    return names
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .sort();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

async function changedMs(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : Math.floor(found.mtimeMs);
}

/** Days before `date` that have a folder under `live/`, oldest first, by stream and symbol within a date. */
export async function daysBefore(dataDir: string, date: string): Promise<Day[]> {
  const days: Day[] = [];
  const live = join(dataDir, "live");
  for (const stream of await foldersOf(live)) {
    for (const symbol of await foldersOf(join(live, stream))) {
      for (const folder of await foldersOf(join(live, stream, symbol))) {
        const day = dayOfPath(`${stream}/${symbol}/${folder}`);
        if (day !== null && day.date < date) days.push(day);
      }
    }
  }
  return days.sort((a, b) => order(a.date, b.date) || order(a.stream, b.stream) || order(a.symbol, b.symbol));
}

/** File names of a day's segments, sealed or raw; temporary and strange files are not among them. */
export function segmentFiles(dataDir: string, day: Day): string[] {
  const folder = liveFolder(dataDir, day);
  try {
    return readdirSync(folder).filter((name) => segmentOfPath(join(folder, name)) !== null);
  } catch {
    return [];
  }
}

async function foldersOf(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
