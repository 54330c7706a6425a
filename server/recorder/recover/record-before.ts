import { dirname, join } from "node:path";
import { type Day, liveFolder, type Segment, segmentOfPath, segmentPath } from "../../domain/day.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isContiguous } from "../../domain/stream-kinds.ts";
import { codeOf } from "../../platform/errors.ts";
import { existsSync } from "../../platform/files/files.ts";
import { readdir } from "../../platform/files/files-async.ts";
import { type ReadLines, readStored } from "../../storage/list/stored-lines.ts";
import { type HighestRecord, highestOf, missingIdsInLines, type TailMissingIds } from "./tail-missing-ids.ts";

/** Most segments that are read. Some hold only backfilled trades, which do not count. */
const mostSegments = 5;

/** Name behind those of all segments of a day. */
const behindAll = "99-99";

/** No run waits longer for missing ids before it writes them down, µs. */
const waitedForUs = 60_000_000;

/**
 * Returns the highest record of the stream's previous segment, whatever its date is. Null if there is no such segment: past days are
 * merged.
 */
export async function recordBefore(
  dataDir: string,
  segment: Segment,
  deps: { readLines: ReadLines },
): Promise<HighestRecord | null> {
  return (await segmentBefore(dataDir, segment, deps))?.highest ?? null;
}

/**
 * Ids that are missing in and right before the newest sealed segment of a stream up to this day, near its end: whether ids will still come is
 * known only some seconds after a jump. Empty for streams whose ids do not follow each other.
 */
export async function missingIdsInNewestSealed(
  dataDir: string,
  day: Day,
  deps: { readLines: ReadLines },
): Promise<readonly TailMissingIds[]> {
  const kind = streamTypeOfFolder(day.stream)?.kind;
  if (kind === undefined || !isContiguous(kind)) return [];
  const isSealed = (segment: Segment) => !existsSync(segmentPath(dataDir, segment, "open"));
  const found = await segmentBefore(dataDir, { ...day, name: behindAll }, deps, isSealed);
  if (found === null) return [];
  const lines: string[] = [];
  for await (const piece of readStored(segmentPath(dataDir, found.segment, "open"), deps.readLines))
    for (const line of piece.toString("latin1").split("\n")) lines.push(line);
  const before = await recordBefore(dataDir, found.segment, deps);
  return missingIdsInLines(lines, kind, before).filter(({ toUs }) => toUs >= found.highest.recvUs - waitedForUs);
}

/** The newest segment before this one that holds records received live, and the highest of them. */
async function segmentBefore(
  dataDir: string,
  segment: Segment,
  deps: { readLines: ReadLines },
  isWanted: (segment: Segment) => boolean = () => true,
): Promise<{ readonly segment: Segment; readonly highest: HighestRecord } | null> {
  const kind = streamTypeOfFolder(segment.stream)?.kind;
  if (kind === undefined) return null;
  for (const earlier of (await segmentsBefore(dataDir, segment)).filter(isWanted)) {
    let highest: HighestRecord | null = null;
    for await (const lines of readStored(segmentPath(dataDir, earlier, "open"), deps.readLines))
      highest = highestOf(lines.toString("latin1").split("\n"), kind, highest);
    if (highest !== null) return { segment: earlier, highest };
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
