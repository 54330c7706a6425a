import { closeSync, fsyncSync, openSync, writeSync } from "../platform/files.ts";

/** A file being written in the calling thread. */
export type Output = { write(bytes: Uint8Array): void; sync(): void; close(): void; bytes(): number };

/** Creates (or empties) a file. */
export function createOutput(path: string): Output {
  const fd = openSync(path, "w");
  let bytes = 0;
  return {
    write(chunk) {
      // A write may take less than it is given, on a disk that is nearly full for one.
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at);
      bytes += chunk.length;
    },
    sync: () => fsyncSync(fd),
    close: () => closeSync(fd),
    bytes: () => bytes,
  };
}
