import { codeOf, messageOf } from "../problem.ts";

/** Work on a file that failed: what was being done, to which file, and the system's words for why. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly operation: string;
  readonly path: string;

  constructor(operation: string, path: string, cause: unknown) {
    super(messageOf(cause), { cause });
    this.operation = operation;
    this.path = path;
  }
}

/** A failure as it travels out of a worker and into the status; `code` is the system's (`ENOSPC`), null where it has none. */
export type Failure = {
  readonly operation: string;
  readonly path: string;
  readonly message: string;
  readonly code: string | null;
};

/** The failure that an error is; `operation` and `path` are for errors that do not say themselves. */
export function failureOf(error: unknown, operation: string, path: string): Failure {
  if (error instanceof FileError)
    return { operation: error.operation, path: error.path, message: error.message, code: codeOf(error.cause) };
  return { operation, path, message: messageOf(error), code: codeOf(error) };
}
