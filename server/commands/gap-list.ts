import { openGapReader } from "../catalogue/gap-reader.ts";
import type { Gap } from "../gap.ts";
import { readJournal } from "../journal/journal.ts";
import { existsSync } from "../platform/files.ts";
import { messageOf } from "../problem.ts";
import type { GapsOf } from "../recorded-gaps.ts";
import type { Day } from "../segment.ts";

/**
 * The recorder's own gap list, where the data folder has one: the catalogue's, and the journal's, which knows of every gap first and
 * needs no other program's leave. `onUnreadable` hears why where neither can be read.
 */
export function openGapList(dataDir: string, onUnreadable: (reason: string) => void): GapsOf {
  if (!existsSync(dataDir)) return () => null;
  const journal = readJournal(dataDir);
  let list: ReturnType<typeof openGapReader> = null;
  try {
    list = openGapReader(dataDir);
  } catch (error) {
    if (journal === null) onUnreadable(messageOf(error));
  }
  let isTold = journal !== null;

  function inCatalogue(day: Day): readonly Gap[] | null {
    try {
      return list?.gapsOf(day) ?? null;
    } catch (error) {
      if (!isTold) onUnreadable(messageOf(error));
      isTold = true;
      return null;
    }
  }

  return (day) => {
    const known = inCatalogue(day);
    if (journal === null) return known;
    const gaps = new Map((known ?? []).map((gap) => [gap.from_us, gap]));
    for (const gap of journal.gapsOf(day)) gaps.set(gap.from_us, gap);
    return [...gaps.values()].sort((a, b) => a.from_us - b.from_us);
  };
}
