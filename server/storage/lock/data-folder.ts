import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { codeOf, messageOf, OperatorError } from "../../platform/errors.ts";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from "../../platform/files/files.ts";
import type { Log } from "../../platform/log/log.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import { isLocked, lockPath, takeFolderLock } from "./folder-lock.ts";
import { type FolderLock, type Holder, isSameProcess, readHolder, stateOf } from "./lock-holder.ts";

/** Kind of data in a data folder: real data or the demo's. The two are never mixed. */
export type DataFolderUse = "record" | "demo";

/** A data folder that this process has locked until `release`. */
export type DataFolder = {
  readonly path: string;
  /**
   * Locks the folder again if its lock or the folder itself was deleted or replaced.
   * @throws the system's error, or an OperatorError if another recorder has locked it meanwhile.
   */
  renew(): void;
  /** Calls `renew` if needed and logs a failure once. Must be called every second. */
  poll(): void;
  /** Returns the descriptors that hold the lock. The child of an upgrade inherits them, so the lock is never free in between. */
  passOn(): readonly number[];
  /** Runs the work and releases the folder if it fails. */
  orRelease<T>(work: () => T): T;
  /** Releases the lock. Idempotent. Never removes the lock of another recorder. */
  release(): void;
};

const demoMark = "this-is-demo-data";

/**
 * Locks the folder for one recorder, creating it if needed.
 * The leftover lock of a dead recorder does not count, whatever its host or pid was.
 * @throws OperatorError if the folder is not writable, is in use, or holds the other kind of data.
 */
export function takeDataFolder(dataDir: string, use: DataFolderUse, log: Log | null = null): DataFolder {
  const path = resolve(dataDir);
  let lock = withFolderErrors(path, () => {
    mkdirSync(path, { recursive: true });
    refuseOtherUse(path, use);
    return takeFolderLock(path);
  });
  let isHeld = true;
  let isPassedOn = false;
  let isLost = false;
  warnIfWeak(path, lock, log);

  function renew(): void {
    if (!isHeld || lock.isInPlace()) return;
    mkdirSync(path, { recursive: true });
    if (use === "demo") closeSync(openSync(join(path, demoMark), "w"));
    lock = renewed(path, lock);
  }

  function release(): void {
    if (!isHeld) return;
    isHeld = false;
    lock.release(isPassedOn);
  }

  return {
    path,
    renew,
    poll() {
      try {
        if (lock.isInPlace()) lock.beat();
        else renew();
        if (isLost) log?.info("the data folder is locked again", { data_dir: path });
        isLost = false;
      } catch (error) {
        const fields = { data_dir: path, reason: messageOf(error) };
        if (!isLost) log?.error("cannot lock the data folder again; retrying every second", fields);
        isLost = true;
      }
    },
    passOn() {
      isPassedOn = true;
      return lock.descriptors;
    },
    orRelease(work) {
      try {
        return work();
      } catch (error) {
        release();
        throw error;
      }
    },
    release,
  };
}

/** Returns the recorder that is recording into a folder now, or null. */
export function recorderAt(dataDir: string): { readonly pid: number; readonly host: string } | null {
  const path = resolve(dataDir);
  const holder = readHolder(lockPath(path));
  if (holder === null) return null;
  const locked = holder.kernel === true ? isLocked(path) : null;
  return (locked ?? stateOf(holder) !== "gone") ? holder : null;
}

/** Returns why the kernel does not lock this folder, or null if it does. The folder must exist, and no recorder may be using it. */
export function lockWeakness(dataDir: string): string | null {
  const lock = takeFolderLock(resolve(dataDir));
  lock.release(false);
  return lock.kind === "kernel" ? null : lock.kind.unsupported;
}

/** Tests whether the demo has used this folder. */
export function isDemoFolder(dataDir: string): boolean {
  return existsSync(join(resolve(dataDir), demoMark));
}

/** Returns the process on this machine that is recording into a folder, or null. */
export function recorderOf(dataDir: string): { readonly pid: number; readonly use: DataFolderUse } | null {
  const path = resolve(dataDir);
  const holder = readHolder(lockPath(path));
  if (holder === null || recorderAt(dataDir) === null || !isHere(holder)) return null;
  return { pid: holder.pid, use: isDemoFolder(dataDir) ? "demo" : "record" };
}

/** Tests whether the holder is a process of this machine and container, this process included. */
function isHere(holder: Holder): boolean {
  if (holder.host !== hostname()) return false;
  return (
    holder.pid === process.pid || stateOf(holder) === "running" || (holder.kernel === true && isSameProcess(holder))
  );
}

function withFolderErrors<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const code = codeOf(error);
    const reason = code === "EEXIST" ? "it is not a folder (EEXIST)" : reasonOf(error);
    const remedy = code === "EACCES" ? "Give this user write permission there, or choose" : "Choose";
    throw new OperatorError(
      `cannot use the data folder ${path}: ${reason}. ${remedy} another folder with --data-dir or record.data_dir`,
      { cause: error },
    );
  }
}

/**
 * Takes a new lock before it releases the old lock.
 * If only the lock file was replaced, we still hold the folder: its descriptor is kept, because locking the folder again would collide
 * with it.
 */
function renewed(path: string, old: FolderLock): FolderLock {
  const lock = takeFolderLock(path, old.descriptors);
  old.release(true, lock.descriptors);
  return lock;
}

function warnIfWeak(path: string, { kind }: FolderLock, log: Log | null): void {
  if (kind === "kernel") return;
  log?.warn(
    "this file system cannot lock the data folder; a heartbeat file keeps out a second recorder, which is weaker. Record to a local disk",
    { data_dir: path, reason: kind.unsupported },
  );
}

function refuseOtherUse(path: string, use: DataFolderUse): void {
  const mark = join(path, demoMark);
  const isDemo = existsSync(mark);
  if (use === "record" && isDemo) {
    throw new OperatorError(
      `${path} holds the demo's invented data; record into another folder (--data-dir or record.data_dir)`,
    );
  }
  if (use === "demo" && !isDemo) {
    if (readdirSync(path).some((name) => name === "live" || name === "archive")) {
      throw new OperatorError(
        `${path} holds recorded data; the demo would mix invented data into it. Choose another folder for the demo with --data-dir`,
      );
    }
    closeSync(openSync(mark, "w"));
  }
}
