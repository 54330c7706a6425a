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
  /** Receipt of the record before and of the record after, µs. */
  readonly fromUs: number;
  readonly toUs: number;
};

/** The record with the highest id so far. */
export type HighestRecord = { readonly id: number; readonly recvUs: number };

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
  return missingIn(rows, first, before);
}

/** The same for the lines of a whole segment. */
export function missingIdsInLines(
  lines: readonly string[],
  kind: StreamKind,
  before: HighestRecord | null,
): TailMissingIds[] {
  const rows = rowsOf(lines, kind);
  return missingIn(rows, rows[0], before);
}

function missingIn(rows: readonly Row[], first: Row | undefined, before: HighestRecord | null): TailMissingIds[] {
  // If the clock was set back, the order of files proves nothing.
  const isNext = first !== undefined && before !== null && first.recvUs >= before.recvUs;
  return [...(isNext ? jumpTo(first, before) : []), ...jumpsIn(rows)].flatMap((jump) => withoutLate(jump, rows));
}

/** Returns the receipt of a raw segment's first record, µs; null if its beginning holds no record. Throws the system's error. */
export function firstReceiptUs(dataDir: string, segment: Segment): number | null {
  const { head } = readEnds(segmentPath(dataDir, segment, "open"));
  const record = head.map(decodeLine).find((line) => line !== null && !line.repaired);
  return record?.recvUs ?? null;
}

/** Returns the highest of these records and `before`. Backfilled records do not count. */
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
    // The ids had jumped and are back: the jump was no gap.
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

/** Removes ids that came late over another connection. */
function withoutLate({ fromId, toId, ...span }: TailMissingIds, rows: readonly Row[]): TailMissingIds[] {
  const late = rows.filter(({ first, last }) => last >= fromId && first <= toId).sort((a, b) => a.first - b.first);
  const absent = idsOutside({ first: fromId, last: toId }, late);
  return absent.map(({ first, last }) => ({ fromId: first, toId: last, ...span }));
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
