import { hostname } from "node:os";
import { codeOf } from "../../platform/errors.ts";
import { readFileSync, statSync } from "../../platform/files/files.ts";
import { bootId } from "../../platform/process/boot-id.ts";

/**
 * The text of a lock file: who took the lock. With a lock of the kernel's (`kernel`) it only serves to name the holder; without one, pid
 * and start time (pids are used again), host and `beat` decide. Version 0.1.0 wrote the first three members alone.
 */
export type Holder = {
  readonly pid: number;
  readonly started: string | null;
  readonly host: string;
  readonly kernel?: boolean;
  /** Namespace of the pid: the same number in another container is another process. */
  readonly pids?: string | null;
  /** Goes up every few seconds while the holder lives. */
  readonly beat?: number;
};

/** A folder's lock that this process has; see `folder-lock.ts`. */
export type FolderLock = {
  /** "kernel", or why not. */
  readonly kind: "kernel" | { readonly unsupported: string };
  /** Open descriptors that hold it; a child that inherits them shares the lock. */
  readonly descriptors: readonly number[];
  /** Whether the path still leads to what is locked: not if the lock file or the folder was deleted or replaced. */
  isInPlace(): boolean;
  /** Shows that we live where the kernel does not; to be called every second. */
  beat(): void;
  /** `isPassedOn`: another process shares the lock and keeps it. Never removes another's. `kept` descriptors stay open. */
  release(isPassedOn: boolean, kept?: readonly number[]): void;
};

/** This process as the holder. */
export function ownHolder(kernel: boolean): Holder {
  return { pid: process.pid, started: startOf(process.pid), host: hostname(), kernel, pids: ownPids() };
}

/** Who a lock file names; null if it names nobody. */
export function readHolder(lock: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(lock, "utf8")) as Holder;
    return typeof holder.pid === "number" && typeof holder.host === "string" ? holder : null;
  } catch {
    return null;
  }
}

/** "unknown": the holder is on another host or in another container, where its pid cannot be looked up. */
export function stateOf(holder: Holder): "running" | "gone" | "unknown" {
  if (holder.host !== hostname()) return "unknown";
  if (holder.pids !== undefined && holder.pids !== ownPids()) return "unknown";
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (codeOf(error) !== "EPERM") return "gone";
  }
  if (holder.pid === process.pid) return "gone";
  return startOf(holder.pid) === holder.started ? "running" : "gone";
}

/** Namespace of our pids, with the boot, since the kernel counts these anew after each. */
function ownPids(): string | null {
  const boot = bootId();
  try {
    return boot === null ? null : `${boot}/${statSync("/proc/self/ns/pid").ino}`;
  } catch {
    return boot;
  }
}

/**
 * When a process started, in the kernel's ticks since boot with the boot's id; null if the system does not say, and for a process that
 * has ended but whose parent has not noticed.
 */
function startOf(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\)\s/s, "")
      .split(" ");
    const boot = bootId();
    return boot === null || fields[0] === "Z" || fields[0] === "X" ? null : `${boot}/${fields[19]}`;
  } catch {
    return null;
  }
}
