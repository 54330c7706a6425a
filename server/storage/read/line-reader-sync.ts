import { FileError } from "../../platform/errors.ts";
import { closeSync, openSync, readSync } from "../../platform/files/files.ts";
import { borrowPiece, pieceBytes, returnPiece } from "../zstd/piece-buffers.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { createZstdPieces } from "../zstd/zstd-pieces.ts";

/** Reads the lines of one file in the calling thread and in bounded memory. */
export type LineSource = {
  /** `bytes` holds whole lines from `from` to `to`. The reader advances `from`. */
  bytes: Buffer;
  from: number;
  to: number;
  /** Reads more whole lines once all are consumed; false at the end of the file. @throws UnreadableFile or FileError */
  fill(): boolean;
  /** After the end: the bytes after the last newline. */
  tail(): Buffer;
  close(): void;
};

/** A file with damaged content. A second attempt would fail as well. */
export class UnreadableFile extends FileError {}

/** Initial buffer size. Most segments are small; the buffer grows as needed. */
const initialBytes = 32 * 1024;
const longestLine = 32 * 1024 * 1024;
const newline = 10;

/** Opens a file of lines, plain or compressed as one zstd frame (`.zst`). `onRaw` receives the file's own bytes as they pass. */
export function openLinesSync(path: string, onRaw: (bytes: Uint8Array) => void = () => {}): LineSource {
  const chunks = readChunks(path, path.endsWith(".zst") ? 64 * 1024 : 256 * 1024);
  const walker = path.endsWith(".zst") ? createFrameWalker() : null;
  const unpacker = walker === null ? null : createZstdPieces();
  /** The decompressed pieces of the latest chunk that have not been read yet. */
  let pieces: Generator<Uint8Array, void> | null = null;
  /** End of the data in `bytes`. An incomplete line begins at `to`. */
  let end = 0;
  let ended = false;

  const source: LineSource = {
    bytes: Buffer.allocUnsafe(initialBytes),
    from: 0,
    to: 0,
    fill() {
      while (source.from === source.to && !ended) {
        readMore();
        source.to = source.bytes.subarray(0, end).lastIndexOf(newline) + 1;
        if (end - source.to > longestLine)
          throw new UnreadableFile("read", path, `a line is longer than ${longestLine} bytes`);
      }
      return source.from < source.to;
    },
    tail: () => source.bytes.subarray(source.to, end),
    close() {
      chunks.return(undefined);
      unpacker?.close();
    },
  };

  /** Moves unread bytes to the front and appends the next piece of the file. */
  function readMore(): void {
    if (source.from > 0) {
      source.bytes.copyWithin(0, source.from, end);
      end -= source.from;
      source.to -= source.from;
      source.from = 0;
    }
    try {
      const piece = pieces?.next();
      if (piece?.done === false) {
        append(piece.value);
        return;
      }
      const next = chunks.next();
      if (next.done) {
        ended = true;
        const problem = walker === null ? null : frameProblem(walker.shape());
        if (problem !== null) throw new UnreadableFile("read", path, problem);
        return;
      }
      onRaw(next.value);
      walker?.push(next.value);
      if (unpacker === null) append(next.value);
      else pieces = unpacker.unpack(next.value);
    } catch (error) {
      if (error instanceof UnreadableFile) throw error;
      // A system error may be temporary, except for a bad sector.
      if (error instanceof FileError && !isBadSector(error)) throw error;
      throw new UnreadableFile("read", path, error);
    }
  }

  function append(bytes: Uint8Array): void {
    if (end + bytes.length > source.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(source.bytes.length * 2, end + bytes.length));
      source.bytes.copy(larger, 0, 0, end);
      source.bytes = larger;
    }
    source.bytes.set(bytes, end);
    end += bytes.length;
  }

  return source;
}

function isBadSector(error: FileError): boolean {
  return error.cause instanceof Error && "code" in error.cause && error.cause.code === "EIO";
}

/**
 * Reads a file in pieces of at most `bytesAtOnce` (256 KB), in the calling thread. A piece is valid until the next piece is read.
 * @throws FileError
 */
export function* readChunks(path: string, bytesAtOnce: number = pieceBytes): Generator<Uint8Array, undefined> {
  const fd = withPath(path, () => openSync(path, "r"));
  const buffer = borrowPiece();
  const maxBytes = Math.min(bytesAtOnce, buffer.length);
  try {
    for (;;) {
      const length = withPath(path, () => readSync(fd, buffer, 0, maxBytes, null));
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } finally {
    returnPiece(buffer);
    closeSync(fd);
  }
}

function withPath<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new FileError("read", path, error);
  }
}
