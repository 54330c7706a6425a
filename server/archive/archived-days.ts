import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../problem.ts";
import { archivePath, type Day, dayOfPath, manifestPath } from "../segment.ts";

/** The days that have an archive with a manifest, oldest first; by stream and symbol within a date. */
export async function archivedDays(dataDir: string): Promise<Day[]> {
  const days: Day[] = [];
  const archive = join(dataDir, "archive");
  for (const stream of await namesIn(archive)) {
    for (const symbol of await namesIn(join(archive, stream))) {
      for (const date of await namesIn(join(archive, stream, symbol))) {
        const day = dayOfPath(`${stream}/${symbol}/${date}`);
        if (day !== null && (await isThere(archivePath(dataDir, day))) && (await isThere(manifestPath(dataDir, day))))
          days.push(day);
      }
    }
  }
  return days.sort((a, b) => order(a.date, b.date) || order(a.stream, b.stream) || order(a.symbol, b.symbol));
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
