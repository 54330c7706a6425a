import { FFIType } from "bun:ffi";
import { errno, openLibc, prepareErrno } from "../process/libc.ts";

/** "shared" and "exclusive" never wait. "unlock" releases the lock. */
export type LockWish = "shared" | "exclusive" | "unlock";

/**
 * Result of a lock request.
 * "held": another open file holds the lock. "unsupported": the file system has no such locks, or no C library was found;
 * `reason` is the name or the number of the error.
 */
export type LockAnswer =
  | { readonly kind: "taken" | "held" }
  | { readonly kind: "unsupported"; readonly reason: string };

// flock(2), fcntl(2): Linux and macOS use the same numbers.
const wishes: Readonly<Record<LockWish, number>> = { shared: 1 | 4, exclusive: 2 | 4, unlock: 8 };
const setDescriptorFlags = 2;
const closeOnExec = 1;

/** EWOULDBLOCK on Linux (11) and on macOS (35). */
const heldErrors = [11, 35];
const interrupted = 4;
const names: Readonly<Record<number, string>> = {
  1: "EPERM",
  9: "EBADF",
  13: "EACCES",
  21: "EISDIR",
  22: "EINVAL",
  37: "ENOLCK",
  38: "ENOSYS",
  95: "EOPNOTSUPP",
};

function load() {
  prepareErrno();
  const int = FFIType.i32;
  return openLibc({ flock: { args: [int, int], returns: int }, fcntl: { args: [int, int, int], returns: int } });
}
let opened: ReturnType<typeof load> | undefined;

/**
 * Calls flock(2) on an open descriptor.
 * The lock belongs to the open file, not to the process: descriptors inherited by a child share it. The kernel releases the lock when the
 * last of them is closed, for whatever reason.
 */
export function flockOfSystem(fd: number, wish: LockWish): LockAnswer {
  if (opened === undefined) opened = load();
  if (opened === null) return { kind: "unsupported", reason: "no C library" };
  for (let attempt = 0; ; attempt++) {
    if (opened.flock(fd, wishes[wish]) === 0) return { kind: "taken" };
    const error = errno();
    if (heldErrors.includes(error)) return { kind: "held" };
    // Interrupted by a signal, or another call has overwritten errno.
    if (attempt < 3 && (error === interrupted || error === 0)) continue;
    return { kind: "unsupported", reason: names[error] ?? `error ${error}` };
  }
}

/** Stops our children from inheriting this descriptor. */
export function closeAtExec(fd: number): void {
  if (opened === undefined) opened = load();
  opened?.fcntl(fd, setDescriptorFlags, closeOnExec);
}
