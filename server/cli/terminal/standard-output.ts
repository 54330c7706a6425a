import { codeOf } from "../../platform/errors.ts";
import { write } from "../../platform/files/files.ts";

/** Standard output for commands that print much: waits for whoever reads, and notices when nobody does any more. */
export type StandardOutput = {
  /**
   * Resolves when all of it is handed over: true; or false once the reader has closed the pipe, or the process was asked to stop while
   * the reader takes its time. Rejects if it cannot be written.
   */
  write(content: string | Uint8Array): Promise<boolean>;
};

const standardOutput = 1;
/** Pause before a pipe that another process has made non-blocking is tried again, ms. */
const againMs = 5;

/** Writes to standard output, past the buffer of `process.stdout`, which is lost at the end of the process. */
export function createStandardOutput(
  stop: AbortSignal,
  fd: number = standardOutput,
  name = "standard output",
): StandardOutput {
  let closed = stop.aborted;
  const stopped = new Promise<"stopped">((resolve) => {
    stop.addEventListener("abort", () => resolve("stopped"), { once: true });
  });

  return {
    async write(content) {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length && !closed; ) {
        try {
          const written = await Promise.race([writeSome(fd, bytes, at), stopped]);
          if (written === "stopped") closed = true;
          else at += written;
        } catch (error) {
          const code = codeOf(error);
          if (code === "EPIPE") closed = true;
          else if (code === "EAGAIN") await Bun.sleep(againMs);
          else throw new Error(`cannot write ${name}: ${error instanceof Error ? error.message : error}`);
        }
      }
      return !closed;
    },
  };
}

/** In a thread of the pool, so that the process still hears signals while the reader takes its time. */
function writeSome(fd: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, null, (error, written) => (error ? reject(error) : resolve(written)));
  });
}
