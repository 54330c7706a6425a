import { codeOf, messageOf } from "../../platform/errors.ts";
import { fstatSync, fsync, ftruncate, statSync, write, writeSync } from "../../platform/files/files.ts";
import { copyFile, open } from "../../platform/files/files-async.ts";
import type { WriteLatency } from "./write-latency.ts";

/** An open segment file. It takes one descriptor, which the kernel closes in programs that this one starts. */
export type SegmentFile = {
  readonly path: string;
  /** Bytes in the file that are known to be whole lines. */
  bytes(): number;
  /**
   * Appends lines, synced if asked to. Null when all is in the file; otherwise the error, after which the file holds what it held
   * before (put right before the next write if even that fails), and the same lines may be tried again. On a disk that is
   * slow, and if a sync is wanted, the calling thread does not wait.
   */
  write(lines: string, options: { sync: boolean }): Promise<WriteFailure> | null;
  /** Looks whether the file is still ours alone. Call it while nothing is being written. */
  inspect(): FileState;
  /** The file was mended and is `bytes` long now. */
  adopt(bytes: number): void;
  /** Copies what the descriptor holds to a new file, also when the name is gone (Linux). Rejects with the system's error. */
  copyTo(path: string): Promise<void>;
  /** Syncs if asked to and closes; resolves when the file is on disk, rejects with the system's error, closed all the same. */
  close(options: { sync: boolean }): Promise<void>;
};

/**
 * "unnamed": the path leads nowhere or to another file (deleted, renamed, replaced). "changed": it is shorter or longer than what we wrote
 * (truncated, appended to). "unreachable": the file system does not answer.
 */
export type FileState = "whole" | "unnamed" | "changed" | "unreachable";

/** Why lines could not be written; `code` is the system's (`ENOSPC`). Null: they were written after all, only later. */
export type WriteFailure = { readonly code: string; readonly message: string } | null;

/**
 * Creates a segment ("new": `EEXIST` if its name is taken) or opens one for appending; rejects with the system's error, with its
 * path, if that cannot be done.
 *
 * Why not Bun's FileSink: it duplicates the descriptor, is of no use after its first failed write, and leaks its descriptor then. A batch
 * is one write either way, and `writeSync` of a string costs the same (test/bench/measured.md).
 */
export async function openSegment(path: string, what: "new" | "existing", pace: WriteLatency): Promise<SegmentFile> {
  const file = await open(path, what === "new" ? "ax" : "a");
  const { fd } = file;
  let bytes = fstatSync(fd).size;
  /** Some file systems number a file anew at each look; there a replaced file cannot be told from ours. */
  const isTold = isNamed(fstatSync(fd));
  /** The file may hold a part of lines that were not written. */
  let torn = false;

  function isNamed(own: ReturnType<typeof fstatSync>): boolean {
    const named = statSync(path);
    return own.nlink > 0 && own.ino === named.ino && own.dev === named.dev;
  }

  async function restore(): Promise<void> {
    await call((done) => ftruncate(fd, bytes, done));
    torn = false;
  }

  async function writePatiently(lines: string, sync: boolean): Promise<WriteFailure> {
    try {
      if (torn) await restore();
      const content = Buffer.from(lines);
      torn = true;
      for (let at = 0; at < content.length; ) at += await writeSome(fd, content, at);
      if (sync) await call((done) => fsync(fd, done));
      torn = false;
      bytes += content.length;
      return null;
    } catch (error) {
      return giveUp(error);
    }
  }

  async function giveUp(error: unknown): Promise<WriteFailure> {
    torn = true;
    try {
      await restore();
    } catch {
      // Done before the next write; recovery does it after a crash.
    }
    return writeFailureOf(error);
  }

  return {
    path,
    bytes: () => bytes,
    write(lines, { sync }) {
      if (sync || torn || pace.isSlow()) return pace.timed("write", path, () => writePatiently(lines, sync));
      const startedMs = performance.now();
      try {
        const length = Buffer.byteLength(lines);
        const written = writeSync(fd, lines);
        pace.note(performance.now() - startedMs);
        if (written === length) {
          bytes += written;
          return null;
        }
        // The disk took a part. The second attempt learns why.
        torn = true;
        return writePatiently(lines, sync);
      } catch (error) {
        return giveUp(error);
      }
    },
    inspect() {
      try {
        const own = fstatSync(fd);
        if (own.nlink === 0 || (isTold && !isNamed(own))) return "unnamed";
        return own.size === bytes || torn ? "whole" : "changed";
      } catch (error) {
        return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR" ? "unnamed" : "unreachable";
      }
    },
    adopt(length) {
      bytes = length;
    },
    copyTo: (target) => copyFile(`/proc/self/fd/${fd}`, target),
    async close(options) {
      try {
        if (torn) await restore();
        if (options.sync) await call((done) => fsync(fd, done));
      } finally {
        await file.close();
      }
    },
  };
}

/** What was thrown, as a failure. */
export function writeFailureOf(error: unknown): NonNullable<WriteFailure> {
  return { code: codeOf(error) ?? "unknown", message: messageOf(error) };
}

function writeSome(fd: number, content: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, content, at, content.length - at, null, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

function call(work: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => work((error) => (error ? reject(error) : resolve())));
}
