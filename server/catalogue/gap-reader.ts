import { join } from "node:path";
import type { Gap } from "../gap.ts";
import { existsSync } from "../platform/files.ts";
import { messageOf } from "../problem.ts";
import type { Day } from "../segment.ts";
import { createGapQuery } from "./gap-query.ts";
import { openSqlite } from "./sqlite.ts";

/** The gaps of a data folder, for those who only read; a recorder may be writing. */
export type GapReader = {
  /** Gaps of a day, clipped to it, in order. Throws where SQLite cannot read. */
  gapsOf(day: Day): readonly Gap[];
  close(): void;
};

/**
 * Opens the catalogue without ever writing to it; null if the folder has none. Throws with the path where SQLite cannot read it.
 */
export function openGapReader(dataDir: string): GapReader | null {
  const path = join(dataDir, "rt-data.sqlite");
  if (!existsSync(path)) return null;
  try {
    const database = openSqlite(path, { readonly: true, strict: true });
    database.run("pragma busy_timeout = 500");
    return { gapsOf: createGapQuery(database), close: () => database.close() };
  } catch (error) {
    throw new Error(`read the catalogue ${path}: ${messageOf(error)}`, { cause: error });
  }
}
