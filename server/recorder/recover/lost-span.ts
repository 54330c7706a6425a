import { type Segment, segmentOfPath, windowStartUs } from "../../domain/day.ts";
import { decodeLine } from "../../domain/line.ts";
import { type ReadLines, readStored, storedFiles } from "../../storage/list/stored-lines.ts";

/** The records of a segment, or those behind `afterUs` in it, can be read no more. `afterUs` is null where none of it can. */
export type LostRecords = { readonly segment: Segment; readonly afterUs: number | null };

/** The time in which they were received, µs; `toUs` is null where nothing of that day was recorded behind them. */
export type LostSpan = { readonly fromUs: number; readonly toUs: number | null };

/** Looks for the records before and behind those that are lost, in the segments of the day. */
export async function lostSpan(
  dataDir: string,
  { segment, afterUs }: LostRecords,
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
  // Of a segment that is lost as a whole nothing was received before its window.
  if (afterUs === null) fromUs = Math.max(fromUs ?? 0, windowStartUs(segment));
  for (const { path } of behind) {
    const { firstUs } = await recordsOf(path, deps.readLines);
    if (firstUs !== null && firstUs > (fromUs ?? 0)) return { fromUs: fromUs ?? 0, toUs: firstUs };
  }
  return { fromUs: fromUs ?? 0, toUs: null };
}

/** First and last receipt in a file, refetched records left out; null where there is none, or the file cannot be read. */
async function recordsOf(path: string, readLines: ReadLines) {
  let [firstUs, lastUs]: [number | null, number | null] = [null, null];
  try {
    for await (const lines of readStored(path, readLines)) {
      for (const line of lines.toString("latin1").split("\n")) {
        const record = decodeLine(line);
        if (record === null || record.repaired) continue;
        firstUs ??= record.recvUs;
        lastUs = record.recvUs;
      }
    }
  } catch {
    // A neighbour that cannot be read either is lost as well, and has a gap of its own.
  }
  return { firstUs, lastUs };
}
