import { codeOf } from "../platform/errors.ts";
import { close } from "../platform/files/files.ts";
import { rm, stat } from "../platform/files/files-async.ts";
import { openFile, writeAll } from "./file-calls.ts";

/**
 * Room on the disk that is kept free for the journal: a file beside it that is removed when the disk is full. A full disk refuses records,
 * and their gaps must be saved even so: a process that ends then would take them with it.
 */
export type Reserve = {
  /** Makes the file, or makes it larger, for a journal of `bytes`. Call it every second while the journal can be written. */
  keep(bytes: number): Promise<void>;
  /** Removes the file if `error` says that the disk is full. Resolves with true if that has made room; never rejects. */
  giveUp(error: unknown): Promise<boolean>;
};

/** Least size of the file. A journal is rewritten as a whole, so the file is twice as large as the journal. */
const leastBytes = 64 * 1024;

/** Time between two attempts to make the file on a disk without room for it, in calls of `keep` (s). */
const retrySeconds = 60;

/** Creates the reserve of the journal at `path`. */
export function createReserve(path: string): Reserve {
  const file = `${path}.reserve`;
  /** Size of the file; null while it is unknown. */
  let kept: number | null = null;
  let retryIn = 0;

  async function make(bytes: number): Promise<void> {
    let fd: number | null = null;
    try {
      fd = await openFile(file, "w");
      // A file of zeros takes no room on a file system that compresses.
      const random = crypto.getRandomValues(new Uint8Array(Math.ceil((bytes * 3) / 4)));
      await writeAll(fd, Buffer.from(random).toString("base64"));
      kept = bytes;
    } catch {
      [kept, retryIn] = [0, retrySeconds];
      // The last room is left to the records.
      await rm(file, { force: true }).catch(() => {});
    } finally {
      if (fd !== null) close(fd);
    }
  }

  return {
    async keep(bytes) {
      if (retryIn-- > 0) return;
      retryIn = 0;
      kept ??= await stat(file).then(
        ({ size }) => size,
        () => 0,
      );
      if (kept < Math.max(leastBytes, bytes)) await make(Math.max(leastBytes, 2 * bytes));
    },
    async giveUp(error) {
      const code = codeOf(error);
      if (code !== "ENOSPC" && code !== "EDQUOT") return false;
      [kept, retryIn] = [0, retrySeconds];
      return await rm(file).then(
        () => true,
        () => false,
      );
    },
  };
}
