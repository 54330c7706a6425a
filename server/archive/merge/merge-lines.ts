import { type LineStats, recvUsAt, scanLines } from "../../storage/line-stats.ts";
import { type LineSource, openLinesSync } from "../../storage/read/line-reader-sync.ts";

/** A file to merge; its lines are in order of `recv_us`. */
export type MergeInput = {
  readonly path: string;
  readonly onRaw?: (bytes: Uint8Array) => void;
  /** Decides for each line, in order, whether it is merged; `at` is its start, `end` its newline. Absent: every line is merged. */
  readonly isTaken?: (bytes: Buffer, at: number, end: number) => boolean;
};

export type MergeEvents = {
  /** Receives lines in their final order; valid during the call. */
  readonly onLines: (lines: Buffer) => void;
  /** Receives a line, without newline, that RT-Data did not write and that is left out. */
  readonly onForeign: (path: string, line: Buffer) => void;
  /** Receives the bytes after the last newline of a file. */
  readonly onTail: (path: string, bytes: Buffer) => void;
};

/** A file and the time of its first line. If the file begins with a foreign line the time is 0, so the file comes first. */
type Queued = { readonly input: MergeInput; readonly order: number; headUs: number };
type Active = Queued & { readonly source: LineSource };

const newline = 10;

/**
 * Merges files by `recv_us`; lines of the same time keep the order of `inputs`. A file is opened when its first line is due. While no
 * other file is due, its lines pass in runs of a whole buffer.
 *
 * @throws UnreadableFile if an input is damaged; FileError otherwise
 */
export function mergeLines(inputs: readonly MergeInput[], stats: LineStats, events: MergeEvents): void {
  const queue = inputs.map((input, order): Queued => ({ input, order, headUs: firstRecvUs(input.path) })).sort(compare);
  const active: Active[] = [];
  try {
    for (;;) {
      const lowest = active.reduce<Active | undefined>(
        (lowest, file) => (lowest && compare(lowest, file) < 0 ? lowest : file),
        undefined,
      );
      const next = queue[0];
      if (next !== undefined && (lowest === undefined || compare(next, lowest) < 0)) {
        active.push({ ...next, source: openLinesSync(next.input.path, next.input.onRaw) });
        queue.shift();
      } else if (lowest === undefined) {
        return;
      } else if (!drain(lowest, limitFor(lowest, active, next), stats, events)) {
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

/** Returns the time, inclusive, up to which the lines of `current` come before the lines of all other files. */
function limitFor(current: Active, active: readonly Active[], next: Queued | undefined): number {
  let limit = Number.POSITIVE_INFINITY;
  for (const file of next === undefined ? active : [...active, next]) {
    if (file !== current && file.order !== current.order)
      limit = Math.min(limit, current.order < file.order ? file.headUs : file.headUs - 1);
  }
  return limit;
}

/** Emits lines up to the limit; false at the end of the file. */
function drain(active: Active, limit: number, stats: LineStats, events: MergeEvents): boolean {
  const { source, input } = active;
  while (source.fill()) {
    const to = input.isTaken === undefined ? source.to : takenUpTo(source, limit, input.isTaken);
    const stop = scanLines(source.bytes, source.from, to, limit, stats);
    if (stop > source.from) events.onLines(source.bytes.subarray(source.from, stop));
    source.from = stop;
    if (stop === source.to) continue;
    if (stop === to) {
      // Skip the line that `isTaken` refused.
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

/** Returns the end of the run of taken lines: the start of the first refused line, or the end of the bytes. */
function takenUpTo(source: LineSource, limit: number, isTaken: NonNullable<MergeInput["isTaken"]>): number {
  const { bytes, to } = source;
  let at = source.from;
  while (at < to) {
    const recvUs = recvUsAt(bytes, at);
    // `isTaken` is asked only about lines that are due; `scanLines` stops at later and foreign lines.
    if (recvUs < 0 || recvUs > limit) return to;
    const end = bytes.indexOf(newline, at);
    if (!isTaken(bytes, at, end)) return at;
    at = end + 1;
  }
  return to;
}
