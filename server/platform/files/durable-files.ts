import { basename, dirname, join } from "node:path";
import { codeOf } from "../errors.ts";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "./files.ts";

/** Makes the names in a folder survive a power loss. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Renames (atomically, over what is there) and makes the new name survive a power loss. Both must be on one file system. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) syncFolder(dirname(from));
}

/**
 * Moves a file aside into `folder`, which is created if need be, under its own name or, where that is taken, with a number
 * behind it; onto another file system by a copy. Returns the new path. Nothing is ever overwritten.
 */
export function moveAside(path: string, folder: string): string {
  const target = freePath(folder, basename(path));
  try {
    renameDurably(path, target);
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    copyDurably(path, target);
    unlinkSync(path);
    syncFolder(dirname(path));
  }
  return target;
}

/** Copies a file onto another file system; it is there in full or not at all, also after a power loss. */
function copyDurably(from: string, to: string): void {
  const temporary = `${to}.tmp`;
  const [source, target] = [openSync(from, "r"), openSync(temporary, "w")];
  try {
    const chunk = Buffer.allocUnsafe(copiedAtOnce);
    for (let read = readSync(source, chunk); read > 0; read = readSync(source, chunk)) {
      for (let at = 0; at < read; ) at += writeSync(target, chunk, at, read - at);
    }
    fsyncSync(target);
  } catch (error) {
    removeRest(temporary);
    throw error;
  } finally {
    closeSync(source);
    closeSync(target);
  }
  renameDurably(temporary, to);
}

/** A half-written file takes up room on a disk that may be full. */
function removeRest(path: string): void {
  try {
    removeIfThere(path);
  } catch {
    // The next attempt overwrites it.
  }
}

const copiedAtOnce = 256 * 1024;

/** A path in `folder`, created if need be, that nothing has: `name`, else `name.2`, `name.3`. */
export function freePath(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  for (let n = 1; ; n++) {
    const path = join(folder, n === 1 ? name : `${name}.${n}`);
    if (!existsSync(path)) return path;
  }
}

/** Removes a file that may not be there. */
export function removeIfThere(path: string): void {
  rmSync(path, { force: true });
}

/** Writes a whole file so that it is there in full or not at all, also after a power loss; folders are created if need be. */
export function writeDurably(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  const fd = openSync(temporary, "w");
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } catch (error) {
    removeRest(temporary);
    throw error;
  } finally {
    closeSync(fd);
  }
  renameDurably(temporary, path);
}

/** A file being written in the calling thread. */
export type Output = { write(bytes: Uint8Array): void; sync(): void; close(): void; bytes(): number };

/** Creates (or empties) a file. */
export function createOutput(path: string): Output {
  const fd = openSync(path, "w");
  let bytes = 0;
  return {
    write(chunk) {
      // A write may take less than it is given, on a disk that is nearly full for one.
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at);
      bytes += chunk.length;
    },
    sync: () => fsyncSync(fd),
    close: () => closeSync(fd),
    bytes: () => bytes,
  };
}
