import { join } from "node:path";
import { readdirSync } from "../platform/files.ts";
import { readdir } from "../platform/files-async.ts";
import { codeOf } from "../problem.ts";
import { type Day, dayOfPath, liveFolder, segmentOfPath } from "../segment.ts";

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
