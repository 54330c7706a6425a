import { codeOf, messageOf } from "../../platform/errors.ts";
import { write } from "../../platform/files/files.ts";
import { unlessAborted } from "../../platform/time/deadline.ts";

/** Standard output for large results: waits for a slow reader, and notices a closed pipe. */
export type StandardOutput = {
  /**
   * Writes everything and resolves with true. Resolves with false if the reader closes the pipe, or the process is asked to stop while
   * it waits for the reader. Rejects if the write fails.
   */
  write(content: string | Uint8Array): Promise<boolean>;
};

const standardOutput = 1;
/** Pause before the next attempt on a full non-blocking pipe, ms. */
const againMs = 5;

/** Creates the output. It bypasses the buffer of `process.stdout`, which is lost when the process ends. */
export function createStandardOutput(
  stop: AbortSignal,
  fd: number = standardOutput,
  name = "standard output",
): StandardOutput {
  let closed = stop.aborted;

  return {
    async write(content) {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length && !closed; ) {
        try {
          at += await unlessAborted(writeSome(fd, bytes, at), stop);
        } catch (error) {
          const code = codeOf(error);
          if (code === "EPIPE" || stop.aborted) closed = true;
          else if (code === "EAGAIN") await Bun.sleep(againMs);
          else throw new Error(`cannot write ${name}: ${messageOf(error)}`, { cause: error });
        }
      }
      return !closed;
    },
  };
}

/** Writes in a thread of the pool, so that the process still handles signals while it waits for the reader. */
function writeSome(fd: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, null, (error, written) => (error ? reject(error) : resolve(written)));
  });
}
