import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { WriteFailure } from "./segment-file.ts";

/** Errors after which the same descriptor works again as soon as the disk does. */
const passing = new Set(["ENOSPC", "EDQUOT", "EROFS", "EAGAIN", "EINTR", "ENOMEM"]);

/** Returns false for an error after which the descriptor may have failed for good; `code` is the system's error code. */
export function isPassing(code: string | null): boolean {
  return code !== null && passing.has(code);
}

/** Tracks the streams whose writes fail. Logs once when the failures begin and once when they end. */
export type DiskErrors = {
  /** Records a failure, which lasts until a write of this stream works. A segment that cannot be closed is only logged. */
  record(stream: Stream, operation: string, path: string, failure: NonNullable<WriteFailure>): void;
  /** A write of this stream has worked: ends its failure. */
  end(stream: Stream, dropped: number): void;
  /** Returns the oldest lasting failure, in words; null without failure. */
  failure(): string | null;
};

/** Creates the tracker without failures. */
export function createDiskErrors(log: Log): DiskErrors {
  const failing = new Map<Stream, string>();

  return {
    record(stream, operation, path, { code, message }) {
      if (operation === "close") {
        // No later write would end this failure. The sealed copy is synced, and compared with the segment before the segment is removed.
        log.error("cannot sync a complete segment; its sealed copy is synced instead", { path, code, message });
        return;
      }
      if (failing.size === 0)
        log.error(`cannot ${operation} a segment; records are held in memory`, { path, code, message });
      if (!failing.has(stream)) failing.set(stream, `${operation} ${path}: ${message}`);
    },
    end(stream, dropped) {
      if (!failing.delete(stream) || failing.size > 0) return;
      log.info("the disk accepts writes again", { records_dropped: dropped });
    },
    failure() {
      const [oldest] = failing.values();
      return oldest ?? null;
    },
  };
}
