import { readdirSync } from "./files.ts";

/** Lists the names in a folder, sorted; empty if the folder cannot be read. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
