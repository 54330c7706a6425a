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
