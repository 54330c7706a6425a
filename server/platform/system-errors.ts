import { basename } from "node:path";
import { FileError, messageOf } from "./errors.ts";

/**
 * What a system error means, and what to do. `{ of %}` is left out unless the path has to be named; a bare `%` is then "it".
 * The code stays in the text, because people search for it.
 */
const meanings: Readonly<Record<string, readonly [reason: string, advice: string]>> = {
  ENOENT: ["% does not exist", "check the path"],
  EISDIR: ["% is a folder", "give a file"],
  ENOTDIR: ["a part of the path{ %} is a file, not a folder", "check the path"],
  EACCES: ["permission denied{ for %}", "run the command as its owner or with sudo, or change its permissions"],
  EPERM: ["the system forbids it{ for %}", "run the command as its owner or with sudo"],
  ELOOP: ["the symbolic links{ of %} lead in a circle", "correct the links, or give another path"],
  EROFS: ["the file system{ of %} is read-only", "give a path on another disk, or mount this one for writing"],
  ENOSPC: ["the disk{ of %} is full", "free some space, or give a path on another disk"],
  EDQUOT: ["the disk quota{ for %} is used up", "free some space, or raise the quota"],
  EEXIST: ["% exists already", "rename it, or give another path"],
  ENOTEMPTY: ["% is not empty", "give another path"],
  ENAMETOOLONG: ["the name{ %} is too long", "give a shorter path"],
  EFBIG: ["the file{ %} would be larger than the file system or the limit allows", "see ulimit -f"],
  EBUSY: ["% is in use", "end the program that uses it"],
  EMFILE: ["this process has too many files open", "raise the limit: ulimit -n"],
  ENFILE: ["this machine has too many files open", "end programs that hold files open"],
  ENXIO: ["no device or program answers at %", "give another path"],
  EIO: ["the disk{ of %} reports an error", "look for disk errors in dmesg"],
  EADDRINUSE: ["another program uses this port", "give another port"],
  EADDRNOTAVAIL: ["this machine does not have this address", "give one of its own addresses"],
};

type SystemError = Error & { readonly code: string; readonly path?: unknown; readonly syscall?: unknown };

/** Returns why an operation failed, in words and without the path: `permission denied (EACCES)`. Other errors: their message. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof FileError ? error.cause : error;
  return isKnown(cause) ? reason(cause, null) : messageOf(error);
}

/**
 * Returns an error's message for people. Texts of the system (`EISDIR: illegal operation on a directory, read`) are replaced by a sentence
 * that names the operation, the path and the remedy. They are found by the messages of the error and its causes.
 */
export function explain(error: unknown): string {
  let text = messageOf(error);
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (isKnown(cause) && text.includes(cause.message))
      text = text.replaceAll(cause.message, wordsIn(text, cause, error));
  }
  return text;
}

function wordsIn(text: string, cause: SystemError, error: unknown): string {
  const [, advice = ""] = meanings[cause.code] ?? [];
  if (text !== cause.message) {
    const words = reason(cause, isNamed(text.replaceAll(cause.message, ""), cause) ? null : String(cause.path));
    return text.endsWith(cause.message) ? `${words}; ${advice}` : words;
  }
  const [operation, path] =
    error instanceof FileError ? [error.operation, error.path] : [verbOf(cause.syscall), pathOf(cause)];
  return `cannot ${operation}${path === null ? "" : ` ${path}`}: ${reason(cause, null)}; ${advice}`;
}

/** Tells whether the system worded this error. Errors of ours may have a code too, but their messages are for people already. */
function isKnown(error: unknown): error is SystemError {
  if (!(error instanceof Error) || !("code" in error) || !Object.hasOwn(meanings, String(error.code))) return false;
  return error.message.startsWith(`${error.code}: `);
}

function reason({ code, syscall }: SystemError, path: string | null): string {
  // Listing a file as a folder fails with the same code as a path below a file.
  const template = code === "ENOTDIR" && syscall === "scandir" ? "% is not a folder" : (meanings[code]?.[0] ?? code);
  const words =
    path === null
      ? template.replace(/\{.*?\}/, "").replace("%", "it")
      : template.replace(/[{}]/g, "").replace("%", () => path);
  return `${words} (${code})`;
}

/** Tells whether a text names the path of an error. Temporary files, which begin with a dot, need no name. */
function isNamed(text: string, error: SystemError): boolean {
  const path = pathOf(error);
  return path === null || basename(path).startsWith(".") || text.includes(path) || text.includes(basename(path));
}

function pathOf({ path }: SystemError): string | null {
  return typeof path === "string" ? path : null;
}

function verbOf(syscall: unknown): string {
  const verbs: Readonly<Record<string, string>> = {
    scandir: "list",
    stat: "find",
    lstat: "find",
    mkdir: "create",
    unlink: "remove",
    rmdir: "remove",
    rm: "remove",
    listen: "listen",
    fsync: "sync",
    ftruncate: "shorten",
  };
  return verbs[String(syscall)] ?? (typeof syscall === "string" ? syscall : "go on");
}
