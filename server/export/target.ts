import { basename, dirname, join, resolve } from "node:path";
import { codeOf, messageOf, OperatorError } from "../platform/errors.ts";
import { fstatSync, lstatSync, readlinkSync, realpathSync, statSync } from "../platform/files/files.ts";

/** Where an export goes. */
export type Target =
  /** A file that is replaced, or made: where it really is, and what the new one keeps of the old one. */
  | { readonly kind: "file"; readonly path: string; readonly keeps: FileRights | null }
  /** Something that is written to: a FIFO or device by its path, or what this process has open already. */
  | { readonly kind: "stream"; readonly path: string; readonly fd: number | null };

/** Who may do what with a file. */
export type FileRights = { readonly mode: number; readonly uid: number; readonly gid: number };

/** As many links as Linux follows. */
const mostLinks = 40;

/**
 * Looks what a path is, through symbolic links: the file at their end is replaced, and the links stay. `-` is standard output. Throws
 * an OperatorError for what cannot be written to.
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

/** True for a path that exists and is no folder, or that names something this process has open. */
export function isNoFolder(path: string): boolean {
  if (path === "-" || descriptorOf(resolve(path)) !== null) return true;
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isDirectory();
}

function follow(whole: string, asked: string): Target {
  let path = whole;
  for (let links = 0; links <= mostLinks; links++) {
    const fd = descriptorOf(path);
    if (fd !== null) return { kind: "stream", path: asked, fd: openOne(fd, asked) };
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) {
      path = resolve(realpathSync(dirname(path)), readlinkSync(path));
      continue;
    }
    if (found === undefined) return { kind: "file", path, keeps: null };
    if (found.isFile())
      return { kind: "file", path, keeps: { mode: found.mode & 0o777, uid: found.uid, gid: found.gid } };
    if (found.isDirectory()) throw new OperatorError(`cannot write ${asked}: it is a folder; give the name of a file`);
    if (found.isSocket()) throw new OperatorError(`cannot write ${asked}: it is a socket; give a file or a FIFO`);
    return { kind: "stream", path: asked, fd: null };
  }
  throw new OperatorError(`cannot write ${asked}: its symbolic links lead in a circle`);
}

/** Opening such a path again would begin at the start of the file, or make another end of a pipe: the descriptor itself is meant. */
function descriptorOf(path: string): number | null {
  const standard: Readonly<Record<string, number>> = { "/dev/stdout": 1, "/dev/stderr": 2 };
  const known = standard[path];
  if (known !== undefined) return known;
  const own = [`/proc/self/fd`, `/proc/thread-self/fd`, `/proc/${process.pid}/fd`, "/dev/fd"];
  return own.includes(dirname(path)) && /^\d{1,7}$/.test(basename(path)) ? Number(basename(path)) : null;
}

function openOne(fd: number, asked: string): number {
  try {
    fstatSync(fd);
    return fd;
  } catch (error) {
    if (codeOf(error) !== "EBADF") throw error;
    throw new OperatorError(`cannot write ${asked}: nothing is open there`, { cause: error });
  }
}

/** A name for a temporary file beside a target: short, hidden, and with no ending that a reader of tables looks for. */
export function temporaryBeside(path: string, unique: string): string {
  return join(dirname(path), `${temporaryStart}${unique}${temporaryEnd}`);
}

/** True for a name that `temporaryBeside` gives. */
export function isTemporary(name: string): boolean {
  return name.startsWith(temporaryStart) && name.endsWith(temporaryEnd);
}

const temporaryStart = ".rt-data-export-";
const temporaryEnd = ".tmp";
