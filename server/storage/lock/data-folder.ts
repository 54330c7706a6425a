import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from "../../platform/files/files.ts";
import type { Log } from "../../platform/log/log.ts";
import { isLocked, lockPath, takeFolderLock } from "./folder-lock.ts";
import { type FolderLock, type Holder, readHolder, stateOf } from "./lock-holder.ts";

/** What a data folder holds: real data, or the demo's. The two are never mixed. */
export type DataFolderUse = "record" | "demo";

/** A data folder that nobody else records into until `release`. */
export type DataFolder = {
  readonly path: string;
  /**
   * Takes the folder again if its lock or the folder itself was deleted or replaced. Throws the system's error, or an OperatorError if
   * another recorder has taken it meanwhile.
   */
  renew(): void;
  /** The same, to be called every second; what goes wrong is logged once. */
  look(): void;
  /** Descriptors that hold the lock. A process that is started with them, to take over, shares it: the lock is never free in between. */
  passOn(): readonly number[];
  /** What was taken is given back if the work fails. */
  orRelease<T>(work: () => T): T;
  /** Idempotent. Never removes another's lock. */
  release(): void;
};

const demoMark = "this-is-demo-data";

/**
 * Takes the folder for one recorder, creating it if need be. Throws an OperatorError if it cannot be written, is in use, or
 * holds the other kind of data. The lock of a recorder that is gone keeps nobody out, whatever its host or pid was.
 */
export function takeDataFolder(dataDir: string, use: DataFolderUse, log: Log | null = null): DataFolder {
  const path = resolve(dataDir);
  let lock = taking(path, () => {
    mkdirSync(path, { recursive: true });
    refuseOtherUse(path, use);
    return takeFolderLock(path);
  });
  let isHeld = true;
  let isPassedOn = false;
  let isLost = false;
  tellWeakness(path, lock, log);

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
    look() {
      try {
        if (lock.isInPlace()) lock.beat();
        else renew();
        if (isLost) log?.info("the data folder is locked again", { data_dir: path });
        isLost = false;
      } catch (error) {
        const fields = { data_dir: path, reason: messageOf(error) };
        if (!isLost) log?.error("the lock of the data folder was lost and cannot be taken again yet", fields);
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

/** Who records into a folder at this moment, or null. */
export function recorderAt(dataDir: string): { readonly pid: number; readonly host: string } | null {
  const path = resolve(dataDir);
  const holder = readHolder(lockPath(path));
  if (holder === null) return null;
  const locked = holder.kernel === true ? isLocked(path) : null;
  return (locked ?? stateOf(holder) !== "gone") ? holder : null;
}

/** Why the kernel does not lock this folder, or null if it does. The folder must exist and nobody record into it. */
export function lockWeakness(dataDir: string): string | null {
  const lock = takeFolderLock(resolve(dataDir));
  lock.release(false);
  return lock.kind === "kernel" ? null : lock.kind.unsupported;
}

/** True for a folder that the demo has used. */
export function isDemoFolder(dataDir: string): boolean {
  return existsSync(join(resolve(dataDir), demoMark));
}

/** The process of this machine that records into a folder; null if none does. */
export function recorderOf(dataDir: string): { readonly pid: number; readonly use: DataFolderUse } | null {
  const path = resolve(dataDir);
  const holder = readHolder(lockPath(path));
  if (holder === null || recorderAt(dataDir) === null || !isHere(holder)) return null;
  return { pid: holder.pid, use: isDemoFolder(dataDir) ? "demo" : "record" };
}

/** A process of this machine and container; our own counts. */
function isHere(holder: Holder): boolean {
  return holder.host === hostname() && (holder.pid === process.pid || stateOf(holder) === "running");
}

function taking<T>(path: string, take: () => T): T {
  try {
    return take();
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `cannot use the data folder ${path}: ${messageOf(error)}. Give this user the right to write there, or another folder by --data-dir or record.data_dir`,
      { cause: error },
    );
  }
}

/**
 * The old lock goes only once there is a new one. Where only the lock file is new, the folder is still ours: its own descriptor is
 * kept, which a second attempt to lock the same folder would meet.
 */
function renewed(path: string, old: FolderLock): FolderLock {
  const lock = takeFolderLock(path, old.descriptors);
  old.release(true, lock.descriptors);
  return lock;
}

function tellWeakness(path: string, { kind }: FolderLock, log: Log | null): void {
  if (kind === "kernel") return;
  log?.warn(
    "this file system cannot lock the data folder; a second recorder is kept out by a file with a beat, which is weaker. Record on a local disk",
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
        `${path} holds recorded data; the demo would mix invented data into it. Give it another folder by --data-dir`,
      );
    }
    closeSync(openSync(mark, "w"));
  }
}
