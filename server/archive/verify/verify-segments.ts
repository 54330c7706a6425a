import { basename } from "node:path";
import type { ReceivedDay } from "../../domain/coverage/coverage.ts";
import { type Day, dateStartUs } from "../../domain/day.ts";
import { systemCodeOf } from "../../platform/errors.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import { type SegmentScan, scanSegment } from "../../storage/line-stats.ts";
import type { ReadOptions } from "../../storage/read/archive-reader.ts";
import type { Problem } from "./verify-archive.ts";

/** The result of reading the segments of a day; `received` is null without rows. */
export type VerifiedSegments = {
  readonly rows: number;
  readonly problems: readonly Problem[];
  readonly received: ReceivedDay | null;
};

/**
 * Reads and checks segments in the order of `paths`. Sealed segments are read to the end of their frame, open segments to their last
 * whole line. Rejects only if a segment no longer exists, because a recorder sealed or merged it meanwhile.
 */
export async function verifySegments(
  day: Day,
  paths: readonly string[],
  options: ReadOptions & { readonly onLines?: ((lines: Buffer) => void) | undefined },
): Promise<VerifiedSegments> {
  const problems: Problem[] = [];
  const rowsPerMinute = new Array<number>(1440).fill(0);
  let rows = 0;
  let firstUs = Number.POSITIVE_INFINITY;
  let lastUs = Number.NEGATIVE_INFINITY;
  for (const path of paths) {
    const name = basename(path);
    let scan: SegmentScan;
    try {
      scan = await scanSegment(path, dateStartUs(day.date), { ...options, onLines: options.onLines ?? (() => {}) });
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") throw error;
      problems.push({ kind: "segment_unreadable", detail: `${path}: ${reasonOf(error)}` });
      continue;
    }
    const { tally, foreign } = scan;
    if (foreign > 0)
      problems.push({ kind: "foreign_line", detail: `${name}: ${foreign} lines were not written by RT-Data` });
    if (tally.rows === 0) continue;
    const inDay = tally.perMinute.reduce((sum, count) => sum + count, 0);
    if (inDay !== tally.rows)
      problems.push({ kind: "wrong_day", detail: `${name}: ${tally.rows - inDay} rows were received on another day` });
    if (tally.disordered > 0)
      problems.push({ kind: "order", detail: `${name}: ${tally.disordered} rows are older than the row before` });
    rows += tally.rows;
    firstUs = Math.min(firstUs, tally.firstUs);
    lastUs = Math.max(lastUs, tally.lastUs);
    for (let minute = 0; minute < 1440; minute++)
      rowsPerMinute[minute] = (rowsPerMinute[minute] ?? 0) + (tally.perMinute[minute] ?? 0);
  }
  return { rows, problems, received: rows === 0 ? null : { date: day.date, firstUs, lastUs, rowsPerMinute } };
}
