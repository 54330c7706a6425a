import type { FileSink } from "bun";
import { fileSink, fstatSync, fsync, ftruncate, write } from "../platform/files.ts";
import { copyFile, open } from "../platform/files-async.ts";
import { codeOf, messageOf } from "../problem.ts";
import type { DiskPace } from "./disk-pace.ts";

/** An open segment file. */
export type SegmentWriter = {
  readonly path: string;
  /** Bytes in the file that are known to be whole lines. */
  bytes(): number;
  /**
   * Appends lines, synced if asked to. Null when all is in the file; otherwise the error, after which the file holds what it held
   * before (put right before the next write where even that fails), and the same lines may be tried again. On a disk that is
   * slow, and where a sync is wanted, the calling thread does not wait.
   */
  write(lines: string, options: { sync: boolean }): Promise<WriteFailure> | null;
  /** True if the file's name is gone: what is written to it is lost when it is closed. */
  isDeleted(): boolean;
  /** Copies what has been written to a new file, also when the name is gone (Linux). Rejects with the system's error. */
  copyTo(path: string): Promise<void>;
  /** Syncs if asked to and closes; resolves when the file is on disk, rejects with the system's error, closed all the same. */
  close(options: { sync: boolean }): Promise<void>;
};

/** Why lines could not be written; `code` is the system's (`ENOSPC`). Null: they were written after all, only later. */
export type WriteFailure = { readonly code: string; readonly message: string } | null;

/**
 * Creates a segment ("new": `EEXIST` if its name is taken) or opens one for appending; rejects with the system's error, with its
 * path, if that cannot be done.
 */
export async function openSegment(path: string, what: "new" | "existing", pace: DiskPace): Promise<SegmentWriter> {
  const file = await open(path, what === "new" ? "ax" : "a");
  const { fd } = file;
  let bytes = fstatSync(fd).size;
  let sink: FileSink | null = null;
  /** The file may hold a part of lines that were not written. */
  let torn = false;

  /** A FileSink has a descriptor of its own, which only its end gives back; what that may still write is cut off with the rest. */
  async function endSink(): Promise<void> {
    const ending = sink;
    sink = null;
    try {
      await ending?.end();
    } catch {
      // A FileSink is of no use after a failed write, which is known already.
    }
  }

  async function restore(): Promise<void> {
    await endSink();
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
    return failureOf(error);
  }

  async function settle(written: Promise<number>, flushed: number | Promise<number>): Promise<WriteFailure> {
    try {
      const count = await written;
      await flushed;
      bytes += count;
      return null;
    } catch (error) {
      return giveUp(error);
    }
  }

  return {
    path,
    bytes: () => bytes,
    write(lines, { sync }) {
      if (sync || torn || pace.isSlow()) return pace.timed("write", path, () => writePatiently(lines, sync));
      sink ??= fileSink(fd);
      const startedMs = performance.now();
      const written: number | Promise<number> = sink.write(lines);
      const flushed = sink.flush();
      pace.note(performance.now() - startedMs);
      if (typeof written === "number" && typeof flushed === "number") {
        bytes += written;
        return null;
      }
      return settle(Promise.resolve(written), flushed);
    },
    isDeleted: () => fstatSync(fd).nlink === 0,
    copyTo: (target) => copyFile(`/proc/self/fd/${fd}`, target),
    async close(options) {
      await endSink();
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
export function failureOf(error: unknown): NonNullable<WriteFailure> {
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
