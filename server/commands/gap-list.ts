import { openGapReader } from "../catalogue/gap-reader.ts";
import { existsSync } from "../platform/files.ts";
import { messageOf } from "../problem.ts";
import type { GapsOf } from "../recorded-gaps.ts";

/** The recorder's own gap list, where the data folder has one; `onUnreadable` hears why where it cannot be read. */
export function openGapList(dataDir: string, onUnreadable: (reason: string) => void): GapsOf {
  try {
    const list = existsSync(dataDir) ? openGapReader(dataDir) : null;
    return (day) => list?.gapsOf(day) ?? null;
  } catch (error) {
    onUnreadable(messageOf(error));
    return () => null;
  }
}
