import { basename, dirname, join } from "node:path";
import { codeOf } from "../platform/errors.ts";
import { mkdir, rename, stat } from "../platform/files/files-async.ts";

/**
 * Moves what is in the journal's way under `quarantine/`: a file where its folder should be, a folder where a file should be. Returns where
 * it lies now, null if nothing was in the way. Rejects with the system's error.
 */
export async function clearWay(path: string): Promise<string | null> {
  const folder = dirname(path);
  let movedTo: string | null = null;
  for (const place of [folder, path, `${path}.tmp`]) {
    const found = await stat(place).catch(() => null);
    if (found === null || (place === folder ? found.isDirectory() : found.isFile())) continue;
    const quarantine = join(dirname(folder), "quarantine");
    await mkdir(quarantine, { recursive: true });
    movedTo = await freeName(join(quarantine, basename(place)));
    await rename(place, movedTo);
  }
  return movedTo;
}

async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? path : `${path}.${number}`;
    try {
      await stat(name);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return name;
      throw error;
    }
  }
}
