import { join } from "node:path";
import { codeOf, OperatorError } from "../../platform/errors.ts";
import {
  closeSync,
  existsSync,
  flock,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from "../../platform/files/files.ts";
import { closeAtExec } from "../../platform/files/flock.ts";
import { takeWithoutKernel } from "./folder-lock-by-pid.ts";
import { type FolderLock, ownHolder, readHolder, stateOf } from "./lock-holder.ts";

const lockFile = "rt-data.lock";

/** Returns the path of a folder's lock file. */
export function lockPath(folder: string): string {
  return join(folder, lockFile);
}

/**
 * Wait between two attempts, ms, and number of attempts.
 * A process that only tests the lock holds it for some microseconds.
 */
const retryMs = 10;
const maxAttempts = 3;

/**
 * Takes the lock of an existing folder.
 * The kernel locks (flock) two things: the folder and the lock file in it. Not every file system locks folders, and a lock file can be
 * deleted. The lock does not depend on pids, hosts or boots, and is free the moment its holder is gone.
 *
 * | File system | Protection |
 * |---|---|
 * | ext4, xfs, btrfs, zfs, tmpfs, overlay (containers) | folder and file, for every process and container of the machine |
 * | NFS 3 and 4 (Linux) | the file, for every client, while the server's lock service runs; not with `-o nolock` or `local_lock` |
 * | SMB (Linux client) | the file, for every client |
 * | FUSE (sshfs, rclone, bindfs) | folder and file for this machine's processes on this mount, but not for other machines or the folder beneath |
 * | no locks (ENOLCK, EOPNOTSUPP, ENOSYS) | a file with pid and beat, see `folder-lock-by-pid.ts`; it is logged and `rt-data check` warns |
 *
 * `ownFds` are descriptors of a lock that this process holds and whose file may have been replaced.
 * @throws the system's error, or an OperatorError if a living recorder holds the lock.
 */
export function takeFolderLock(folder: string, ownFds: readonly number[] = []): FolderLock {
  const lock = lockPath(folder);
  const folderFd = takeFolder(folder, lock, ownFds);
  try {
    const file = takeFile(folder, lock, ownFds, folderFd !== null);
    if (typeof file !== "number") {
      if (folderFd !== null) closeSync(folderFd);
      return takeWithoutKernel(folder, lock, file.unsupported);
    }
    return lockOf(lock, folderFd === null ? [file] : [folderFd, file], file);
  } catch (error) {
    if (folderFd !== null && !ownFds.includes(folderFd)) closeSync(folderFd);
    throw error;
  }
}

/** Tests whether the kernel has a lock on the folder; null if unknown. Only reads. */
export function isLocked(folder: string): boolean | null {
  let fd: number;
  try {
    fd = openSync(lockPath(folder), "r");
  } catch {
    return null;
  }
  try {
    const { kind } = flock(fd, "shared");
    return kind === "unsupported" ? null : kind === "held";
  } finally {
    closeSync(fd);
  }
}

/** Locks the folder itself; null if this file system cannot lock folders. */
function takeFolder(folder: string, lock: string, ownFds: readonly number[]): number | null {
  const fd = openSync(folder, "r");
  const { kind } = lockWithRetries(fd, folder, ownFds);
  if (kind === "taken") return fd;
  closeSync(fd);
  return kind === "held" ? (ownFdOf(folder, ownFds) ?? inheritedFd(folder, lock) ?? refuse(folder, lock)) : null;
}

function takeFile(
  folder: string,
  lock: string,
  ownFds: readonly number[],
  isFolderOurs: boolean,
): number | { readonly unsupported: string } {
  for (;;) {
    const fd = openLock(lock, isFolderOurs);
    const answer = lockWithRetries(fd, lock, ownFds);
    if (answer.kind === "taken") {
      if (isSame(fd, lock)) return refuseOlder(folder, lock, fd);
      // The previous holder removed the file while we waited.
      closeSync(fd);
      continue;
    }
    closeSync(fd);
    if (answer.kind === "unsupported") return { unsupported: answer.reason };
    return ownFdOf(lock, ownFds) ?? inheritedFd(lock, lock) ?? refuse(folder, lock);
  }
}

/** Opens the lock file. Another user's leftover file cannot be opened, but whoever holds the folder may remove it. */
function openLock(lock: string, isFolderOurs: boolean): number {
  try {
    return openSync(lock, "a+");
  } catch (error) {
    const isForbidden = codeOf(error) === "EACCES" || codeOf(error) === "EPERM";
    if (!isFolderOurs || !isForbidden || !existsSync(lock)) throw error;
    rmSync(lock);
    return openSync(lock, "a+");
  }
}

function ownFdOf(path: string, ownFds: readonly number[]): number | null {
  return ownFds.find((fd) => isSame(fd, path)) ?? null;
}

function lockWithRetries(fd: number, path: string, ownFds: readonly number[]) {
  for (let attempt = 1; ; attempt++) {
    const answer = flock(fd, "exclusive");
    if (answer.kind !== "held" || attempt === maxAttempts || ownFdOf(path, ownFds) !== null) return answer;
    Bun.sleepSync(retryMs);
  }
}

/** Most descriptors that a parent passes to the child of an upgrade, from 3 on. */
const maxInherited = 8;

/**
 * Finds an inherited descriptor that holds the lock of `path`.
 * Null without such a descriptor, or if the process that shares it is still recording.
 */
function inheritedFd(path: string, lock: string): number | null {
  const holder = readHolder(lock);
  if (holder !== null && stateOf(holder) === "running") return null;
  for (let fd = 3; fd < 3 + maxInherited; fd++) {
    if (inUse.has(fd) || !isSame(fd, path) || flock(fd, "exclusive").kind !== "taken") continue;
    closeAtExec(fd);
    return fd;
  }
  return null;
}

/** Descriptors of locks that this process took itself. Taking a folder twice is refused. */
const inUse = new Set<number>();

function isSame(fd: number, path: string): boolean {
  try {
    const [open, current] = [fstatSync(fd), statSync(path)];
    return open.ino === current.ino && open.dev === current.dev;
  } catch {
    return false;
  }
}

function refuse(folder: string, lock: string): never {
  const holder = readHolder(lock);
  const who = holder === null ? "" : ` (process ${holder.pid} on ${holder.host})`;
  throw new OperatorError(
    `another recorder${who} is recording into ${folder}. Stop it first, or choose another folder with --data-dir`,
  );
}

/** Refuses if a recorder of version 0.1.0 is alive: it does not lock, but its pid is known. */
function refuseOlder(folder: string, lock: string, fd: number): number {
  const holder = readHolder(lock);
  if (holder === null || holder.kernel === true || stateOf(holder) !== "running") return fd;
  closeSync(fd);
  return refuse(folder, lock);
}

function lockOf(lock: string, descriptors: readonly number[], file: number): FolderLock {
  ftruncateSync(file, 0);
  writeSync(file, `${JSON.stringify(ownHolder(true))}\n`);
  for (const fd of descriptors) inUse.add(fd);
  let isHeld = true;
  return {
    kind: "kernel",
    descriptors,
    isInPlace: () => isSame(file, lock),
    beat() {},
    release(isPassedOn, kept = []) {
      if (!isHeld) return;
      isHeld = false;
      if (kept.length === 0) clearLockFile(lock, file, isPassedOn);
      for (const fd of descriptors.filter((held) => !kept.includes(held))) {
        inUse.delete(fd);
        closeQuietly(fd);
      }
    },
  };
}

/**
 * Removes the lock file, or only the holder's name if another process keeps the lock.
 * While we hold the lock, no other process can have taken it. A process that opened the file meanwhile finds that the path has changed.
 */
function clearLockFile(lock: string, file: number, isPassedOn: boolean): void {
  try {
    ftruncateSync(file, 0);
    if (!isPassedOn && isSame(file, lock)) rmSync(lock);
  } catch {
    // An unlocked file keeps no recorder out.
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The file system is gone, and with it the lock.
  }
}
