import { type Segment, segmentPath } from "../../domain/day.ts";
import {
  type HighestRecord,
  higherOf,
  type IdRow,
  type MissingIds,
  missingBefore,
  missingOutside,
} from "../../domain/ids/id-order.ts";
import { decodeLine, recordIds } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isContiguous, type StreamKind } from "../../domain/stream-kinds.ts";
import { closeSync, fstatSync, openSync, readSync } from "../../platform/files/files.ts";

/** Bytes read from the end of a file: some seconds of the busiest symbol. */
const tailBytes = 512 * 1024;

/** Bytes read from the start of a file: several of the longest lines. */
const headBytes = 64 * 1024;

/**
 * Finds missing ids at the end of a raw segment, and between `before` (the highest record of earlier segments) and its first record.
 *
 * A gap is stored only a moment after the ids have jumped, because ids may come late. If the process is killed within that moment, the
 * segment has records on both sides of the missing ids, but no gap is stored. Empty for streams without contiguous ids. Throws the system's
 * error.
 */
export function missingIdsInTail(dataDir: string, segment: Segment, before: HighestRecord | null = null): MissingIds[] {
  const kind = streamTypeOfFolder(segment.stream)?.kind;
  if (kind === undefined || !isContiguous(kind)) return [];
  const { head, tail } = readEnds(segmentPath(dataDir, segment, "open"));
  const rows = liveRows(tail, kind);
  return missingInRows(kind, rows, before, head === tail ? rows : liveRows(head, kind));
}

/** The same for records in the order of a file. `head`: the records at its beginning, if `rows` are only those at its end. */
export function missingInRows(
  kind: StreamKind,
  rows: readonly IdRow[],
  before: HighestRecord | null,
  head = rows,
): MissingIds[] {
  const [first] = head;
  // If the clock was set back, the order of files proves nothing.
  const isNext = first !== undefined && before !== null && first.recvUs >= before.recvUs;
  const jump = isNext ? missingBefore(kind, before, first) : null;
  return [
    ...(jump === null ? [] : withoutLate(jump, head)),
    ...jumpsIn(kind, rows).flatMap((missing) => withoutLate(missing, rows)),
  ];
}

/** Returns the receipt of a raw segment's first record, µs; null if its beginning holds no record. Throws the system's error. */
export function firstReceiptUs(dataDir: string, segment: Segment): number | null {
  const { head } = readEnds(segmentPath(dataDir, segment, "open"));
  const record = head.map(decodeLine).find((line) => line !== null && !line.repaired);
  return record?.recvUs ?? null;
}

/** Returns the ids and receipts of records that were received live. */
export function liveRows(lines: readonly string[], kind: StreamKind): IdRow[] {
  return lines.flatMap((line) => {
    const record = decodeLine(line);
    const ids = record === null || record.repaired ? null : recordIds(line, kind);
    return record === null || ids === null ? [] : [{ ...ids, recvUs: record.recvUs }];
  });
}

function jumpsIn(kind: StreamKind, rows: readonly IdRow[]): MissingIds[] {
  const jumps: MissingIds[] = [];
  let highest: HighestRecord | null = null;
  for (const row of rows) {
    // The ids had jumped and are back: the jump was no gap.
    const isBack = jumps.at(-1)?.fromId === row.first;
    if (isBack) jumps.pop();
    const jump = isBack ? null : missingBefore(kind, highest, row);
    if (jump !== null) jumps.push(jump);
    highest = higherOf(isBack ? null : highest, row);
  }
  return jumps;
}

/** Removes ids that came late over another connection. */
function withoutLate(missing: MissingIds, rows: readonly IdRow[]): MissingIds[] {
  const { fromId, toId } = missing;
  const late = rows.filter(({ first, last }) => last >= fromId && first <= toId).sort((a, b) => a.first - b.first);
  return missingOutside(missing, late);
}

/** Reads the first and the last lines of a file; both are the same if the file is short. */
function readEnds(path: string): { readonly head: string[]; readonly tail: string[] } {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const tail = linesAt(fd, Math.max(0, size - tailBytes), size);
    if (size <= tailBytes) return { head: tail, tail };
    // The first line of the tail is incomplete.
    return { head: linesAt(fd, 0, headBytes), tail: tail.slice(1) };
  } finally {
    closeSync(fd);
  }
}

function linesAt(fd: number, from: number, to: number): string[] {
  const bytes = Buffer.alloc(to - from);
  readSync(fd, bytes, 0, bytes.length, from);
  return bytes.toString("latin1").split("\n");
}
