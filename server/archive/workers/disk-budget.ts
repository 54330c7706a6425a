import type { Failure } from "../../platform/errors.ts";
import { statSync } from "../../platform/files/files.ts";

/** Bytes that running work may use on the disk: a seal needs its compressed copy, a merge a whole archive. */
export type DiskBudget = { readonly forSeals: number; readonly forMerges: number };

/** The budget before the disk was measured. */
export const unlimitedDisk: DiskBudget = { forSeals: Number.POSITIVE_INFINITY, forMerges: Number.POSITIVE_INFINITY };

/** Estimates the compressed size of raw lines, bytes. Real files are about a twentieth; this estimate is safely larger. */
export function compressedEstimate(rawBytes: number): number {
  return Math.ceil(rawBytes / 8) + 64 * 1024;
}

/** Estimates the size of an archive made from these files, bytes: at most the sum of their compressed sizes. */
export function archiveEstimate(paths: readonly string[]): number {
  return paths.reduce(
    (sum, path) => sum + (path.endsWith(".zst") ? sizeOf(path) : compressedEstimate(sizeOf(path))),
    0,
  );
}

/** Returns the size of a file; 0 if it cannot be read. The error is reported when the file is opened. */
export function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

const diskCodes = new Set([
  "ENOSPC",
  "EDQUOT",
  "EROFS",
  "EACCES",
  "EPERM",
  "EIO",
  "ENODEV",
  "ENXIO",
  "ENOTCONN",
  "ESTALE",
  "ESHUTDOWN",
  "EMFILE",
  "ENFILE",
]);

/** Returns true for a failure of the disk that may pass, so that the same work should be retried after a pause. */
export function mayPass(failure: Failure): boolean {
  return failure.code !== null && diskCodes.has(failure.code);
}

/** Pauses one kind of work after a failure of the disk. */
export type RetryPause = {
  /** Starts a pause. Returns true if the failure differs from the last failure and should be reported. */
  recordFailure(failure: Failure): boolean;
  /** True during a pause. */
  isHeld(): boolean;
  /** Ends the pause; call it after a success. */
  clear(): void;
};

/** Creates the pause, not held; `pauseMs`: its length, ms. */
export function createRetryPause(pauseMs: number, nowMs: () => number = () => performance.now()): RetryPause {
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  let lastCode: string | null = null;

  return {
    recordFailure({ code }) {
      heldUntilMs = nowMs() + pauseMs;
      const isNew = lastCode !== code;
      lastCode = code;
      return isNew;
    },
    isHeld: () => nowMs() < heldUntilMs,
    clear() {
      heldUntilMs = Number.NEGATIVE_INFINITY;
      lastCode = null;
    },
  };
}
