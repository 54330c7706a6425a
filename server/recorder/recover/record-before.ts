import { dirname, join } from "node:path";
import { liveFolder, type Segment, segmentOfPath, segmentPath } from "../../domain/day.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import { readdir } from "../../platform/files/files-async.ts";
import { type ReadLines, readStored } from "../../storage/list/stored-lines.ts";
import { type HighestRecord, highestOf } from "./tail-missing-ids.ts";

/** Segments that are read at most; refetched trades lie in segments of their own, which say nothing here. */
const mostSegments = 5;

/**
 * The highest record of the segment before this one, of the same stream and whatever date; null where none is there, since days that are
 * over are merged.
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

/** Newest first. */
async function segmentsBefore(dataDir: string, segment: Segment): Promise<readonly Segment[]> {
  const ofDate = async (date: string) => segmentsIn(liveFolder(dataDir, { ...segment, date }));
  const own = (await ofDate(segment.date)).filter(({ name }) => name < segment.name);
  if (own.length > 0) return newestOf(own);
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
