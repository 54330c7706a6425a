import { join } from "node:path";
import { codeOf } from "../../platform/errors.ts";
import { writeDurably } from "../../platform/files/durable-files.ts";
import { readFileSync } from "../../platform/files/files.ts";

/**
 * Returns the id of a data folder, 32 hexadecimal digits; creates it on first use.
 * Manifests contain it, to distinguish recorders that share a bucket, whatever their hosts are called.
 * Undefined if it cannot be read or written; the next start tries again.
 */
export function recorderId(dataDir: string): string | undefined {
  const path = join(dataDir, "recorder-id");
  try {
    const stored = readFileSync(path, "utf8").trim();
    if (/^[0-9a-f]{32}$/.test(stored)) return stored;
    return undefined;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return undefined;
  }
  try {
    const id = crypto.randomUUID().replaceAll("-", "");
    writeDurably(path, `${id}\n`);
    return id;
  } catch {
    return undefined;
  }
}
