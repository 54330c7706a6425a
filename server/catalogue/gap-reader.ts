import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { clipGap, type Gap } from "../gap.ts";
import { type Day, dateStartUs } from "../segment.ts";

/** The gaps of a data folder, for those who only read; a recorder may be writing. */
export type GapReader = {
  /** Gaps of a day, clipped to it, in order. Throws where SQLite cannot read. */
  gapsOf(day: Day): readonly Gap[];
  close(): void;
};

const dayUs = 86_400_000_000;

/**
 * Opens the catalogue without ever writing to it; null if the folder has none. Throws with the path where SQLite cannot read it.
 */
export function openGapReader(dataDir: string): GapReader | null {
  const path = join(dataDir, "rt-data.sqlite");
  if (!existsSync(path)) return null;
  try {
    const database = new Database(path, { readonly: true, strict: true });
    database.run("pragma busy_timeout = 2000");
    const select = database.query<Gap, [string, string, number, number]>(
      "select * from gap where stream = ? and symbol = ? and to_us > ? and from_us < ? order by from_us",
    );
    return {
      gapsOf(day) {
        const fromUs = dateStartUs(day.date);
        return select
          .all(day.stream, day.symbol, fromUs, fromUs + dayUs)
          .map((gap) => clipGap(gap, fromUs, fromUs + dayUs))
          .filter((gap) => gap !== null);
      },
      close: () => database.close(),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`read the catalogue ${path}: ${reason}`, { cause: error });
  }
}
