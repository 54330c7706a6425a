import { join } from "node:path";
import { readdir, stat } from "../platform/files-async.ts";
import { codeOf } from "../problem.ts";
import { archivePath, type Day, dayOfPath, manifestPath } from "../segment.ts";

/** The days that have an archive with a manifest, oldest first; by stream and symbol within a date. */
export async function archivedDays(dataDir: string): Promise<Day[]> {
  return (await archivesOnDisk(dataDir)).map(({ day }) => day);
}

/** The same, each with the time at which its manifest was last changed, whole ms. */
export async function archivesOnDisk(dataDir: string): Promise<{ day: Day; manifestMs: number }[]> {
  const found: { day: Day; manifestMs: number }[] = [];
  const archive = join(dataDir, "archive");
  for (const stream of await namesIn(archive)) {
    for (const symbol of await namesIn(join(archive, stream))) {
      for (const date of await namesIn(join(archive, stream, symbol))) {
        const day = dayOfPath(`${stream}/${symbol}/${date}`);
        if (day === null || (await changedMs(archivePath(dataDir, day))) === null) continue;
        const manifestMs = await changedMs(manifestPath(dataDir, day));
        if (manifestMs !== null) found.push({ day, manifestMs });
      }
    }
  }
  return found.sort(
    ({ day: a }, { day: b }) => order(a.date, b.date) || order(a.stream, b.stream) || order(a.symbol, b.symbol),
  );
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

async function changedMs(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : Math.floor(found.mtimeMs);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
