import { FFIType } from "bun:ffi";
import { errno, openLibc, prepareErrno } from "../process/libc.ts";

/** "shared" and "exclusive" never wait; "unlock" gives back. */
export type LockWish = "shared" | "exclusive" | "unlock";

/**
 * What the kernel answers. "held": another open file has it. "unsupported": this file system has no such locks (`reason` is the
 * error's name or number), or there is no C library to ask through.
 */
export type LockAnswer =
  | { readonly kind: "taken" | "held" }
  | { readonly kind: "unsupported"; readonly reason: string };

// flock(2), fcntl(2): the same numbers on Linux and macOS.
const wishes: Readonly<Record<LockWish, number>> = { shared: 1 | 4, exclusive: 2 | 4, unlock: 8 };
const setDescriptorFlags = 2;
const closeOnExec = 1;

/** EWOULDBLOCK on Linux and on macOS; EINTR. */
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
 * flock(2) on an open descriptor. The lock belongs to the open file, not to a process: descriptors that a child inherits share it, and the
 * kernel gives it back when the last of them is closed, however that comes about.
 */
export function flock(fd: number, wish: LockWish): LockAnswer {
  if (opened === undefined) opened = load();
  if (opened === null) return { kind: "unsupported", reason: "no C library" };
  for (let attempt = 0; ; attempt++) {
    if (opened.flock(fd, wishes[wish]) === 0) return { kind: "taken" };
    const error = errno();
    if (heldErrors.includes(error)) return { kind: "held" };
    // Interrupted, or a number that something else left behind in between.
    if (attempt < 3 && (error === interrupted || error === 0)) continue;
    return { kind: "unsupported", reason: names[error] ?? `error ${error}` };
  }
}

/** Keeps a descriptor that was inherited from being inherited further. */
export function closeAtExec(fd: number): void {
  if (opened === undefined) opened = load();
  opened?.fcntl(fd, setDescriptorFlags, closeOnExec);
}
