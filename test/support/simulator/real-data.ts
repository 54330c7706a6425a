import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "bun";

/** Folder of real recorded Binance messages, beside the checkout; they belong to others and are not part of the repository. */
export const realDataDir = process.env.REAL_DATA_DIR ?? join(import.meta.dir, "../../../../shared/data");

/** What a test that needs them adds to its title where they are missing, otherwise "". */
export const realDataMissing = existsSync(join(realDataDir, "README.md"))
  ? ""
  : " (skipped: the real recordings are not beside this checkout)";

/** The raw messages of one file, in order. */
export function realMessages(name: string): readonly { t: number; raw: string }[] {
  const text = new TextDecoder().decode(gunzipSync(readFileSync(join(realDataDir, name))));
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
