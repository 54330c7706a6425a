import * as node from "node:fs";
import * as promises from "node:fs/promises";
import { flockOfSystem, type LockAnswer, type LockWish } from "./flock.ts";

/**
 * The file system as the program sees it. All file access goes through this port.
 * The simulation (`test/simulation`) replaces it with a file system that tears writes, forgets unsynced data and fails on purpose.
 */
export type Files = Pick<typeof node, SyncName> & {
  readonly async: Pick<typeof promises, AsyncName>;
  /** flock(2) on an open descriptor. Never waits. */
  flock(fd: number, wish: LockWish): LockAnswer;
};

type SyncName =
  | "accessSync"
  | "close"
  | "closeSync"
  | "createReadStream"
  | "existsSync"
  | "fchmodSync"
  | "fchownSync"
  | "fdatasync"
  | "fstat"
  | "fstatSync"
  | "fsync"
  | "fsyncSync"
  | "ftruncate"
  | "ftruncateSync"
  | "linkSync"
  | "lstatSync"
  | "mkdirSync"
  | "open"
  | "openSync"
  | "readFileSync"
  | "readSync"
  | "readdirSync"
  | "readlinkSync"
  | "realpathSync"
  | "renameSync"
  | "rmSync"
  | "rmdirSync"
  | "statSync"
  | "statfsSync"
  | "unlinkSync"
  | "write"
  | "writeFileSync"
  | "writeSync";

type AsyncName =
  | "appendFile"
  | "copyFile"
  | "mkdir"
  | "open"
  | "readFile"
  | "readdir"
  | "rename"
  | "rm"
  | "rmdir"
  | "stat"
  | "statfs"
  | "unlink";

/** The real file system. */
export const systemFiles: Files = {
  ...node,
  async: promises,

  flock: flockOfSystem,
};

let current = systemFiles;

/** Replaces the file system for the whole process. Only the simulation does this. */
export function replaceFiles(files: Files): void {
  current = files;
}

function sync<Name extends SyncName>(name: Name): Files[Name] {
  // Look the function up at each call, because the simulation replaces the file system after this module has loaded.
  return ((...parameters: readonly never[]) =>
    (current[name] as (...all: readonly never[]) => unknown)(...parameters)) as Files[Name];
}

export const { constants } = node;
export const accessSync = sync("accessSync");
export const close = sync("close");
export const closeSync = sync("closeSync");
export const createReadStream = sync("createReadStream");
export const existsSync = sync("existsSync");
export const fchmodSync = sync("fchmodSync");
export const fchownSync = sync("fchownSync");
export const fdatasync = sync("fdatasync");
export const fstat = sync("fstat");
export const fstatSync = sync("fstatSync");
export const fsync = sync("fsync");
export const fsyncSync = sync("fsyncSync");
export const ftruncate = sync("ftruncate");
export const ftruncateSync = sync("ftruncateSync");
export const linkSync = sync("linkSync");
export const lstatSync = sync("lstatSync");
export const mkdirSync = sync("mkdirSync");
/** `open` with a callback; `files-async.ts` has the one that returns a promise. */
export const openDescriptor = sync("open");
export const openSync = sync("openSync");
export const readFileSync = sync("readFileSync");
export const readSync = sync("readSync");
export const readdirSync = sync("readdirSync");
export const readlinkSync = sync("readlinkSync");
export const realpathSync = sync("realpathSync");
export const renameSync = sync("renameSync");
export const rmSync = sync("rmSync");
export const rmdirSync = sync("rmdirSync");
export const statSync = sync("statSync");
export const statfsSync = sync("statfsSync");
export const unlinkSync = sync("unlinkSync");
export const write = sync("write");
export const writeFileSync = sync("writeFileSync");
export const writeSync = sync("writeSync");

/** Calls flock(2) on an open descriptor without waiting. See `flock.ts`. */
export function flock(fd: number, wish: LockWish): LockAnswer {
  return current.flock(fd, wish);
}

/** Returns the promise-based functions of the current file system. `files-async.ts` exports them by name. */
export function asyncFiles(): Files["async"] {
  return current.async;
}
