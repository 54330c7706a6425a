import { type LineStats, recvUsAt, scanLines } from "../../storage/line-stats.ts";
import { type LineSource, openLinesSync } from "../../storage/read/line-reader-sync.ts";

/** A file to merge. Its own lines are in order of `recv_us`. */
export type MergeInput = {
  readonly path: string;
  readonly onRaw?: (bytes: Uint8Array) => void;
  /** Says of each line, in order, whether it is taken; `at` is its start and `end` its newline. Without it all are. */
  readonly isTaken?: (bytes: Buffer, at: number, end: number) => boolean;
};

export type MergeEvents = {
  /** Lines in their final order; valid during the call. */
  readonly onLines: (lines: Buffer) => void;
  /** A line, without newline, that is none of ours and is left out. */
  readonly onForeign: (path: string, line: Buffer) => void;
  /** Bytes behind the last newline of a file. */
  readonly onTail: (path: string, bytes: Buffer) => void;
};

/** A file with the time of its first line; that of a file that begins with something else is 0, so that it comes first. */
type Queued = { readonly input: MergeInput; readonly order: number; headUs: number };
type Active = Queued & { readonly source: LineSource };

const newline = 10;

/**
 * Merges files by `recv_us`; lines of the same time come in the order of `inputs`. A file is open only while its time has come,
 * and as long as no other file's has, its lines pass in runs as long as the buffer. Throws UnreadableFile, FileError.
 */
export function mergeLines(inputs: readonly MergeInput[], tally: LineStats, events: MergeEvents): void {
  const queue = inputs.map((input, order): Queued => ({ input, order, headUs: firstRecvUs(input.path) })).sort(compare);
  const active: Active[] = [];
  try {
    for (;;) {
      const lowest = active.reduce<Active | undefined>(
        (low, one) => (low && compare(low, one) < 0 ? low : one),
        undefined,
      );
      const next = queue[0];
      if (next !== undefined && (lowest === undefined || compare(next, lowest) < 0)) {
        active.push({ ...next, source: openLinesSync(next.input.path, next.input.onRaw) });
        queue.shift();
      } else if (lowest === undefined) {
        return;
      } else if (!drain(lowest, limitFor(lowest, active, next), tally, events)) {
        lowest.source.close();
        active.splice(active.indexOf(lowest), 1);
      }
    }
  } finally {
    for (const { source } of active) source.close();
  }
}

function firstRecvUs(path: string): number {
  const source = openLinesSync(path);
  try {
    return source.fill() ? Math.max(0, recvUsAt(source.bytes, source.from)) : 0;
  } finally {
    source.close();
  }
}

function compare(a: Queued, b: Queued): number {
  return a.headUs - b.headUs || a.order - b.order;
}

/** The time up to which `one` may be emitted before another file has its turn. */
function limitFor(one: Active, active: readonly Active[], next: Queued | undefined): number {
  let limit = Number.POSITIVE_INFINITY;
  for (const other of next === undefined ? active : [...active, next]) {
    if (other !== one && other.order !== one.order)
      limit = Math.min(limit, one.order < other.order ? other.headUs : other.headUs - 1);
  }
  return limit;
}

/** Emits lines up to the limit; false when the file is at its end. */
function drain(active: Active, limit: number, tally: LineStats, events: MergeEvents): boolean {
  const { source, input } = active;
  while (source.fill()) {
    const to = input.isTaken === undefined ? source.to : takenUpTo(source, limit, input.isTaken);
    const stop = scanLines(source.bytes, source.from, to, limit, tally);
    if (stop > source.from) events.onLines(source.bytes.subarray(source.from, stop));
    source.from = stop;
    if (stop === source.to) continue;
    if (stop === to) {
      // The line that is not taken.
      source.from = source.bytes.indexOf(newline, stop) + 1;
      continue;
    }
    const recvUs = recvUsAt(source.bytes, stop);
    if (recvUs > limit) {
      active.headUs = recvUs;
      return true;
    }
    const end = source.bytes.indexOf(newline, stop);
    events.onForeign(input.path, source.bytes.subarray(stop, end));
    source.from = end + 1;
  }
  const tail = source.tail();
  if (tail.length > 0) events.onTail(input.path, tail);
  return false;
}

/** Where the run of lines ends that are taken and whose time has come: at a line that is not taken, else behind them. */
function takenUpTo(source: LineSource, limit: number, isTaken: NonNullable<MergeInput["isTaken"]>): number {
  const { bytes, to } = source;
  let at = source.from;
  while (at < to) {
    const recvUs = recvUsAt(bytes, at);
    // What lies behind the limit, and what is none of ours, is not asked about yet.
    if (recvUs < 0 || recvUs > limit) return to;
    const end = bytes.indexOf(newline, at);
    if (!isTaken(bytes, at, end)) return at;
    at = end + 1;
  }
  return to;
}
