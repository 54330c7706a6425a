import { hostname } from "node:os";
import { join, resolve } from "node:path";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeSync,
} from "./platform/files.ts";
import { codeOf, messageOf, OperatorError } from "./problem.ts";

/** What a data folder holds: real data, or the demo's. The two are never mixed. */
export type DataFolderUse = "record" | "demo";

/** A data folder that nobody else records into until `release`. */
export type DataFolder = {
  readonly path: string;
  /** Takes the folder once more after somebody has deleted it. Throws the system's error, or an OperatorError if it is taken. */
  renew(): void;
  release(): void;
};

const lockFile = "rt-data.lock";
const demoMark = "this-is-demo-data";

/**
 * Takes the folder for one recorder, creating it if need be. Throws an OperatorError if it cannot be written, is in use, or
 * holds the other kind of data. The lock of a recorder that is gone (killed, or before a reboot) is taken over.
 */
export function takeDataFolder(dataDir: string, use: DataFolderUse): DataFolder {
  const path = resolve(dataDir);
  const lock = join(path, lockFile);
  try {
    mkdirSync(path, { recursive: true });
    refuseOtherUse(path, use);
    takeLock(path, lock);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `cannot use the data folder ${path}: ${messageOf(error)}. Give this user the right to write there, or another folder by --data-dir or record.data_dir`,
      { cause: error },
    );
  }
  let held = true;
  return {
    path,
    renew() {
      if (!held || existsSync(lock)) return;
      mkdirSync(path, { recursive: true });
      if (use === "demo") closeSync(openSync(join(path, demoMark), "w"));
      takeLock(path, lock);
    },
    release() {
      if (!held) return;
      held = false;
      try {
        rmSync(lock, { force: true });
      } catch {
        // The lock of a process that is gone keeps nobody out.
      }
    },
  };
}

/** Who records into a folder at this moment, or null. */
export function recorderAt(dataDir: string): { readonly pid: number; readonly host: string } | null {
  const holder = readHolder(join(resolve(dataDir), lockFile));
  return holder !== null && isRunning(holder) ? holder : null;
}

/** True for a folder that the demo has used. */
export function isDemoFolder(dataDir: string): boolean {
  return existsSync(join(resolve(dataDir), demoMark));
}

/** The process of this machine that records into a folder; null where none does. */
export function recorderOf(dataDir: string): { readonly pid: number; readonly use: DataFolderUse } | null {
  const holder = recorderAt(dataDir);
  if (holder === null || holder.host !== hostname()) return null;
  return { pid: holder.pid, use: isDemoFolder(dataDir) ? "demo" : "record" };
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

/** Pid, its start time (pids are used again) and host: together they say whether the holder still runs. */
type Holder = { readonly pid: number; readonly started: string | null; readonly host: string };

function takeLock(path: string, lock: string): void {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const fd = openSync(lock, "wx");
      const holder: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() };
      writeSync(fd, `${JSON.stringify(holder)}\n`);
      closeSync(fd);
      return;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const holder = readHolder(lock);
    if (holder !== null && isRunning(holder)) {
      const isHere = holder.host === hostname();
      const where = isHere ? "" : ` on ${holder.host}`;
      const otherwise = isHere ? "" : `. If no recorder runs on ${holder.host} any more, delete ${lock}`;
      throw new OperatorError(
        `another recorder (process ${holder.pid}${where}) is recording into ${path}. Stop it first, or give this one a folder of its own by --data-dir${otherwise}`,
      );
    }
    unlinkSync(lock);
  }
  throw new OperatorError(
    `the lock ${lock} keeps being taken by another recorder that is starting at the same time; try again`,
  );
}

function readHolder(lock: string): Holder | null {
  try {
    return JSON.parse(readFileSync(lock, "utf8")) as Holder;
  } catch {
    return null;
  }
}

function isRunning(holder: Holder): boolean {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
  return holder.pid !== process.pid && startOf(holder.pid) === holder.started;
}

/**
 * When a process started, in the kernel's ticks since boot with the boot's id; null where the system does not say, and for one that has
 * ended and that only its parent has not noticed.
 */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\)\s/s, "")
      .split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : `${boot}/${fields[19]}`;
  } catch {
    return null;
  }
}
