import { createTally, scanLines, type Tally } from "./line-scan.ts";
import { type ReadOptions, readLineBytes } from "./reader.ts";

/** What the lines of a file add up to; `foreign` of them are none of ours. */
export type SegmentScan = { readonly tally: Tally; readonly foreign: number };

/** Reads a segment or archive whole, in bounded memory. Throws a FileError as `readLineBytes` does. */
export async function scanSegment(
  path: string,
  dayStartUs: number,
  options: ReadOptions & { readonly onLines?: (lines: Buffer) => void } = {},
): Promise<SegmentScan> {
  const tally = createTally(dayStartUs);
  let foreign = 0;
  for await (const lines of readLineBytes(path, options)) {
    foreign += scanAll(lines, tally);
    options.onLines?.(lines);
  }
  return { tally, foreign };
}

/** Adds up whole lines; returns how many of them are none of ours. */
function scanAll(lines: Buffer, tally: Tally): number {
  let foreign = 0;
  for (let at = 0; at < lines.length; ) {
    at = scanLines(lines, at, lines.length, Number.POSITIVE_INFINITY, tally);
    if (at === lines.length) break;
    foreign++;
    at = lines.indexOf(10, at) + 1;
  }
  return foreign;
}
