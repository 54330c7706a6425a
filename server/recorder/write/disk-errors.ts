import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { WriteFailure } from "./segment-file.ts";

/** After these the same descriptor works again as soon as the disk does. */
const passing = new Set(["ENOSPC", "EDQUOT", "EROFS", "EAGAIN", "EINTR", "ENOMEM"]);

/** False for an error after which the descriptor may be dead for good. */
export function isPassing(code: string | null): boolean {
  return code !== null && passing.has(code);
}

/** Which streams the disk refuses at present; said once when it begins and once when it is over. */
export type DiskErrors = {
  /** What failed lasts until a write of this stream works; a segment that could not be closed is only logged. */
  note(stream: Stream, operation: string, path: string, failure: NonNullable<WriteFailure>): void;
  /** A write of this stream has worked. */
  end(stream: Stream, dropped: number): void;
  /** The oldest failure that lasts, in words; null while there is none. */
  failure(): string | null;
};

/** No trouble yet. */
export function createDiskErrors(log: Log): DiskErrors {
  const failing = new Map<Stream, string>();

  return {
    note(stream, operation, path, { code, message }) {
      if (operation === "close") {
        // Nothing waits for it, so no later write would end it: its sealed copy is synced, and compared with it before it goes.
        log.error("cannot sync a segment that is complete; sealing it makes up for that", { path, code, message });
        return;
      }
      if (failing.size === 0)
        log.error(`cannot ${operation} a segment; records are held in memory`, { path, code, message });
      if (!failing.has(stream)) failing.set(stream, `${operation} ${path}: ${message}`);
    },
    end(stream, dropped) {
      if (!failing.delete(stream) || failing.size > 0) return;
      log.info("the disk takes data again", { records_dropped: dropped });
    },
    failure() {
      const [oldest] = failing.values();
      return oldest ?? null;
    },
  };
}
