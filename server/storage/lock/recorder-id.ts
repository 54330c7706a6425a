import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { codeOf } from "../../platform/errors.ts";
import { writeDurably } from "../../platform/files/durable-files.ts";
import { readFileSync } from "../../platform/files/files.ts";

/**
 * The id of a data folder, 32 hexadecimal digits: made once, kept in the folder, and written into manifests, by which recorders that
 * share a bucket are told apart whatever their hosts are called. Undefined if it cannot be read or written; the next start tries again.
 */
export function recorderId(dataDir: string): string | undefined {
  const path = join(dataDir, "recorder-id");
  try {
    const known = readFileSync(path, "utf8").trim();
    if (/^[0-9a-f]{32}$/.test(known)) return known;
    return undefined;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return undefined;
  }
  try {
    const made = randomBytes(16).toString("hex");
    writeDurably(path, `${made}\n`);
    return made;
  } catch {
    return undefined;
  }
}
