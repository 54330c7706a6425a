import { codeOf, OperatorError } from "../../platform/errors.ts";
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "../../platform/files/files.ts";
import { type FolderLock, type Holder, ownHolder, readHolder, stateOf } from "./lock-holder.ts";

/** Time without a beat after which a holder counts as dead, ms. A living holder beats every second. */
const silentMs = 6000;
const pollMs = 250;

/** Wait until every process that wanted to remove a dead holder's file has done so, ms. */
const settleMs = 500;

/**
 * Takes a lock on a file system without locks: a file that names the holder, who writes a beat into it every second.
 * A holder on this machine is checked by pid and start time. Any other holder is dead if its beat stops for some seconds, which this
 * waits for.
 * Weaker than the kernel's lock: a holder that is stopped for longer (SIGSTOP, a suspended machine) can lose it and learns so only
 * afterwards.
 */
export function takeWithoutKernel(folder: string, lock: string, reason: string): FolderLock {
  for (let attempt = 0; attempt < 3; attempt++) {
    const self = create(lock);
    if (self !== null) {
      Bun.sleepSync(settleMs);
      if (isOurs(lock, self)) return lockOf(lock, self, reason);
    }
    const holder = readHolder(lock);
    if (holder !== null && isAlive(lock, holder)) refuse(folder, lock, holder);
    if (readHolder(lock)?.beat === holder?.beat) rmSync(lock, { force: true });
  }
  throw new OperatorError(
    `another recorder that is starting at the same time keeps taking the lock ${lock}; try again`,
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

function isOurs(lock: string, self: Holder): boolean {
  const holder = readHolder(lock);
  return holder !== null && holder.pid === self.pid && holder.pids === self.pids && holder.host === self.host;
}

function isAlive(lock: string, holder: Holder): boolean {
  const state = stateOf(holder);
  if (state !== "unknown") return state === "running";
  for (let waitedMs = 0; waitedMs < silentMs; waitedMs += pollMs) {
    Bun.sleepSync(pollMs);
    const now = readHolder(lock);
    if (now !== null && now.beat !== holder.beat) return true;
  }
  return false;
}

function refuse(folder: string, lock: string, holder: Holder): never {
  throw new OperatorError(
    `another recorder (process ${holder.pid} on ${holder.host}) is recording into ${folder}. Stop it first, or choose another folder with --data-dir. This file system has no locks; if no recorder runs there, delete ${lock}`,
  );
}

function lockOf(lock: string, self: Holder, reason: string): FolderLock {
  let beat = 0;
  let isHeld = true;
  return {
    kind: { unsupported: reason },
    descriptors: [],
    isInPlace: () => isOurs(lock, self),
    beat() {
      try {
        writeFileSync(lock, `${JSON.stringify({ ...self, beat: ++beat })}\n`);
      } catch {
        // The disk refuses writes; the recorder reports that elsewhere.
      }
    },
    release() {
      if (!isHeld) return;
      isHeld = false;
      try {
        if (isOurs(lock, self)) rmSync(lock, { force: true });
      } catch {
        // A file without a beat keeps no recorder out.
      }
    },
  };
}
