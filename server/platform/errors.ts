/** Something that the operator can put right; `main` prints the message alone and exits with 2. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of whatever was thrown (`ENOENT`, `ENOSPC`), or null. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** What was asked for cannot be answered at this moment, through no fault of whoever asks; the message says why. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

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
