import { FileError } from "../../platform/errors.ts";
import { closeSync, openSync, readSync } from "../../platform/files/files.ts";
import { borrowPiece, pieceBytes, returnPiece } from "../zstd/piece-buffers.ts";
import { createFrameWalker, frameProblem } from "../zstd/zstd-frame.ts";
import { createZstdPieces } from "../zstd/zstd-pieces.ts";

/** The lines of one file, in the calling thread and in bounded memory. */
export type LineSource = {
  /** Whole lines lie in `bytes` from `from` up to `to`; the reader moves `from` on. */
  bytes: Buffer;
  from: number;
  to: number;
  /** Makes more whole lines available once all are taken; false at the end of the file. Throws UnreadableFile or FileError. */
  fill(): boolean;
  /** After the end: bytes behind the last newline. */
  tail(): Buffer;
  close(): void;
};

/** A file whose content is damaged, so that a second attempt would not read it either. */
export class UnreadableFile extends FileError {}

/** Most segments are small; the buffer grows with what is read. */
const firstBytes = 32 * 1024;
const longestLine = 32 * 1024 * 1024;
const newline = 10;

/** Opens a file of lines, plain or (`.zst`) one zstd frame. `onRaw` sees the file's own bytes as they pass. */
export function openLinesSync(path: string, onRaw: (bytes: Uint8Array) => void = () => {}): LineSource {
  const chunks = readChunks(path, path.endsWith(".zst") ? 64 * 1024 : 256 * 1024);
  const walker = path.endsWith(".zst") ? createFrameWalker() : null;
  const unpacker = walker === null ? null : createZstdPieces();
  /** What the newest piece of the file unpacks to, as far as it has not been read. */
  let pieces: Generator<Uint8Array, void> | null = null;
  /** End of what has been read; behind `to` lies the beginning of a line. */
  let end = 0;
  let ended = false;

  const source: LineSource = {
    bytes: Buffer.allocUnsafe(firstBytes),
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

  /** Adds the next piece of the file behind what is left, which moves to the front. */
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
      // The system's own errors may pass, except that a bad sector stays bad.
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
 * The bytes of a file, a piece of at most `bytesAtOnce` (256 KB) at a time, in the calling thread; a piece is valid until the next one.
 * Throws a FileError.
 */
export function* readChunks(path: string, bytesAtOnce: number = pieceBytes): Generator<Uint8Array, undefined> {
  const fd = at(path, () => openSync(path, "r"));
  const buffer = borrowPiece();
  const most = Math.min(bytesAtOnce, buffer.length);
  try {
    for (;;) {
      const length = at(path, () => readSync(fd, buffer, 0, most, null));
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } finally {
    returnPiece(buffer);
    closeSync(fd);
  }
}

function at<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new FileError("read", path, error);
  }
}
