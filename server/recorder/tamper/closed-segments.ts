import { manifestPath, quarantineFolder, type Segment, segmentPath } from "../../domain/day.ts";
import { decodeLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { existsSync } from "../../platform/files/files.ts";
import { rm } from "../../platform/files/files-async.ts";
import { readStored } from "../../storage/list/stored-lines.ts";
import { readLineBytes } from "../../storage/read/archive-reader.ts";
import { repairSegment } from "../recover/repair-segment.ts";
import type { Tampering } from "../write/stream-writer-types.ts";
import { type Loss, tamperLoss, type WrittenBytes } from "./written-bytes.ts";

/** Segments that are closed and not sealed yet: somebody may change them meanwhile. */
export type ClosedSegments = {
  /** A segment is closed and holds what was `written`. */
  add(segment: Segment, stream: Stream, written: WrittenBytes): void;
  /** It is sealed with so many rows; null where it was left as it is, or is gone. Never rejects. */
  check(segment: Segment, rows: number | null): Promise<void>;
};

type Closed = { readonly stream: Stream; readonly written: WrittenBytes };

/** Nothing is closed at first. */
export function createClosedSegments(deps: {
  dataDir: string;
  onTampered: (stream: Stream, path: string, what: Tampering, loss: Loss | null) => void;
}): ClosedSegments {
  const closed = new Map<string, Closed>();

  async function timesIn(path: string): Promise<number[]> {
    const times: number[] = [];
    for await (const lines of readStored(path, readLineBytes))
      for (const line of lines.toString("latin1").split("\n")) {
        const record = decodeLine(line);
        if (record !== null) times.push(record.recvUs);
      }
    return times;
  }

  /** It was not sealed, and the merge takes it as it is: what is left of a line that was cut must not stay in it. */
  async function repair(segment: Segment, path: string, { stream, written }: Closed): Promise<void> {
    const place = { segment, path, quarantine: quarantineFolder(deps.dataDir, segment) };
    const { bytes, isReplaced, loss } = await repairSegment(place, written);
    if (bytes === 0) await rm(path, { force: true });
    if (loss !== null || isReplaced) deps.onTampered(stream, path, "truncated or appended to", loss);
  }

  return {
    add(segment, stream, written) {
      closed.set(segmentPath(deps.dataDir, segment, "open"), { stream, written });
    },
    async check(segment, rows) {
      const path = segmentPath(deps.dataDir, segment, "open");
      const known = closed.get(path);
      closed.delete(path);
      if (known === undefined || rows === known.written.records()) return;
      try {
        if (existsSync(path)) {
          await repair(segment, path, known);
          return;
        }
        const times = await timesIn(path);
        // The day may have been merged meanwhile.
        if (times.length === 0 && existsSync(manifestPath(deps.dataDir, segment))) return;
        const loss = tamperLoss(known.written, times);
        const what = times.length === 0 ? "deleted or replaced" : "truncated or appended to";
        if (loss !== null) deps.onTampered(known.stream, path, what, loss);
      } catch {
        // Of a file that cannot be read the merge, or the next start, says what was lost.
      }
    },
  };
}
