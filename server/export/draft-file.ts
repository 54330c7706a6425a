import { dirname } from "node:path";
import { removeIfThere, renameDurably } from "../durable-file.ts";
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from "../platform/files.ts";
import { messageOf } from "../problem.ts";
import { temporarySuffix } from "../segment.ts";

/** A file that nobody sees before it is whole. */
export type DraftFile = {
  write(bytes: Uint8Array): void;
  bytes(): number;
  /** Puts it in place of what has its name. */
  commit(): void;
  /** Throws it away; nothing after `commit`. Idempotent. */
  discard(): void;
};

/** Begins a file, and the folders it lies in. Errors name the path. */
export function createDraftFile(path: string): DraftFile {
  const temporary = path + temporarySuffix;
  const fd = at(() => {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(temporary, "w");
  });
  let bytes = 0;
  let open = true;

  function at<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new Error(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  function close(): void {
    if (open) closeSync(fd);
    open = false;
  }

  return {
    write(chunk) {
      for (let from = 0; from < chunk.length; ) from += at(() => writeSync(fd, chunk, from, chunk.length - from));
      bytes += chunk.length;
    },
    bytes: () => bytes,
    commit() {
      at(() => {
        fsyncSync(fd);
        close();
        renameDurably(temporary, path);
      });
    },
    discard() {
      if (!open) return;
      close();
      removeIfThere(temporary);
    },
  };
}
