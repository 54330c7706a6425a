import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "bun";

/** Folder of real recorded Binance messages, beside the checkout; they belong to others and are not part of the repository. */
export const realDataDir = process.env.REAL_DATA_DIR ?? join(import.meta.dir, "../../../../shared/data");

/** What a test that needs them adds to its title where they are missing, otherwise "". */
export const realDataMissing = existsSync(join(realDataDir, "README.md"))
  ? ""
  : " (skipped: the real recordings are not beside this checkout)";

type Message = { readonly t: number; readonly raw: string };
const read = new Map<string, readonly Message[]>();

/** The raw messages of one file, in order. A file is read once for each test file. */
export function realMessages(name: string): readonly Message[] {
  let messages = read.get(name);
  if (messages === undefined) {
    const text = new TextDecoder().decode(gunzipSync(readFileSync(join(realDataDir, name))));
    messages = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Message);
    read.set(name, messages);
  }
  return messages;
}
