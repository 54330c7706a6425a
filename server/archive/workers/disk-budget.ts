import type { Failure } from "../../platform/errors.ts";
import { statSync } from "../../platform/files/files.ts";

/** Bytes that work may take up on the disk while it lasts: a seal its compressed copy, a merge a whole archive. */
export type DiskBudget = { readonly forSeals: number; readonly forMerges: number };

/** Before anybody has looked at the disk. */
export const unlimitedDisk: DiskBudget = { forSeals: Number.POSITIVE_INFINITY, forMerges: Number.POSITIVE_INFINITY };

/** Raw lines become about a twentieth; this is on the safe side. */
export function compressedEstimate(rawBytes: number): number {
  return Math.ceil(rawBytes / 8) + 64 * 1024;
}

/** A new archive is no larger than the old one and the sealed segments, of which it is made, together. */
export function archiveEstimate(paths: readonly string[]): number {
  return paths.reduce(
    (sum, path) => sum + (path.endsWith(".zst") ? sizeOf(path) : compressedEstimate(sizeOf(path))),
    0,
  );
}

/** Size of a file; 0 for one that cannot be looked at, which whoever opens it will tell of. */
export function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

const diskCodes = new Set([
  ...["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "ENODEV", "ENXIO", "ENOTCONN", "ESTALE", "ESHUTDOWN"],
  ...["EMFILE", "ENFILE"],
]);

/** True for a failure that is the disk's and may pass: the same work is worth another attempt in a while. */
export function mayPass(failure: Failure): boolean {
  return failure.code !== null && diskCodes.has(failure.code);
}

/** Work of one kind that waits for the disk: the failure is told once, and the next attempt comes after a pause. */
export type Backoff = {
  /** Whether this failure is news; holds the work up for a while. */
  note(failure: Failure): boolean;
  /** The work is held up at present. */
  isHeld(): boolean;
  /** The work goes well. */
  clear(): void;
};

/** Nothing is held up yet. */
export function createBackoff(pauseMs: number, nowMs: () => number = () => performance.now()): Backoff {
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  let told: string | null = null;

  return {
    note({ code }) {
      heldUntilMs = nowMs() + pauseMs;
      const isNews = told !== code;
      told = code;
      return isNews;
    },
    isHeld: () => nowMs() < heldUntilMs,
    clear() {
      heldUntilMs = Number.NEGATIVE_INFINITY;
      told = null;
    },
  };
}
