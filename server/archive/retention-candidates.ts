import { join } from "node:path";
import { readdir, stat, statfs } from "../platform/files-async.ts";
import { archiveFolder } from "../segment.ts";
import { archivedDays } from "./archived-days.ts";
import type { Candidate } from "./retention-plan.ts";

/** All archived days with what they take on the disk, oldest first. */
export async function candidates(dataDir: string): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const day of await archivedDays(dataDir)) {
    const folder = archiveFolder(dataDir, day);
    let bytes = 0;
    for (const name of await readdir(folder).catch(() => [])) {
      bytes += (await stat(join(folder, name)).catch(() => null))?.size ?? 0;
    }
    found.push({ day, bytes });
  }
  return found;
}

/** What is free on the file system of a path. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
