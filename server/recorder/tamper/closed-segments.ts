import { manifestPath, quarantineFolder, type Segment, segmentPath } from "../../domain/day.ts";
import { decodeLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import { existsSync } from "../../platform/files/files.ts";
import { rm, stat } from "../../platform/files/files-async.ts";
import { readStored } from "../../storage/list/stored-lines.ts";
import { readManifest } from "../../storage/manifest.ts";
import { readLineBytes } from "../../storage/read/archive-reader.ts";
import { repairSegment } from "../recover/repair-segment.ts";
import type { Tampering } from "../write/stream-writer-types.ts";
import { type Loss, lossOfAll, tamperLoss, type WrittenBytes } from "./written-bytes.ts";

/**
 * Tracks segments that are closed but not sealed, because another program may change them meanwhile.
 *
 * | segment         | event                        | next                                                        |
 * |-----------------|------------------------------|-------------------------------------------------------------|
 * | closed          | sealed                       | forgotten; missing rows are reported                        |
 * | closed          | cannot be sealed             | left raw, whole again; missing rows are reported            |
 * | left raw        | has another size             | left raw, whole again; missing rows are reported            |
 * | left raw        | gone, its day was merged     | forgotten                                                   |
 * | left raw        | gone                         | forgotten; all its rows are reported                        |
 */
export type ClosedSegments = {
  /** Adds a closed segment that holds the records in `written`. */
  add(segment: Segment, stream: Stream, written: WrittenBytes): void;
  /** The segment was sealed with `rows` rows; null if it stays raw or is gone. Reports a loss. Never rejects. */
  check(segment: Segment, rows: number | null): Promise<void>;
  /** Checks the next segment that stays raw until its day is merged. Reports a loss. Never rejects. */
  checkLeftRaw(): Promise<void>;
};

type Closed = { readonly stream: Stream; readonly written: WrittenBytes };
type LeftRaw = Closed & { readonly segment: Segment; readonly bytes: number };

/** Creates the tracker without segments. */
export function createClosedSegments(deps: {
  dataDir: string;
  onTampered: (stream: Stream, path: string, tampering: Tampering, loss: Loss | null) => void;
}): ClosedSegments {
  const closed = new Map<string, Closed>();
  /** By path; the segment that was checked last is the last. */
  const leftRaw = new Map<string, LeftRaw>();
  let isChecking = false;

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
    const repaired = await repairSegment(place, written);
    const { bytes, isReplaced, loss } = repaired;
    if (bytes === 0) await rm(path, { force: true });
    else leftRaw.set(path, { segment, stream, written: repaired.written, bytes });
    if (loss !== null || isReplaced) deps.onTampered(stream, path, "truncated or appended to", loss);
  }

  async function checkRaw(path: string, known: LeftRaw): Promise<void> {
    const { segment, stream, written, bytes } = known;
    try {
      const { size } = await stat(path);
      if (size !== bytes) await repair(segment, path, known);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return;
      leftRaw.delete(path);
      if (readManifest(deps.dataDir, segment)?.segments.includes(segment.name) === true) return;
      deps.onTampered(stream, path, "deleted or replaced", lossOfAll(written));
    }
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
    async checkLeftRaw() {
      const [next] = leftRaw;
      if (next === undefined || isChecking) return;
      isChecking = true;
      const [path, known] = next;
      leftRaw.delete(path);
      leftRaw.set(path, known);
      await checkRaw(path, known).catch(() => {});
      isChecking = false;
    },
  };
}
