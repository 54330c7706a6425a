import { FileError } from "../../platform/errors.ts";
import { createReadStream } from "../../platform/files/files.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { unpackedZstd } from "../zstd/zstd-pieces.ts";

/** Callbacks while reading a file. */
export type ReadOptions = {
  /** Receives the file's own bytes as they pass, for checksums and progress. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** Receives the decompressed bytes as they pass, including a torn last line. */
  readonly onRaw?: (bytes: Uint8Array) => void;
};

const newline = 10;

/** Longest valid line in bytes. */
const longestLine = 32 * 1024 * 1024;

/**
 * Reads the lines of a segment or archive, plain (`.jsonl`) or compressed (`.jsonl.zst`), in order and without newlines.
 * Yields as many lines as a piece of the file holds, in bounded memory. Text after the last newline is not returned, because the file may
 * still be written.
 * @throws FileError if the file cannot be read, is damaged, or ends before its zstd frame does.
 */
export async function* readLines(path: string, options: ReadOptions = {}): AsyncGenerator<string[], void> {
  for await (const bytes of readLineBytes(path, options)) {
    const lines = bytes.toString("utf8").split("\n");
    lines.pop();
    yield lines;
  }
}

/** Like `readLines`, but yields whole lines as bytes, with newlines. The caller may keep each piece. */
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
  async function* watched() {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      walker.push(chunk);
      options.onBytes?.(chunk);
      yield chunk;
    }
  }
  try {
    yield* unpackedZstd(watched());
  } finally {
    file.destroy();
  }
  // Bun's decoder accepts a truncated frame.
  const problem = frameProblem(walker.shape());
  if (problem !== null) throw new Error(problem);
}
