import { borrowPiece, pieceBytes, returnPiece } from "../piece-buffers.ts";
import { closeSync, openSync, readSync } from "../platform/files.ts";
import { FileError } from "./failure.ts";

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
