import { basename, dirname, join } from "node:path";
import { codeOf } from "../errors.ts";
import {
  closeSync,
  existsSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "./files.ts";

/** Makes the file names in a folder survive a power loss. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Renames atomically, replacing the target, and makes the new name survive a power loss. Both must be on the same file system. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) syncFolder(dirname(from));
}

/**
 * Moves a file into `folder` without overwriting any file, and returns the new path.
 * Creates the folder if needed, adds a number if the name is taken, and copies if `folder` is on another file system.
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

/** Copies a file to another file system. Even after a power loss the copy is complete or absent. */
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

/** Removes a half-written file, which takes up room on a disk that may be full. Never throws. */
export function removeRest(path: string): void {
  try {
    removeIfThere(path);
  } catch {
    // The next attempt overwrites it.
  }
}

const copiedAtOnce = 256 * 1024;

/** Returns an unused path in `folder`: `name`, else `name.2`, `name.3`. Creates the folder if needed. */
export function freePath(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  for (let n = 1; ; n++) {
    const path = join(folder, n === 1 ? name : `${name}.${n}`);
    if (!existsSync(path)) return path;
  }
}

/** Removes a file if it exists. */
export function removeIfThere(path: string): void {
  rmSync(path, { force: true });
}

/** Writes a whole file atomically and durably, creating folders if needed. Even after a power loss it is complete or absent. */
export function writeDurably(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceWhole(path, content, openSync(`${path}.tmp`, "w"));
}

/** A file that the calling thread is writing. */
export type Output = {
  write(bytes: Uint8Array): void;
  /** Replaces bytes that were written before. */
  replaceAt(position: number, bytes: Uint8Array): void;
  sync(): void;
  close(): void;
  bytes(): number;
};

/** Creates a file, or empties an existing file. */
export function createOutput(path: string): Output {
  const fd = openSync(path, "w");
  let bytes = 0;
  return {
    write(chunk) {
      // A write may accept fewer bytes than given, for example on a disk that is nearly full.
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at);
      bytes += chunk.length;
    },
    replaceAt(position, chunk) {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at, position + at);
    },
    sync: () => fsyncSync(fd),
    close: () => closeSync(fd),
    bytes: () => bytes,
  };
}

/**
 * Writes a whole file atomically and durably; only its owner may read it. The file and a new folder get the owner of `ownedLike`: a
 * command run by root then writes files that the recorder can read.
 */
export function writePrivately(path: string, content: string, ownedLike: string): void {
  const folder = dirname(path);
  const isNew = !existsSync(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, gid } = statSync(ownedLike);
  if (isNew) giveTo(folder, uid, gid);
  const fd = openSync(`${path}.tmp`, "w", 0o600);
  replaceWhole(path, content, fd, () => {
    if (process.getuid?.() === 0) fchownSync(fd, uid, gid);
  });
}

/** Writes and syncs the open temporary file beside `path`, closes it, and puts it in the place of `path`. */
function replaceWhole(path: string, content: string | Uint8Array, fd: number, beforeSync = () => {}): void {
  const temporary = `${path}.tmp`;
  try {
    writeFileSync(fd, content);
    beforeSync();
    fsyncSync(fd);
  } catch (error) {
    removeRest(temporary);
    throw error;
  } finally {
    closeSync(fd);
  }
  renameDurably(temporary, path);
}

function giveTo(path: string, uid: number, gid: number): void {
  if (process.getuid?.() !== 0) return;
  const fd = openSync(path, "r");
  try {
    fchownSync(fd, uid, gid);
  } finally {
    closeSync(fd);
  }
}
