import { codeOf, OperatorError } from "../../platform/errors.ts";
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "../../platform/files/files.ts";
import { type FolderLock, type Holder, ownHolder, readHolder, stateOf } from "./lock-holder.ts";

/** A holder beats every second; without a beat for so long it is gone, ms. */
const silentMs = 6000;
const lookMs = 250;

/** After this every process that removed the file of a holder that was gone has done so, ms. */
const settleMs = 500;

/**
 * The lock of a file system that knows none: a file that names the holder, who adds a beat to it every second. A holder of this machine is
 * known by pid and start; one that cannot be looked up is gone when its beat stands still for some seconds, which are waited for. Weaker than
 * the kernel's lock: who is stopped for longer than that (SIGSTOP, a suspended machine) can lose it, and is told so afterwards.
 */
export function takeWithoutKernel(folder: string, lock: string, reason: string): FolderLock {
  for (let attempt = 0; attempt < 3; attempt++) {
    const own = create(lock);
    if (own !== null) {
      Bun.sleepSync(settleMs);
      if (isOurs(lock, own)) return lockOf(lock, own, reason);
    }
    const holder = readHolder(lock);
    if (holder !== null && isAlive(lock, holder)) refuse(folder, lock, holder);
    if (readHolder(lock)?.beat === holder?.beat) rmSync(lock, { force: true });
  }
  throw new OperatorError(
    `the lock ${lock} keeps being taken by another recorder that is starting at the same time; try again`,
  );
}

function create(lock: string): Holder | null {
  try {
    const fd = openSync(lock, "wx");
    const holder = ownHolder(false);
    writeSync(fd, `${JSON.stringify(holder)}\n`);
    closeSync(fd);
    return holder;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    return null;
  }
}

function isOurs(lock: string, own: Holder): boolean {
  const holder = readHolder(lock);
  return holder !== null && holder.pid === own.pid && holder.pids === own.pids && holder.host === own.host;
}

function isAlive(lock: string, holder: Holder): boolean {
  const state = stateOf(holder);
  if (state !== "unknown") return state === "running";
  for (let waitedMs = 0; waitedMs < silentMs; waitedMs += lookMs) {
    Bun.sleepSync(lookMs);
    const now = readHolder(lock);
    if (now !== null && now.beat !== holder.beat) return true;
  }
  return false;
}

function refuse(folder: string, lock: string, holder: Holder): never {
  throw new OperatorError(
    `another recorder (process ${holder.pid} on ${holder.host}) is recording into ${folder}. Stop it first, or give this one a folder of its own by --data-dir. This file system has no locks; if no recorder runs there, delete ${lock}`,
  );
}

function lockOf(lock: string, own: Holder, reason: string): FolderLock {
  let beat = 0;
  let isHeld = true;
  return {
    kind: { unsupported: reason },
    descriptors: [],
    isInPlace: () => isOurs(lock, own),
    beat() {
      try {
        writeFileSync(lock, `${JSON.stringify({ ...own, beat: ++beat })}\n`);
      } catch {
        // The disk refuses; the recorder tells of it.
      }
    },
    release() {
      if (!isHeld) return;
      isHeld = false;
      try {
        if (isOurs(lock, own)) rmSync(lock, { force: true });
      } catch {
        // Without a beat it keeps nobody out.
      }
    },
  };
}
