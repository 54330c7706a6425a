import { join } from "node:path";
import { codeOf, OperatorError } from "../../platform/errors.ts";
import {
  closeSync,
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

/** Path of a folder's lock file. */
export function lockPath(folder: string): string {
  return join(folder, lockFile);
}

/** Who looks whether a lock is taken holds it for some microseconds; the pause in ms, and how often. */
const patienceMs = 10;
const patience = 3;

/**
 * The lock is the kernel's (flock) on two things: on the folder itself and on the lock file in it, since not every file system
 * locks folders and a lock file can be deleted. It knows nothing of pids, hosts and boots, and is free the moment that its holder is gone.
 *
 * | file system | what holds |
 * |---|---|
 * | ext4, xfs, btrfs, zfs, tmpfs, overlay (containers) | folder and file, for every process and container of the machine |
 * | NFS 3 and 4 (Linux) | the file, for every client, as long as the server's lock service runs; not with `-o nolock` or `local_lock` |
 * | SMB (Linux client) | the file, for every client |
 * | FUSE (sshfs, rclone, bindfs) | folder and file for this machine's processes on this mount; other machines, and the folder beneath, do not see it |
 * | none of it (ENOLCK, EOPNOTSUPP, ENOSYS) | a file with the pid and a beat, see `folder-lock-by-pid.ts`; it is logged and `rt-data check` warns |
 *
 * Takes the lock of a folder that exists. Throws the system's error, or an OperatorError if a living recorder has it. `own` are
 * descriptors of a lock that this process has and that may have lost its place.
 */
export function takeFolderLock(folder: string, own: readonly number[] = []): FolderLock {
  const lock = lockPath(folder);
  const folderFd = takeFolder(folder, lock, own);
  try {
    const file = takeFile(folder, lock, own, folderFd !== null);
    if (typeof file !== "number") {
      if (folderFd !== null) closeSync(folderFd);
      return takeWithoutKernel(folder, lock, file.unsupported);
    }
    return lockOf(lock, folderFd === null ? [file] : [folderFd, file], file);
  } catch (error) {
    if (folderFd !== null && !own.includes(folderFd)) closeSync(folderFd);
    throw error;
  }
}

/** Whether the kernel says that a folder's lock is taken; null if it does not say. Nothing is changed. */
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

/** Null if folders cannot be locked here. */
function takeFolder(folder: string, lock: string, own: readonly number[]): number | null {
  const fd = openSync(folder, "r");
  const { kind } = patiently(fd, folder, own);
  if (kind === "taken") return fd;
  closeSync(fd);
  return kind === "held" ? (ownOf(folder, own) ?? inherited(folder, lock) ?? refuse(folder, lock)) : null;
}

function takeFile(
  folder: string,
  lock: string,
  own: readonly number[],
  isFolderOurs: boolean,
): number | { readonly unsupported: string } {
  for (;;) {
    const fd = openLock(lock, isFolderOurs);
    const answer = patiently(fd, lock, own);
    if (answer.kind === "taken") {
      if (isSame(fd, lock)) return refuseOlder(folder, lock, fd);
      // Whoever had it removed the file while we waited.
      closeSync(fd);
      continue;
    }
    closeSync(fd);
    if (answer.kind === "unsupported") return { unsupported: answer.reason };
    return ownOf(lock, own) ?? inherited(lock, lock) ?? refuse(folder, lock);
  }
}

/** A file that another user's recorder has left behind cannot be opened, but be removed by who has the folder. */
function openLock(lock: string, isFolderOurs: boolean): number {
  try {
    return openSync(lock, "a+");
  } catch (error) {
    if (!isFolderOurs || (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM")) throw error;
    rmSync(lock);
    return openSync(lock, "a+");
  }
}

function ownOf(path: string, own: readonly number[]): number | null {
  return own.find((fd) => isSame(fd, path)) ?? null;
}

function patiently(fd: number, path: string, own: readonly number[]) {
  for (let attempt = 1; ; attempt++) {
    const answer = flock(fd, "exclusive");
    if (answer.kind !== "held" || attempt === patience || ownOf(path, own) !== null) return answer;
    Bun.sleepSync(patienceMs);
  }
}

/** Descriptors that a recorder passes on to the process that takes over, from 3 on. */
const mostInherited = 8;

/** The descriptor that this process was started with and that holds the lock of `path`; null if there is none, or who shares it still records. */
function inherited(path: string, lock: string): number | null {
  const holder = readHolder(lock);
  if (holder !== null && stateOf(holder) === "running") return null;
  for (let fd = 3; fd < 3 + mostInherited; fd++) {
    if (inUse.has(fd) || !isSame(fd, path) || flock(fd, "exclusive").kind !== "taken") continue;
    closeAtExec(fd);
    return fd;
  }
  return null;
}

/** Descriptors of locks that this process has taken itself: taking a folder twice is refused. */
const inUse = new Set<number>();

function isSame(fd: number, path: string): boolean {
  try {
    const [own, there] = [fstatSync(fd), statSync(path)];
    return own.ino === there.ino && own.dev === there.dev;
  } catch {
    return false;
  }
}

function refuse(folder: string, lock: string): never {
  const holder = readHolder(lock);
  const who = holder === null ? "" : ` (process ${holder.pid} on ${holder.host})`;
  throw new OperatorError(
    `another recorder${who} is recording into ${folder}. Stop it first, or give this one a folder of its own by --data-dir`,
  );
}

/** A recorder of version 0.1.0 does not lock, but is known by its pid while it lives. */
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
      if (kept.length === 0) forget(lock, file, isPassedOn);
      for (const fd of descriptors.filter((one) => !kept.includes(one))) {
        inUse.delete(fd);
        closeQuietly(fd);
      }
    },
  };
}

/**
 * Removes the lock file, or the holder's name from it if another process goes on with it. While it is locked nobody else can have taken
 * it; who has opened it meanwhile finds that the path no longer leads to it.
 */
function forget(lock: string, file: number, isPassedOn: boolean): void {
  try {
    ftruncateSync(file, 0);
    if (!isPassedOn && isSame(file, lock)) rmSync(lock);
  } catch {
    // A file that nobody locks keeps nobody out.
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The file system is gone, and the lock with it.
  }
}
