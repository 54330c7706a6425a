import { join } from "node:path";
import { readdir, stat } from "../platform/files-async.ts";
import { codeOf } from "../problem.ts";
import { archivePath, type Day, manifestPath } from "../segment.ts";
import { createTurn, type Turn } from "../timer.ts";

/** A stream and symbol that has archives. */
export type ArchiveTrack = Pick<Day, "stream" | "symbol">;

/** The main thread is given back after this time, ms. */
const mostMs = 3;

/**
 * The days that have an archive with a manifest, oldest first; by stream and symbol within a date. Gives way to others all the time:
 * there may be hundreds of thousands.
 */
export async function archivedDays(dataDir: string): Promise<Day[]> {
  const turn = createTurn(mostMs);
  const dates = new Map<string, ArchiveTrack[]>();
  for await (const track of archiveTracks(dataDir)) {
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
export async function* archiveTracks(dataDir: string): AsyncGenerator<ArchiveTrack> {
  const archive = join(dataDir, "archive");
  for (const stream of await namesIn(archive, "stream=")) {
    for (const symbol of await namesIn(join(archive, `stream=${stream}`), "symbol=")) yield { stream, symbol };
  }
}

/** Dates of a track that have a folder, oldest first. */
export async function archiveDates(dataDir: string, { stream, symbol }: ArchiveTrack): Promise<string[]> {
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
