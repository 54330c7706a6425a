import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Tests whether the data folder has files of a symbol, records or facts. A folder that cannot be read counts as empty. */
export function hasFilesOf(dataDir: string, symbol: string): boolean {
  return ["archive", "live"].some((state) => {
    const folder = join(dataDir, state);
    return entriesOf(folder).some((stream) => existsSync(join(folder, stream, `symbol=${symbol}`)));
  });
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
