import { dirname, join } from "node:path";
import { liveFolder, type Segment, segmentOfPath, segmentPath } from "../../domain/day.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import { readdir } from "../../platform/files/files-async.ts";
import { type ReadLines, readStored } from "../../storage/list/stored-lines.ts";
import { type HighestRecord, highestOf } from "./tail-missing-ids.ts";

/** Most segments that are read. Some hold only backfilled trades, which do not count. */
const mostSegments = 5;

/**
 * Returns the highest record of the stream's previous segment, whatever its date is. Null if there is no such segment: past days are
 * merged.
 */
export async function recordBefore(
  dataDir: string,
  segment: Segment,
  deps: { readLines: ReadLines },
): Promise<HighestRecord | null> {
  const kind = streamTypeOfFolder(segment.stream)?.kind;
  if (kind === undefined) return null;
  for (const earlier of await segmentsBefore(dataDir, segment)) {
    let highest: HighestRecord | null = null;
    for await (const lines of readStored(segmentPath(dataDir, earlier, "open"), deps.readLines))
      highest = highestOf(lines.toString("latin1").split("\n"), kind, highest);
    if (highest !== null) return highest;
  }
  return null;
}

/** Lists the segments before this one, newest first. */
async function segmentsBefore(dataDir: string, segment: Segment): Promise<readonly Segment[]> {
  const ofDate = async (date: string) => segmentsIn(liveFolder(dataDir, { ...segment, date }));
  const sameDate = (await ofDate(segment.date)).filter(({ name }) => name < segment.name);
  if (sameDate.length > 0) return newestOf(sameDate);
  const dates = (await namesIn(dirname(liveFolder(dataDir, segment))))
    .map((name) => name.replace(/^date=/, ""))
    .filter((date) => date < segment.date);
  const date = dates.sort().at(-1);
  return date === undefined ? [] : newestOf(await ofDate(date));
}

async function segmentsIn(folder: string): Promise<Segment[]> {
  const names = await namesIn(folder);
  const found = names.flatMap((name) => segmentOfPath(join(folder, name))?.segment ?? []);
  return [...new Map(found.map((segment) => [segment.name, segment])).values()];
}

function newestOf(segments: readonly Segment[]): readonly Segment[] {
  return segments.toSorted((a, b) => (a.name < b.name ? 1 : -1)).slice(0, mostSegments);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
