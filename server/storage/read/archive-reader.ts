import { FileError } from "../../platform/errors.ts";
import { createReadStream } from "../../platform/files/files.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { unpackedZstd } from "../zstd/zstd-pieces.ts";

/** What reading can be told besides the path. */
export type ReadOptions = {
  /** Sees the file's own bytes as they pass: for checksums and progress. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** Sees the decompressed bytes as they pass, a torn last line included. */
  readonly onRaw?: (bytes: Uint8Array) => void;
};

const newline = 10;

/** A line that is longer than this is none. */
const longestLine = 32 * 1024 * 1024;

/**
 * The lines of a segment or archive, plain (`.jsonl`) or compressed (`.jsonl.zst`), in order and without newlines, as many at
 * once as a piece of the file holds. Bounded memory, whatever the file's size. What stands behind the last newline of a file
 * that is still being written is not returned. Throws a FileError if the file cannot be read, is damaged, or ends before its
 * zstd frame does.
 */
export async function* readLines(path: string, options: ReadOptions = {}): AsyncGenerator<string[], void> {
  for await (const bytes of readLineBytes(path, options)) {
    const lines = bytes.toString("utf8").split("\n");
    lines.pop();
    yield lines;
  }
}

/** As `readLines`, but whole lines with their newlines as bytes; a piece is the caller's to keep. */
export async function* readLineBytes(path: string, options: ReadOptions = {}): AsyncGenerator<Buffer, void> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  try {
    for await (const bytes of contentOf(path, options)) {
      options.onRaw?.(bytes);
      const end = bytes.lastIndexOf(newline) + 1;
      if (end > 0) {
        const whole = bytes.subarray(0, end);
        yield rest.length === 0 ? whole : Buffer.concat([...rest, whole]);
        rest = [];
        restBytes = 0;
      }
      if (end === bytes.length) continue;
      rest.push(bytes.subarray(end));
      restBytes += bytes.length - end;
      if (restBytes > longestLine) throw new Error(`a line is longer than ${longestLine} bytes`);
    }
  } catch (error) {
    throw error instanceof FileError ? error : new FileError("read", path, error);
  }
}

async function* contentOf(path: string, options: ReadOptions): AsyncGenerator<Buffer, void> {
  const file = createReadStream(path, { highWaterMark: 128 * 1024 });
  if (!path.endsWith(".zst")) {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      options.onBytes?.(chunk);
      yield chunk;
    }
    return;
  }
  const walker = createFrameWalker();
  async function* seen() {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      walker.push(chunk);
      options.onBytes?.(chunk);
      yield chunk;
    }
  }
  try {
    yield* unpackedZstd(seen());
  } finally {
    file.destroy();
  }
  // Bun's decoder takes the end of the input for the end of the frame.
  const problem = frameProblem(walker.shape());
  if (problem !== null) throw new Error(problem);
}
