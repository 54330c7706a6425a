import { join } from "node:path";
import { existsSync } from "../../platform/files/files.ts";
import { namesIn } from "../../platform/files/names-in.ts";

/** Tests whether the data folder has files of a symbol, records or facts. A folder that cannot be read counts as empty. */
export function hasFilesOf(dataDir: string, symbol: string): boolean {
  return ["archive", "live"].some((state) => {
    const folder = join(dataDir, state);
    return namesIn(folder).some((stream) => existsSync(join(folder, stream, `symbol=${symbol}`)));
  });
}
