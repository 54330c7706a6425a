import { closeSync, openSync, readSync } from "../platform/files.ts";
import { FileError } from "./failure.ts";

const chunkBytes = 256 * 1024;

/** The bytes of a file, a piece at a time, in the calling thread; a piece is valid until the next one. Throws a FileError. */
export function* readChunks(path: string, bytesAtOnce: number = chunkBytes): Generator<Uint8Array, undefined> {
  const fd = at(path, () => openSync(path, "r"));
  try {
    const buffer = new Uint8Array(bytesAtOnce);
    for (;;) {
      const length = at(path, () => readSync(fd, buffer, 0, buffer.length, null));
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } finally {
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
