import { join, resolve } from "node:path";
import { existsSync, readdirSync } from "./platform/files.ts";
import { messageOf, OperatorError } from "./problem.ts";
import { type RecordedDay, type RecordedFile, sortOutDays } from "./recorded-day.ts";
import { archiveFolder, archivePath, type Day, dayOfPath, liveFolder, manifestPath } from "./segment.ts";
import { createStream, type Stream, streamTypeOfFolder } from "./stream.ts";

/** Files of one stream that follow each other in time and hold each record once. */
export type RecordedTrack = {
  readonly stream: Stream;
  readonly files: readonly RecordedFile[];
  /** Days with what is known of their gaps. */
  readonly days: readonly RecordedDay[];
};

/**
 * The tracks of a data folder or of a part of one, by stream and symbol: one each, and one more (without days) where segments of a
 * merged day are not in its archive. Throws an OperatorError if the folder cannot be read.
 */
export function findRecordedTracks(dataDir: string): readonly RecordedTrack[] {
  return tracksOf(filesBelow(resolve(dataDir)));
}

/** The tracks of one day, as the files of its two folders are now; without an archive that is gone. */
export function tracksOfDay(dataDir: string, day: Day): RecordedTrack[] {
  const paths = [liveFolder(dataDir, day), archiveFolder(dataDir, day)].flatMap(filesIn);
  return tracksOf(paths).map((track) => ({ ...track, files: track.files.filter(({ path }) => paths.includes(path)) }));
}

/** Is the archive of a merged day gone? Its manifest comes after it, so that one without an archive never is of a merge under way. */
export function isArchiveLost(dataDir: string, day: Day): boolean {
  return existsSync(manifestPath(dataDir, day)) && !existsSync(archivePath(dataDir, day));
}

/** The tracks that these files make; files of other origin are passed over. */
export function tracksOf(paths: readonly string[]): RecordedTrack[] {
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

function tracksOfStream(paths: readonly string[]): RecordedTrack[] {
  const day = dayOfPath(paths[0] ?? "");
  const type = day === null ? null : streamTypeOfFolder(day.stream);
  if (day === null || type === null) return [];
  const { days, files, late } = sortOutDays(paths);
  const stream = createStream(day.symbol, type);
  const tracks: RecordedTrack[] = days.length > 0 ? [{ stream, files, days }] : [];
  if (late.length > 0) tracks.push({ stream, files: late, days: [] });
  return tracks;
}
