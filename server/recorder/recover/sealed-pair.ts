import { pipeline } from "node:stream/promises";
import { quarantineFolder, type Segment, segmentPath } from "../../domain/day.ts";
import { moveAside, removeIfThere, renameDurably } from "../../platform/files/durable-files.ts";
import { closeSync, createReadStream, openSync, readSync } from "../../platform/files/files.ts";
import { createFrameWalker, frameProblem } from "../../storage/zstd/zstd-frame.ts";
import { unpackedZstd } from "../../storage/zstd/zstd-pieces.ts";
import { createFree } from "../write/free-segment-name.ts";

/**
 * Resolves a segment that exists both raw and sealed: the process crashed after the rename of the sealed file and before the removal of the
 * raw file. Returns the raw segment that remains, perhaps under another name; null if it was removed.
 */
export async function settlePair(
  dataDir: string,
  segment: Segment,
  addRepair: (path: string, keptAt: string | null, message: string) => void,
): Promise<Segment | null> {
  const raw = segmentPath(dataDir, segment, "open");
  const sealed = segmentPath(dataDir, segment, "sealed");
  const pair = await comparePair(raw, sealed);
  if (pair === "sealed_has_all") {
    removeIfThere(raw);
    addRepair(raw, null, "removed the raw segment: the sealed segment holds the same");
    return null;
  }
  if (pair === "raw_has_all") {
    removeIfThere(sealed);
    addRepair(sealed, null, "removed the sealed segment: the raw segment holds all of it and more");
    return segment;
  }
  if (pair === "sealed_unreadable") {
    addRepair(
      sealed,
      moveAside(sealed, quarantineFolder(dataDir, segment)),
      "moved the sealed segment to quarantine: it cannot be decompressed; the raw segment stays",
    );
    return segment;
  }
  // An empty file reserves the new name: this run records into the same folder, and a rename could replace its segment.
  const wanted = { ...segment, name: segment.name.replace(/_\d+$/, "") };
  const { segment: renamed } = await createFree({ dataDir }, wanted, async (path) => closeSync(openSync(path, "wx")));
  renameDurably(raw, segmentPath(dataDir, renamed, "open"));
  addRepair(
    raw,
    segmentPath(dataDir, renamed, "open"),
    "renamed the raw segment: it differs from the sealed segment of its name; both stay",
  );
  return renamed;
}

/**
 * How a raw segment and the sealed segment of the same name compare.
 *
 * | result            | meaning                                                     |
 * |-------------------|-------------------------------------------------------------|
 * | sealed_has_all    | the sealed segment holds the whole raw segment              |
 * | raw_has_all       | the raw segment holds the whole sealed segment and more     |
 * | sealed_unreadable | the sealed segment cannot be decompressed                   |
 * | different         | the contents differ                                         |
 */
type Pair = "sealed_has_all" | "raw_has_all" | "sealed_unreadable" | "different";

/** Compares both files in bounded memory. Rejects if the raw file cannot be read. */
async function comparePair(raw: string, sealed: string): Promise<Pair> {
  const fd = openSync(raw, "r");
  let buffer = Buffer.alloc(256 * 1024);
  let rawEnded = false;
  let differs = false;
  let failure: Error | null = null;
  const walker = createFrameWalker();

  async function* watched(bytes: AsyncIterable<Buffer>) {
    for await (const chunk of bytes) {
      walker.push(chunk);
      yield chunk;
    }
  }

  /** Reads `length` bytes of the raw file, or the rest if it is shorter. */
  function nextOfRaw(length: number): Buffer {
    if (buffer.length < length) buffer = Buffer.alloc(length);
    let bytesRead = 0;
    while (bytesRead < length) {
      const read = readSync(fd, buffer, bytesRead, length - bytesRead, null);
      if (read === 0) break;
      bytesRead += read;
    }
    rawEnded = bytesRead < length;
    return buffer.subarray(0, bytesRead);
  }

  try {
    await pipeline(createReadStream(sealed), watched, unpackedZstd, async (content: AsyncIterable<Buffer>) => {
      for await (const bytes of content) {
        if (rawEnded || differs) continue;
        let rawBytes: Buffer;
        try {
          rawBytes = nextOfRaw(bytes.length);
        } catch (error) {
          failure = error instanceof Error ? error : new Error(String(error));
          throw failure;
        }
        differs = !rawBytes.equals(bytes.subarray(0, rawBytes.length));
      }
    });
    // Bun's decoder accepts a truncated frame, so the frame is checked separately.
    if (frameProblem(walker.shape()) !== null) return "sealed_unreadable";
    if (differs) return "different";
    if (rawEnded || nextOfRaw(1).length === 0) return "sealed_has_all";
    return "raw_has_all";
  } catch (error) {
    if (failure !== null) throw failure;
    if (error instanceof Error && "code" in error && /^E(?!RR_)/.test(String(error.code))) throw error;
    return "sealed_unreadable";
  } finally {
    closeSync(fd);
  }
}
