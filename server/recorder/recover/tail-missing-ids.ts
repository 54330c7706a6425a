import { type Segment, segmentPath } from "../../domain/day.ts";
import { decodeLine, firstRecordId, recordId } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isContiguous, type StreamKind } from "../../domain/stream-kinds.ts";
import { closeSync, fstatSync, openSync, readSync } from "../../platform/files/files.ts";
import { type IdRange, idsOutside } from "../../storage/ids/id-ranges.ts";

/** Missing ids between two records of a stream. */
export type TailMissingIds = {
  readonly fromId: number;
  readonly toId: number;
  /** Receipt of the record before and of the one after, µs. */
  readonly fromUs: number;
  readonly toUs: number;
};

/** The record with the highest id so far. */
export type HighestRecord = { readonly id: number; readonly recvUs: number };

/** Some seconds of the busiest symbol. */
const tailBytes = 512 * 1024;

/** Some of the longest lines. */
const headBytes = 64 * 1024;

/**
 * Ids of trades or diffs that are missing between the last records of a raw segment, and between `before`, the highest record of the
 * segments before it, and its first one. Whether ids will still come is known only a moment after the jump, and a kill within that moment
 * leaves records on both sides of a hole that nobody has written down. Empty for streams whose ids do not follow each other. Throws the
 * system's error.
 */
export function missingIdsInTail(
  dataDir: string,
  segment: Segment,
  before: HighestRecord | null = null,
): TailMissingIds[] {
  const kind = streamTypeOfFolder(segment.stream)?.kind;
  if (kind === undefined || !isContiguous(kind)) return [];
  const { head, tail } = readEnds(segmentPath(dataDir, segment, "open"));
  const rows = rowsOf(tail, kind);
  const [first] = head === tail ? rows : rowsOf(head, kind);
  // By a clock that was put back the order of files says nothing.
  const isNext = first !== undefined && before !== null && first.recvUs >= before.recvUs;
  return [...(isNext ? jumpTo(first, before) : []), ...jumpsIn(rows)].flatMap((hole) => withoutLate(hole, rows));
}

/** Receipt of the first record of a raw segment, µs; null if its beginning holds none. Throws the system's error. */
export function firstReceiptUs(dataDir: string, segment: Segment): number | null {
  const { head } = readEnds(segmentPath(dataDir, segment, "open"));
  const record = head.map(decodeLine).find((line) => line !== null && !line.repaired);
  return record?.recvUs ?? null;
}

/** The highest of these records and `before`; refetched ones do not count. */
export function highestOf(
  lines: readonly string[],
  kind: StreamKind,
  before: HighestRecord | null,
): HighestRecord | null {
  return rowsOf(lines, kind).reduce<HighestRecord | null>(
    (highest, { last, recvUs }) => (highest === null || last > highest.id ? { id: last, recvUs } : highest),
    before,
  );
}

type Row = IdRange & { readonly recvUs: number };

function rowsOf(lines: readonly string[], kind: StreamKind): Row[] {
  return lines.flatMap((line) => {
    const record = decodeLine(line);
    const last = record === null || record.repaired ? null : recordId(line, kind);
    if (record === null || last === null) return [];
    return [{ first: firstRecordId(line, kind) ?? last, last, recvUs: record.recvUs }];
  });
}

function jumpsIn(rows: readonly Row[]): TailMissingIds[] {
  const jumps: TailMissingIds[] = [];
  let highest: HighestRecord | null = null;
  for (const row of rows) {
    // The ids had jumped and are back.
    const isBack = jumps.at(-1)?.fromId === row.first;
    if (isBack) jumps.pop();
    else if (highest !== null) jumps.push(...jumpTo(row, highest));
    if (isBack || highest === null || row.last > highest.id) highest = { id: row.last, recvUs: row.recvUs };
  }
  return jumps;
}

function jumpTo({ first, recvUs }: Row, { id, recvUs: fromUs }: HighestRecord): TailMissingIds[] {
  return first > id + 1 ? [{ fromId: id + 1, toId: first - 1, fromUs, toUs: recvUs }] : [];
}

/** What came late, over another connection, is not missing. */
function withoutLate({ fromId, toId, ...span }: TailMissingIds, rows: readonly Row[]): TailMissingIds[] {
  const late = rows.filter(({ first, last }) => last >= fromId && first <= toId).sort((a, b) => a.first - b.first);
  const absent = idsOutside({ first: fromId, last: toId }, late);
  return absent.map(({ first, last }) => ({ fromId: first, toId: last, ...span }));
}

/** The first and the last lines of a file; the same ones where it is short. */
function readEnds(path: string): { readonly head: string[]; readonly tail: string[] } {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const tail = linesAt(fd, Math.max(0, size - tailBytes), size);
    if (size <= tailBytes) return { head: tail, tail };
    // The first one of a window within the file is cut.
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
