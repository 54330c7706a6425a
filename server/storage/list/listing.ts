import { dirname, join, resolve } from "node:path";
import {
  archiveFolder,
  archivePath,
  type Day,
  dayOfPath,
  liveFolder,
  manifestPath,
  segmentOfPath,
} from "../../domain/day.ts";
import { createStream, type SeriesKey, type Stream, seriesKey, streamTypeOfFolder } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import { existsSync, lstatSync, readdirSync } from "../../platform/files/files.ts";
import { readdir, stat } from "../../platform/files/files-async.ts";
import { namesIn } from "../../platform/files/names-in.ts";
import { createTurn, type Turn } from "../../platform/time/timers.ts";
import { type RecordedDay, type RecordedFile, sortOutDays } from "./day-files.ts";
import { filesBelow } from "./files-below.ts";

/** Files of one stream that follow each other in time and hold each record once. */
export type RecordedStream = {
  readonly stream: Stream;
  readonly files: readonly RecordedFile[];
  /** The recorded days with their known gaps. */
  readonly days: readonly RecordedDay[];
};

/**
 * Lists the recorded streams of a data folder or a part of it, by stream and symbol.
 * If a merged day has segments that are not in its archive, these form a second entry without days.
 * @throws OperatorError if the folder cannot be read.
 */
export function findRecordedStreams(dataDir: string): readonly RecordedStream[] {
  return recordedStreamsOf(filesBelow(resolve(dataDir)));
}

/** Lists the files of a day's two folders as they are now. A link that leads nowhere is no file. */
export function filesOfDay(dataDir: string, day: Day): readonly string[] {
  return [liveFolder(dataDir, day), archiveFolder(dataDir, day)].flatMap((folder) =>
    namesIn(folder)
      .map((name) => join(folder, name))
      .filter((path) => !isDeadLink(path)),
  );
}

/** False for a file that has just moved: the reader must notice that it is gone. */
function isDeadLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && !existsSync(path);
}

/** Lists the dates for which a stream has a folder, oldest first. */
export function datesOnDisk(dataDir: string, series: Pick<Day, "stream" | "symbol">): readonly string[] {
  const day = { ...series, date: "x" };
  const names = [liveFolder(dataDir, day), archiveFolder(dataDir, day)].flatMap((folder) => namesIn(dirname(folder)));
  const dates = names.flatMap((name) => /^date=(\d{4}-\d\d-\d\d)$/.exec(name)?.[1] ?? []);
  return [...new Set(dates)].sort();
}

/** Lists the recorded streams of one day from its two folders as they are now, without an archive that has vanished. */
export function streamsOfDay(dataDir: string, day: Day): RecordedStream[] {
  const paths = filesOfDay(dataDir, day);
  return recordedStreamsOf(paths).map((recorded) => ({
    ...recorded,
    files: recorded.files.filter(({ path }) => paths.includes(path)),
  }));
}

/**
 * Tests whether the archive of a merged day is missing.
 * During a merge the archive comes before its manifest, so a manifest without an archive means a loss.
 */
export function isArchiveLost(dataDir: string, day: Day): boolean {
  return existsSync(manifestPath(dataDir, day)) && !existsSync(archivePath(dataDir, day));
}

/** Groups files into recorded streams; ignores foreign files. */
export function recordedStreamsOf(paths: readonly string[]): RecordedStream[] {
  const byStream = new Map<SeriesKey, string[]>();
  for (const path of paths) {
    const day = dayOfPath(path);
    if (day === null) continue;
    const key = seriesKey(day.stream, day.symbol);
    const streamPaths = byStream.get(key);
    if (streamPaths === undefined) byStream.set(key, [path]);
    else streamPaths.push(path);
  }
  return [...byStream].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, streamPaths]) => streamsOfPaths(streamPaths));
}

function streamsOfPaths(paths: readonly string[]): RecordedStream[] {
  const day = dayOfPath(paths[0] ?? "");
  const type = day === null ? null : streamTypeOfFolder(day.stream);
  if (day === null || type === null) return [];
  const { days, files, late } = sortOutDays(paths);
  const stream = createStream(day.symbol, type);
  const streams: RecordedStream[] = days.length > 0 ? [{ stream, files, days }] : [];
  if (late.length > 0) streams.push({ stream, files: late, days: [] });
  return streams;
}

/** A stream and symbol with archives. */
export type ArchivedStream = Pick<Day, "stream" | "symbol">;

/** Longest time to occupy the main thread, ms. */
const maxTurnMs = 3;

/**
 * Lists the days that have an archive with a manifest: oldest first, then by stream and symbol.
 * Yields to other work often, because there may be hundreds of thousands of days.
 */
export async function archivedDays(dataDir: string): Promise<Day[]> {
  const turn = createTurn(maxTurnMs);
  const dates = new Map<string, ArchivedStream[]>();
  for await (const stream of archivedStreams(dataDir)) {
    for (const date of await archiveDates(dataDir, stream)) {
      const streams = dates.get(date);
      if (streams === undefined) dates.set(date, [stream]);
      else streams.push(stream);
      await turn.giveWay();
    }
  }
  const days: Day[] = [];
  for (const date of [...dates.keys()].sort()) {
    for (const stream of dates.get(date) ?? []) {
      const day = { ...stream, date };
      if ((await manifestMsOf(dataDir, day)) !== null) days.push(day);
    }
    await turn.giveWay();
  }
  return days;
}

/** Lists streams and symbols with archives, in order. */
export async function* archivedStreams(dataDir: string): AsyncGenerator<ArchivedStream> {
  const archive = join(dataDir, "archive");
  for (const stream of await namesAfter(archive, "stream=")) {
    for (const symbol of await namesAfter(join(archive, `stream=${stream}`), "symbol=")) yield { stream, symbol };
  }
}

/** Lists the dates for which a stream has an archive folder, oldest first. */
export async function archiveDates(dataDir: string, { stream, symbol }: ArchivedStream): Promise<string[]> {
  const dates = await namesAfter(join(dataDir, "archive", `stream=${stream}`, `symbol=${symbol}`), "date=");
  return dates.filter((date) => /^\d{4}-\d\d-\d\d$/.test(date));
}

/** Returns when the manifest of a day was last changed, whole ms; null unless both manifest and archive exist. */
export async function manifestMsOf(dataDir: string, day: Day): Promise<number | null> {
  const ms = await modifiedMs(manifestPath(dataDir, day));
  return ms === null || (await modifiedMs(archivePath(dataDir, day))) === null ? null : ms;
}

/** Creates a turn for background work on archives. */
export function archiveTurn(): Turn {
  return createTurn(maxTurnMs);
}

/** Lists the sorted names in a folder that begin with `prefix`, without the prefix. */
async function namesAfter(path: string, prefix: string): Promise<string[]> {
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

async function modifiedMs(path: string): Promise<number | null> {
  const info = await stat(path).catch(() => null);
  return info === null ? null : Math.floor(info.mtimeMs);
}

/** Lists days before `date` with a folder under `live/`: oldest first, then by stream and symbol. */
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
  return days.sort((a, b) => compare(a.date, b.date) || compare(a.stream, b.stream) || compare(a.symbol, b.symbol));
}

/** Lists file names of a day's segments, open or sealed; without temporary and foreign files. */
export function segmentFiles(dataDir: string, day: Day): string[] {
  const folder = liveFolder(dataDir, day);
  return namesIn(folder).filter((name) => segmentOfPath(join(folder, name)) !== null);
}

/** Throws the system's error if a folder that exists cannot be listed: an empty list then says only that the file system gives no answer. */
export function refuseUnlisted(folder: string): void {
  try {
    readdirSync(folder);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
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

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
