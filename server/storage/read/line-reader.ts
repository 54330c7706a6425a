import { isAscii } from "node:buffer";
import { createGunzip } from "node:zlib";
import { closeSync, createReadStream, openSync, readSync } from "../../platform/files/files.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { unpackedZstd } from "../zstd/zstd-pieces.ts";

/** Reads the lines of one file, holding one chunk in memory. */
export type LineReader = {
  /** The latest chunk: whole lines. */
  readonly text: string;
  /** Where in `text` the line begins (`from`), and where its newline is (`to`). */
  readonly from: number;
  readonly to: number;
  /** Advances to the next line; false if `fill` is needed or the file is over. */
  next(): boolean;
  /**
   * Reads the next chunk; false at the end of the file.
   * @throws if the file cannot be read, is damaged, or ends before its zstd frame does. The error does not name the file.
   */
  fill(): Promise<boolean>;
  close(): void;
};

const chunkBytes = 128 * 1024;
const longestLine = 32 * 1024 * 1024;
const newline = 10;

/** How bytes become text: as UTF-8, or losslessly as one character per byte. */
export type LineEncoding = "utf8" | "latin1";

/**
 * Opens a file of lines: plain, `.gz` or `.zst` (also with `.previous` appended). Omits a torn last line.
 * @throws the system's error if the file cannot be opened.
 */
export function openLines(path: string, encoding: LineEncoding = "utf8"): LineReader {
  const fd = openSync(path, "r");
  const packed = /\.(gz|zst)(?:\.previous)?$/.exec(path)?.[1];
  const chunks = packed === undefined ? readPlain(fd) : readPacked(fd, packed === "gz");
  let begun = false;
  let closed = false;

  const reader = {
    text: "",
    from: 0,
    to: -1,
    next() {
      const end = reader.text.indexOf("\n", reader.to + 1);
      if (end < 0) return false;
      reader.from = reader.to + 1;
      reader.to = end;
      return true;
    },
    async fill() {
      empty();
      begun = true;
      const chunk = await chunks.next();
      if (chunk.done) return false;
      reader.text = chunk.value.toString(encoding === "utf8" && isAscii(chunk.value) ? "latin1" : encoding);
      return true;
    },
    close() {
      if (!closed && begun) void chunks.return(undefined);
      else if (!closed) closeSync(fd);
      closed = true;
      empty();
    },
  };

  function empty(): void {
    reader.text = "";
    reader.from = 0;
    reader.to = -1;
  }

  return reader;
}

/**
 * Reads whole lines of a plain file. They are valid until the next lines are requested.
 * Reads in the calling thread: the file was written in order, so the system reads ahead.
 */
async function* readPlain(fd: number): AsyncGenerator<Buffer, void> {
  let buffer: Buffer = Buffer.allocUnsafe(chunkBytes);
  let length = 0;
  try {
    for (;;) {
      if (length === buffer.length) buffer = enlarge(buffer);
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      if (read === 0) return;
      length += read;
      const end = buffer.subarray(0, length).lastIndexOf(newline) + 1;
      if (end === 0) continue;
      yield buffer.subarray(0, end);
      buffer.copyWithin(0, end, length);
      length -= end;
    }
  } finally {
    closeSync(fd);
  }
}

function enlarge(buffer: Buffer): Buffer {
  if (buffer.length > longestLine) throw new Error("it contains no lines of text");
  const larger = Buffer.allocUnsafe(buffer.length * 4);
  buffer.copy(larger);
  return larger;
}

/** Reads whole lines of a compressed file. */
async function* readPacked(fd: number, isGzip: boolean): AsyncGenerator<Buffer, void> {
  const file = createReadStream("", { fd, highWaterMark: 64 * 1024 });
  const gunzip = isGzip ? createGunzip({ chunkSize: chunkBytes }) : null;
  // The decoder accepts a truncated frame.
  const walker = createFrameWalker();
  async function* watched() {
    for await (const bytes of file as AsyncIterable<Buffer>) {
      walker.push(bytes);
      yield bytes;
    }
  }
  file.on("error", (error) => gunzip?.destroy(error));
  const unpacked: AsyncIterable<Buffer> = gunzip === null ? unpackedZstd(watched()) : file.pipe(gunzip);
  let rest: Buffer[] = [];
  let restBytes = 0;
  try {
    for await (const chunk of unpacked) {
      const end = chunk.lastIndexOf(newline) + 1;
      if (end > 0) {
        yield rest.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...rest, chunk.subarray(0, end)]);
        rest = [];
        restBytes = 0;
      }
      rest.push(chunk.subarray(end));
      restBytes += chunk.length - end;
      if (restBytes > longestLine) throw new Error("it contains no lines of text");
    }
  } finally {
    file.destroy();
    gunzip?.destroy();
  }
  const problem = isGzip ? null : frameProblem(walker.shape());
  if (problem !== null) throw new Error(problem);
}
