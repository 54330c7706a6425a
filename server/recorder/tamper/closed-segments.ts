import { quarantineFolder, type Segment, segmentPath } from "../../domain/day.ts";
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
import { type Loss, tamperLoss, type WrittenBytes } from "./written-bytes.ts";

/**
 * Tracks segments that are closed but not sealed, because another program may change them meanwhile.
 *
 * | segment         | event                        | next                                                        |
 * |-----------------|------------------------------|-------------------------------------------------------------|
 * | closed          | sealed                       | forgotten; missing rows are reported                        |
 * | closed          | cannot be sealed             | left raw, whole again; missing rows are reported            |
 * | closed          | the disk gives no answer     | compared again later                                        |
 * | left raw        | has another size             | left raw, whole again; missing rows are reported            |
 * | left raw        | gone, its day was merged     | forgotten                                                   |
 * | left raw        | gone                         | forgotten; all its rows are reported                        |
 */
export type ClosedSegments = {
  /** Adds a closed segment that holds the records in `written`. */
  add(segment: Segment, stream: Stream, written: WrittenBytes): void;
  /** The segment was sealed with `rows` rows; null if it stays raw or is gone. Reports a loss. Never rejects. */
  check(segment: Segment, rows: number | null): Promise<void>;
  /** Checks the next segment that stays raw until its day is merged, or that the disk did not let compare. Reports a loss. Never rejects. */
  checkLeftRaw(): Promise<void>;
};

type Closed = { readonly stream: Stream; readonly written: WrittenBytes };
/** `bytes`: its size; null if it must still be compared with the records that were written to it. */
type LeftRaw = Closed & { readonly segment: Segment; readonly bytes: number | null };

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
  async function repair(path: string, { segment, stream, written }: LeftRaw): Promise<void> {
    const place = { segment, path, quarantine: quarantineFolder(deps.dataDir, segment) };
    const repaired = await repairSegment(place, written);
    const { bytes, isReplaced, loss } = repaired;
    if (bytes === 0) {
      await rm(path, { force: true });
      leftRaw.delete(path);
    } else leftRaw.set(path, { segment, stream, written: repaired.written, bytes });
    if (loss !== null || isReplaced) deps.onTampered(stream, path, "truncated or appended to", loss);
  }

  /** Compares a segment with the records that were written to it. Rejects with the system's error before it reports a loss. */
  async function compare(path: string, known: LeftRaw): Promise<void> {
    if (existsSync(path)) {
      await repair(path, known);
      return;
    }
    const times = await timesIn(path);
    const isMerged =
      times.length === 0 && readManifest(deps.dataDir, known.segment)?.segments.includes(known.segment.name) === true;
    leftRaw.delete(path);
    const loss = isMerged ? null : tamperLoss(known.written, times);
    const tampering = times.length === 0 ? "deleted or replaced" : "truncated or appended to";
    if (loss !== null) deps.onTampered(known.stream, path, tampering, loss);
  }

  async function isUnchanged(path: string, bytes: number): Promise<boolean> {
    try {
      return (await stat(path)).size === bytes;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
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
      const unchecked = { ...known, segment, bytes: null };
      // Another program may harm it further while the disk gives no answer.
      await compare(path, unchecked).catch(() => void leftRaw.set(path, unchecked));
    },
    async checkLeftRaw() {
      const [next] = leftRaw;
      if (next === undefined || isChecking) return;
      isChecking = true;
      const [path, known] = next;
      leftRaw.delete(path);
      leftRaw.set(path, known);
      try {
        if (known.bytes === null || !(await isUnchanged(path, known.bytes))) await compare(path, known);
      } catch {
        // The next round tries again.
      } finally {
        isChecking = false;
      }
    },
  };
}
