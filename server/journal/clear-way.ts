import { basename, dirname, join } from "node:path";
import { codeOf } from "../platform/errors.ts";
import { mkdir, rename, stat } from "../platform/files/files-async.ts";

/**
 * Moves obstacles of the journal to `quarantine/`: a file in place of its folder, or a folder in place of its file.
 * Returns the new path of the obstacle; null without obstacle. Rejects with the system's error.
 */
export async function clearWay(path: string): Promise<string | null> {
  const folder = dirname(path);
  let movedTo: string | null = null;
  for (const place of [folder, path, `${path}.tmp`]) {
    const info = await stat(place).catch(() => null);
    if (info === null || (place === folder ? info.isDirectory() : info.isFile())) continue;
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
