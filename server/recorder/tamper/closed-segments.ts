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

/** Tracks segments that are closed but not sealed yet, because another program may change them meanwhile. */
export type ClosedSegments = {
  /** Adds a closed segment that holds the records in `written`. */
  add(segment: Segment, stream: Stream, written: WrittenBytes): void;
  /** The segment was sealed with `rows` rows; null if it stays raw or is gone. Reports a loss. Never rejects. */
  check(segment: Segment, rows: number | null): Promise<void>;
};

type Closed = { readonly stream: Stream; readonly written: WrittenBytes };

/** Creates the tracker without segments. */
export function createClosedSegments(deps: {
  dataDir: string;
  onTampered: (stream: Stream, path: string, tampering: Tampering, loss: Loss | null) => void;
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

  /** Repairs a segment that was not sealed: the merge reads it as it is, so it must not hold the rest of a cut line. */
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
        const tampering = times.length === 0 ? "deleted or replaced" : "truncated or appended to";
        if (loss !== null) deps.onTampered(known.stream, path, tampering, loss);
      } catch {
        // The file cannot be read: the merge or the next start reports the loss.
      }
    },
  };
}
