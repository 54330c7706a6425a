import { type Day, type Segment, segmentPath } from "../../domain/day.ts";
import { type HighestRecord, higherOf, type IdRow, longestLagUs, type MissingIds } from "../../domain/ids/id-order.ts";
import { decodeLine } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isContiguous } from "../../domain/stream-kinds.ts";
import {
  type ReadLines,
  readStored,
  type StoredSegment,
  segmentsOfDay,
  storedDates,
} from "../../storage/list/stored-lines.ts";
import { readFirstLines } from "./first-lines.ts";
import { liveRows, missingInRows } from "./tail-missing-ids.ts";

/** Most segments that are read. Segments of backfilled trades do not count: a long backfill writes one for each window. */
const mostSegments = 5;

/** Name behind those of all segments of a day. */
const behindAll = "99-99";

/** No run waits longer for missing ids before it writes them down, µs. */
const waitedForUs = 2 * longestLagUs;

/** The highest record of a segment, and the receipt of its last record, µs. */
export type RecordBefore = HighestRecord & { readonly lastUs: number };

/**
 * Returns the highest record of the stream's previous segment, whatever its date is. Null if there is no such segment: past days are
 * merged.
 */
export async function recordBefore(
  dataDir: string,
  segment: Segment,
  deps: { readLines: ReadLines },
): Promise<RecordBefore | null> {
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
): Promise<readonly MissingIds[]> {
  const kind = streamTypeOfFolder(day.stream)?.kind;
  if (kind === undefined || !isContiguous(kind)) return [];
  const rows: IdRow[] = [];
  const newest = await segmentBefore(dataDir, { ...day, name: behindAll }, deps, {
    isWanted: ({ state }) => state === "sealed",
    onRow: (row) => rows.push(row),
  });
  if (newest === null) return [];
  const before = await recordBefore(dataDir, newest.segment, deps);
  return missingInRows(kind, rows, before).filter(({ toUs }) => toUs >= newest.highest.recvUs - waitedForUs);
}

/** Reads the newest segment before this one that holds records received live. Returns it with the highest of them. */
async function segmentBefore(
  dataDir: string,
  segment: Segment,
  deps: { readLines: ReadLines },
  { isWanted, onRow }: { isWanted?: (stored: StoredSegment) => boolean; onRow?: (row: IdRow) => void } = {},
): Promise<{ readonly segment: Segment; readonly highest: RecordBefore } | null> {
  const kind = streamTypeOfFolder(segment.stream)?.kind;
  if (kind === undefined) return null;
  let read = 0;
  for (const stored of await segmentsBefore(dataDir, segment)) {
    if (isWanted?.(stored) === false || (await isBackfilled(dataDir, stored))) continue;
    if (read++ === mostSegments) return null;
    let highest: HighestRecord | null = null;
    let lastUs = 0;
    for await (const lines of readStored(segmentPath(dataDir, stored.segment, stored.state), deps.readLines)) {
      for (const row of liveRows(lines.toString("latin1").split("\n"), kind)) {
        highest = higherOf(highest, row);
        lastUs = Math.max(lastUs, row.recvUs);
        onRow?.(row);
      }
    }
    if (highest !== null) return { segment: stored.segment, highest: { ...highest, lastUs } };
  }
  return null;
}

/** Lists the segments before this one, newest first: those of its date, otherwise those of the date before. */
async function segmentsBefore(dataDir: string, segment: Segment): Promise<readonly StoredSegment[]> {
  const sameDate = segmentsOfDay(dataDir, segment).filter((stored) => stored.segment.name < segment.name);
  if (sameDate.length > 0) return sameDate.toReversed();
  const date = (await storedDates(dataDir, segment)).find((stored) => stored < segment.date);
  return date === undefined ? [] : segmentsOfDay(dataDir, { ...segment, date }).toReversed();
}

async function isBackfilled(dataDir: string, { segment, state }: StoredSegment): Promise<boolean> {
  const lines = await readFirstLines(segmentPath(dataDir, segment, state));
  const line = lines?.toString("latin1", 0, lines.indexOf("\n"));
  return line !== undefined && decodeLine(line)?.repaired === true;
}
