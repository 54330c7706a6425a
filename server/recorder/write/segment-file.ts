import { codeOf, messageOf } from "../../platform/errors.ts";
import { fstatSync, fsync, ftruncate, statSync, write, writeSync } from "../../platform/files/files.ts";
import { copyFile, open } from "../../platform/files/files-async.ts";
import type { WriteLatency } from "./write-latency.ts";

/** An open segment file. It uses one descriptor, which child processes do not inherit. */
export type SegmentFile = {
  readonly path: string;
  /** Returns the bytes of the file that are known to be whole lines. */
  bytes(): number;
  /**
   * Appends lines.
   *
   * | result           | meaning                                                                                             |
   * |------------------|-----------------------------------------------------------------------------------------------------|
   * | null             | all lines are in the file                                                                           |
   * | promise: null    | the same, later: after a sync, on a slow disk, or after a partial write; the thread does not wait   |
   * | promise: failure | the file is cut back to its old length, now or before the next write; the lines may be tried again  |
   */
  write(lines: string, options: { sync: boolean }): Promise<WriteFailure> | null;
  /** Checks whether another program has changed the file. Call it while no write is under way. */
  inspect(): FileState;
  /** Takes over the length of the file after a repair. */
  adopt(bytes: number): void;
  /** Copies the content to a new file, even if the name was deleted (Linux). Rejects with the system's error. */
  copyTo(path: string): Promise<void>;
  /** Syncs if wanted, then closes. Rejects with the system's error; the file is closed in any case. */
  close(options: { sync: boolean }): Promise<void>;
};

/**
 * The state of the file on disk.
 *
 * | state       | meaning                                                                     |
 * |-------------|-----------------------------------------------------------------------------|
 * | whole       | the path leads to the file, and its length is as written                    |
 * | unnamed     | the path leads to no file or another file (deleted, renamed, replaced)       |
 * | changed     | the file is shorter or longer than written (truncated, appended to)         |
 * | unreachable | the file system does not answer                                             |
 */
export type FileState = "whole" | "unnamed" | "changed" | "unreachable";

/** Why lines could not be written; `code` is the system's error code (`ENOSPC`). Null: the lines were written. */
export type WriteFailure = { readonly code: string; readonly message: string } | null;

/**
 * Creates a segment ("new") or opens a segment for appending ("existing"). Rejects with the system's error, including the path; `EEXIST` if
 * the name of a new segment is taken.
 *
 * Why not Bun's FileSink: it duplicates the descriptor, cannot be used after a failed write, and leaks its descriptor then. A batch is one
 * write either way, and `writeSync` of a string costs the same (test/bench/measured.md).
 */
export async function openSegment(
  path: string,
  mode: "new" | "existing",
  writeLatency: WriteLatency,
): Promise<SegmentFile> {
  const file = await open(path, mode === "new" ? "ax" : "a");
  const { fd } = file;
  let bytes = fstatSync(fd).size;
  /** False on file systems that change inode numbers at each look: there a replaced file cannot be detected. */
  const hasStableInode = isNamed(fstatSync(fd));
  /** The file may end with a part of lines whose write failed. */
  let torn = false;
  /** Bytes of that part. */
  let partial = 0;

  function isNamed(info: ReturnType<typeof fstatSync>): boolean {
    const named = statSync(path);
    return info.nlink > 0 && info.ino === named.ino && info.dev === named.dev;
  }

  /** Never lengthens a file that another program has cut short: that would fill it with NULs. */
  async function restore(): Promise<void> {
    const { size } = await file.stat();
    const whole = Math.max(0, Math.min(bytes, size - partial));
    if (size > whole) await call((done) => ftruncate(fd, whole, done));
    torn = false;
    partial = 0;
  }

  async function writeAsync(lines: string, sync: boolean): Promise<WriteFailure> {
    try {
      if (torn) await restore();
      const content = Buffer.from(lines);
      torn = true;
      for (let at = 0; at < content.length; ) {
        const written = await writeSome(fd, content, at);
        at += written;
        partial += written;
      }
      if (sync) await call((done) => fsync(fd, done));
      torn = false;
      partial = 0;
      bytes += content.length;
      return null;
    } catch (error) {
      return cutBack(error);
    }
  }

  async function cutBack(error: unknown): Promise<WriteFailure> {
    torn = true;
    try {
      await restore();
    } catch {
      // The file is cut back before the next write, or by recovery after a crash.
    }
    return writeFailureOf(error);
  }

  return {
    path,
    bytes: () => bytes,
    write(lines, { sync }) {
      if (sync || torn || writeLatency.isSlow())
        return writeLatency.timed("write", path, () => writeAsync(lines, sync));
      const startedMs = performance.now();
      try {
        const length = Buffer.byteLength(lines);
        const written = writeSync(fd, lines);
        writeLatency.record(performance.now() - startedMs);
        if (written === length) {
          bytes += written;
          return null;
        }
        // The disk accepted a part of the lines. The second attempt finds out why.
        torn = true;
        partial = written;
        return writeAsync(lines, sync);
      } catch (error) {
        return cutBack(error);
      }
    },
    inspect() {
      try {
        const info = fstatSync(fd);
        if (info.nlink === 0 || (hasStableInode && !isNamed(info))) return "unnamed";
        return info.size === bytes || torn ? "whole" : "changed";
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

/** Converts a thrown value to a failure. */
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
