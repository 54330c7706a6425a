import { basename, dirname, join, resolve } from "node:path";
import { codeOf, messageOf, OperatorError } from "../platform/errors.ts";
import { fstatSync, lstatSync, readlinkSync, realpathSync, statSync } from "../platform/files/files.ts";

/** The target of an export. */
export type Target =
  /** A file that is created or replaced: its path behind symbolic links, and the rights of the replaced file; null for a new file. */
  | { readonly kind: "file"; readonly path: string; readonly keeps: FileRights | null }
  /** A FIFO or device by its path, or a descriptor that is already open in this process. */
  | { readonly kind: "stream"; readonly path: string; readonly fd: number | null };

/** Mode and owner of a file. */
export type FileRights = { readonly mode: number; readonly uid: number; readonly gid: number };

/** Limit of followed symbolic links, as in Linux. */
const mostLinks = 40;

/**
 * Finds out what a path is. Symbolic links are followed: the file at their end is replaced, and the links stay. `-` is standard output.
 *
 * @throws OperatorError if the path cannot be written to
 */
export function targetOf(path: string): Target {
  if (path === "-") return { kind: "stream", path: "standard output", fd: 1 };
  try {
    return follow(resolve(path), path);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Returns true for an existing path that is not a folder, and for an open descriptor of this process. */
export function isNoFolder(path: string): boolean {
  if (path === "-" || descriptorOf(resolve(path)) !== null) return true;
  const info = statSync(path, { throwIfNoEntry: false });
  return info !== undefined && !info.isDirectory();
}

function follow(start: string, asked: string): Target {
  let path = start;
  for (let links = 0; links <= mostLinks; links++) {
    const fd = descriptorOf(path);
    if (fd !== null) return { kind: "stream", path: asked, fd: checkOpen(fd, asked) };
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (info?.isSymbolicLink()) {
      path = resolve(realpathSync(dirname(path)), readlinkSync(path));
      continue;
    }
    if (info === undefined) return { kind: "file", path, keeps: null };
    if (info.isFile()) return { kind: "file", path, keeps: { mode: info.mode & 0o777, uid: info.uid, gid: info.gid } };
    if (info.isDirectory()) throw new OperatorError(`cannot write ${asked}: it is a folder; give the name of a file`);
    if (info.isSocket()) throw new OperatorError(`cannot write ${asked}: it is a socket; give a file or a FIFO`);
    return { kind: "stream", path: asked, fd: null };
  }
  throw new OperatorError(`cannot write ${asked}: its symbolic links lead in a circle`);
}

/**
 * Returns the descriptor that a path like `/dev/stdout` names; null for other paths. The descriptor itself must be used: opening the
 * path again would start at the beginning of the file, or create another end of a pipe.
 */
function descriptorOf(path: string): number | null {
  const standard: Readonly<Record<string, number>> = { "/dev/stdout": 1, "/dev/stderr": 2 };
  const known = standard[path];
  if (known !== undefined) return known;
  const folders = [`/proc/self/fd`, `/proc/thread-self/fd`, `/proc/${process.pid}/fd`, "/dev/fd"];
  return folders.includes(dirname(path)) && /^\d{1,7}$/.test(basename(path)) ? Number(basename(path)) : null;
}

function checkOpen(fd: number, asked: string): number {
  try {
    fstatSync(fd);
    return fd;
  } catch (error) {
    if (codeOf(error) !== "EBADF") throw error;
    throw new OperatorError(`cannot write ${asked}: this descriptor is not open`, { cause: error });
  }
}

/** Returns the path of a temporary file beside a target. It is short, hidden, and without an extension that table readers look for. */
export function temporaryBeside(path: string, unique: string): string {
  return join(dirname(path), `${temporaryStart}${unique}${temporaryEnd}`);
}

/** Returns true for a file name that `temporaryBeside` creates. */
export function isTemporary(name: string): boolean {
  return name.startsWith(temporaryStart) && name.endsWith(temporaryEnd);
}

const temporaryStart = ".rt-data-export-";
const temporaryEnd = ".tmp";
