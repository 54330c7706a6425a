import { hostname } from "node:os";
import { codeOf } from "../../platform/errors.ts";
import { readFileSync, statSync } from "../../platform/files/files.ts";
import { bootId } from "../../platform/process/boot-id.ts";

/**
 * Content of a lock file: the process that holds the lock.
 * With a kernel lock (`kernel`) it only names the holder. Without, pid and start time (pids are reused), host and `beat` decide.
 * Version 0.1.0 wrote only the first three members.
 */
export type Holder = {
  readonly pid: number;
  readonly started: string | null;
  readonly host: string;
  readonly kernel?: boolean;
  /** Namespace of the pid: in another container the same number is another process. */
  readonly pids?: string | null;
  /** Increases every few seconds while the holder lives. */
  readonly beat?: number;
};

/** A folder's lock held by this process; see `folder-lock.ts`. */
export type FolderLock = {
  /** "kernel", or why the kernel cannot lock. */
  readonly kind: "kernel" | { readonly unsupported: string };
  /** Open descriptors that hold the lock. A child that inherits them shares it. */
  readonly descriptors: readonly number[];
  /** Tests whether the path still leads to the locked file; false if file or folder was deleted or replaced. */
  isInPlace(): boolean;
  /** Writes a sign of life if the kernel does not lock. Must be called every second. */
  beat(): void;
  /**
   * Releases the lock. Never removes the lock of another process. `kept` descriptors stay open.
   * `isPassedOn`: another process shares the lock and keeps it.
   */
  release(isPassedOn: boolean, kept?: readonly number[]): void;
};

/** Describes this process as holder. */
export function ownHolder(kernel: boolean): Holder {
  return { pid: process.pid, started: startOf(process.pid), host: hostname(), kernel, pids: ownPids() };
}

/** Reads the holder named by a lock file; null without holder. */
export function readHolder(lock: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(lock, "utf8")) as Holder;
    return typeof holder.pid === "number" && typeof holder.host === "string" ? holder : null;
  } catch {
    return null;
  }
}

/** Checks a holder. "unknown": it is on another host or in another container, where its pid cannot be checked. */
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

/**
 * Tests whether a holder whose lock is held now is a process of our pid namespace. The boot id does not count: in a container (LXC,
 * systemd-nspawn) a sandboxed service sees the kernel's, and a shell another.
 */
export function isSameProcess({ pid, pids, started }: Holder): boolean {
  const withoutBoot = (text: string | null | undefined) => text?.replace(/^.*\//, "") ?? null;
  const [ours, theirs] = [ownPids(), startOf(pid)].map(withoutBoot);
  return ours !== null && theirs !== null && ours === withoutBoot(pids) && theirs === withoutBoot(started);
}

/** Returns the namespace of our pids together with the boot id, because the kernel reuses namespace numbers after a boot. */
function ownPids(): string | null {
  const boot = bootId();
  try {
    return boot === null ? null : `${boot}/${statSync("/proc/self/ns/pid").ino}`;
  } catch {
    return boot;
  }
}

/**
 * Returns the start of a process, in kernel ticks since boot, with the boot id.
 * Null if unknown, and for a process that has ended but whose parent has not noticed.
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
