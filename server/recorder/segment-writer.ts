import { closeSync, fstatSync, fsync, fsyncSync, ftruncateSync, openSync } from "node:fs";
import type { FileSink } from "bun";
import { codeOf, messageOf } from "../problem.ts";

/** An open segment file. */
export type SegmentWriter = {
  readonly path: string;
  /** Bytes in the file that are known to be whole lines. */
  bytes(): number;
  /**
   * Appends lines and hands them to the operating system. Null when all is in the file; otherwise the error, after which the
   * file holds exactly what it held before and the same lines may be tried again.
   */
  write(lines: string): Promise<WriteFailure> | null;
  /** fsync; for `sync = "flush"`. */
  sync(): void;
  /** Syncs if asked to and closes; resolves when the file is on disk. */
  close(options: { sync: boolean }): Promise<void>;
};

/** Why lines could not be written; `code` is the system's (`ENOSPC`). Null: they were written after all, only later. */
export type WriteFailure = { readonly code: string; readonly message: string } | null;

/** Opens a segment for appending; throws the system's error, with its path, if that cannot be done. */
export function openSegment(path: string): SegmentWriter {
  const fd = openSync(path, "a");
  let bytes = fstatSync(fd).size;
  let sink: FileSink = Bun.file(fd).writer();

  /**
   * A FileSink is of no use after a failed write, and the write may have been done in part. It has a descriptor of its own,
   * which only its end gives back; what it may still write then is cut off with the rest.
   */
  async function restore(): Promise<void> {
    try {
      await sink.end();
    } catch {
      // The failure is known already.
    }
    ftruncateSync(fd, bytes);
    sink = Bun.file(fd).writer();
  }

  async function settle(written: Promise<number>, flushed: number | Promise<number>): Promise<WriteFailure> {
    try {
      const count = await written;
      await flushed;
      bytes += count;
      return null;
    } catch (error) {
      await restore();
      return failureOf(error);
    }
  }

  return {
    path,
    bytes: () => bytes,
    write(lines) {
      const written: number | Promise<number> = sink.write(lines);
      const flushed = sink.flush();
      if (typeof written === "number" && typeof flushed === "number") {
        bytes += written;
        return null;
      }
      return settle(Promise.resolve(written), flushed);
    },
    sync: () => fsyncSync(fd),
    async close(options) {
      await sink.end();
      try {
        if (options.sync)
          await new Promise<void>((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** What was thrown, as a failure. */
export function failureOf(error: unknown): NonNullable<WriteFailure> {
  return { code: codeOf(error) ?? "unknown", message: messageOf(error) };
}
