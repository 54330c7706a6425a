import { closeSync, fstatSync, openSync, readSync } from "../platform/files.ts";
import { decodeLine, recordId } from "../record.ts";
import { type Segment, segmentPath } from "../segment.ts";
import { streamTypeOfFolder } from "../stream.ts";

/** Missing ids between two records of a segment. */
export type TailHole = {
  readonly fromId: number;
  readonly toId: number;
  /** Receipt of the record before and of the one after, µs. */
  readonly fromUs: number;
  readonly toUs: number;
};

/** Some seconds of the busiest symbol. */
const tailBytes = 512 * 1024;

/**
 * Trades that are missing between the last records of a raw segment. Whether ids will still come is known only a moment after the jump, and
 * a kill within that moment leaves records on both sides of a hole that nobody has written down. Empty for streams whose ids do not follow
 * each other. Throws the system's error.
 */
export function holesInTail(dataDir: string, segment: Segment): readonly TailHole[] {
  const kind = streamTypeOfFolder(segment.stream)?.kind;
  if (kind !== "aggTrade" && kind !== "trade") return [];
  const holes: TailHole[] = [];
  let last: { readonly id: number; readonly us: number } | null = null;
  for (const line of tailLines(segmentPath(dataDir, segment, "open"))) {
    const record = decodeLine(line);
    const id = record === null || record.repaired ? null : recordId(line, kind);
    if (record === null || id === null) continue;
    if (last !== null && id > last.id + 1)
      holes.push({ fromId: last.id + 1, toId: id - 1, fromUs: last.us, toUs: record.recvUs });
    if (last === null || id > last.id) last = { id, us: record.recvUs };
  }
  return holes;
}

function tailLines(path: string): string[] {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const lines = bytes.toString("latin1").split("\n");
    // The first one of a window within the file is cut.
    return size > tailBytes ? lines.slice(1) : lines;
  } finally {
    closeSync(fd);
  }
}
