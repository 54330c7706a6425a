/** A problem that the operator can fix. `main` prints only the message and exits with 2. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

/** Returns the message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the system's error code (`ENOENT`, `ENOSPC`) of any thrown value, or null. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** Returns the system's error code of a thrown value or, if it has none, of its cause (`FileError`); null without either. */
export function systemCodeOf(error: unknown): string | null {
  return codeOf(error) ?? (error instanceof Error ? codeOf(error.cause) : null);
}

/** The request cannot be answered right now, through no fault of the caller. The message says why. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

/** A failed file operation: the operation, the path, and the system's reason as message. */
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

/** A failure as sent by a worker and shown in the status. `code` is the system's (`ENOSPC`), or null. */
export type Failure = {
  readonly operation: string;
  readonly path: string;
  readonly message: string;
  readonly code: string | null;
};

/** Converts an error to a `Failure`. `operation` and `path` are used unless the error is a `FileError`. */
export function failureOf(error: unknown, operation: string, path: string): Failure {
  if (error instanceof FileError)
    return { operation: error.operation, path: error.path, message: error.message, code: codeOf(error.cause) };
  return { operation, path, message: messageOf(error), code: codeOf(error) };
}
