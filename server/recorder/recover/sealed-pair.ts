import { pipeline } from "node:stream/promises";
import { closeSync, createReadStream, openSync, readSync } from "../../platform/files/files.ts";
import { createFrameWalker, frameProblem } from "../../storage/zstd/zstd-frame.ts";
import { unpackedZstd } from "../../storage/zstd/zstd-pieces.ts";

/** What a raw segment and the sealed one of the same name have in common. */
export type Pair = "sealed_has_all" | "raw_has_all" | "sealed_unreadable" | "different";

/** Compares both in bounded memory. Rejects if the raw file cannot be read. */
export async function comparePair(raw: string, sealed: string): Promise<Pair> {
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

  /** Reads as much of the raw file as is asked for and there. */
  function nextOfRaw(length: number): Buffer {
    if (buffer.length < length) buffer = Buffer.alloc(length);
    let got = 0;
    while (got < length) {
      const read = readSync(fd, buffer, got, length - got, null);
      if (read === 0) break;
      got += read;
    }
    rawEnded = got < length;
    return buffer.subarray(0, got);
  }

  try {
    await pipeline(createReadStream(sealed), watched, unpackedZstd, async (content: AsyncIterable<Buffer>) => {
      for await (const bytes of content) {
        if (rawEnded || differs) continue;
        let own: Buffer;
        try {
          own = nextOfRaw(bytes.length);
        } catch (error) {
          failure = error instanceof Error ? error : new Error(String(error));
          throw failure;
        }
        differs = !own.equals(bytes.subarray(0, own.length));
      }
    });
    // Bun's decoder takes the end of the input for the end of the frame.
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
