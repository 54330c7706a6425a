import { type Segment, segmentOfPath, windowStartUs } from "../../domain/day.ts";
import { type ReadLines, receiptsIn, storedFiles } from "../../storage/list/stored-lines.ts";

/**
 * Records of a segment that are unreadable: those after `afterUs`, or from its beginning if it is null; up to `untilUs`, the receipt of the
 * next record of the segment, or all others without it.
 */
export type LostInSegment = { readonly segment: Segment; readonly afterUs: number | null; readonly untilUs?: number };

/** The time in which lost records were received, µs. `toUs` is null if no later record of that day exists. */
export type LostSpan = { readonly fromUs: number; readonly toUs: number | null };

/** Finds the records before and after the lost records in the segments of the day. */
export async function lostSpan(
  dataDir: string,
  { segment, afterUs, untilUs }: LostInSegment,
  deps: { readLines: ReadLines },
): Promise<LostSpan> {
  const files = (await storedFiles(dataDir, segment)).flatMap(({ path }) => {
    const name = segmentOfPath(path)?.segment.name;
    return name === undefined ? [] : [{ path, name }];
  });
  const before = files.filter(({ name }) => name < segment.name).reverse();
  const behind = files.filter(({ name }) => name > segment.name);
  let fromUs = afterUs;
  for (const { path } of fromUs === null ? before : []) {
    fromUs = (await recordsOf(path, deps.readLines)).lastUs;
    if (fromUs !== null) break;
  }
  // A segment that is lost as a whole has no records from before its window.
  if (afterUs === null) fromUs = Math.max(fromUs ?? 0, windowStartUs(segment));
  if (untilUs !== undefined) return { fromUs: fromUs ?? 0, toUs: untilUs };
  for (const { path } of behind) {
    const { firstUs } = await recordsOf(path, deps.readLines);
    if (firstUs !== null && firstUs > (fromUs ?? 0)) return { fromUs: fromUs ?? 0, toUs: firstUs };
  }
  return { fromUs: fromUs ?? 0, toUs: null };
}

/** Returns first and last receipt in a file without backfilled records, µs; null if there is none or the file is unreadable. */
async function recordsOf(path: string, readLines: ReadLines) {
  let [firstUs, lastUs]: [number | null, number | null] = [null, null];
  try {
    for await (const receipts of receiptsIn(path, readLines)) {
      firstUs ??= receipts[0] ?? null;
      lastUs = receipts.at(-1) ?? lastUs;
    }
  } catch {
    // An unreadable neighbour is lost too, and has its own gap.
  }
  return { firstUs, lastUs };
}
