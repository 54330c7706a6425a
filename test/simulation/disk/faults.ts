/** What the disk does to operations at present; the plan changes it. */
export type DiskState = {
  /** Bytes that fit; more is ENOSPC. */
  capacity: number;
  /** Every operation that writes fails with this, or every operation (`all`). */
  failure: { readonly code: string; readonly all: boolean } | null;
  /** The next syncs fail with EIO, and their data is lost. */
  failingSyncs: number;
  /** No new file can be made. */
  isOutOfInodes: boolean;
  /** What a call takes, ms, on top of the usual; drawn between 0 and this. */
  slowMs: number;
  /** Descriptors opened before a remount are dead. */
  generation: number;
};

/** A disk that works. */
export function workingDisk(): DiskState {
  return {
    capacity: Number.POSITIVE_INFINITY,
    failure: null,
    failingSyncs: 0,
    isOutOfInodes: false,
    slowMs: 0,
    generation: 0,
  };
}
