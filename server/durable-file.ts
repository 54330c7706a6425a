import { basename, dirname, join } from "node:path";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "./platform/files.ts";

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
 * behind it. Returns the new path. Nothing is ever overwritten.
 */
export function moveAside(path: string, folder: string): string {
  const target = freePath(folder, basename(path));
  renameDurably(path, target);
  return target;
}

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
  } finally {
    closeSync(fd);
  }
  renameDurably(temporary, path);
}
