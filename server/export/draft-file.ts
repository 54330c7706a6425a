import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { codeOf, messageOf } from "../platform/errors.ts";
import { removeIfThere, renameDurably } from "../platform/files/durable-files.ts";
import {
  closeSync,
  fchmodSync,
  fchownSync,
  flock,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from "../platform/files/files.ts";
import { namesIn } from "../platform/files/names-in.ts";
import type { OutputFile } from "./table-file.ts";
import { type FileRights, isTemporary, temporaryBeside } from "./target.ts";

/** A file that becomes visible when it is complete. */
export type DraftFile = OutputFile & {
  /** Replaces bytes that were written already. */
  overwrite(at: number, bytes: Uint8Array): void;
};

/**
 * Creates a file that becomes visible when it is complete, and its folders. It is written under a unique temporary name, so two exports
 * to the same path do not collide; the later export wins. The next export into the folder removes the temporary file of a killed export.
 * `keeps`: rights of the replaced file; null for a new file.
 *
 * @throws errors with the path
 */
export function createDraftFile(path: string, keeps: FileRights | null = null): DraftFile {
  const folder = dirname(path);
  const made = orFail(() => mkdirSync(folder, { recursive: true })) ?? null;
  removeLeftovers(folder);
  const { temporary, fd } = orFail(
    () => openTemporary(path, keeps?.mode ?? 0o666),
    () => removeFolders(folder, made),
  );
  let bytes = 0;
  let state: "open" | "committed" | "discarded" = "open";

  function orFail<T>(work: () => T, otherwise: () => void = () => {}): T {
    try {
      return work();
    } catch (error) {
      otherwise();
      throw new Error(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  return {
    write(chunk) {
      for (let from = 0; from < chunk.length; ) from += orFail(() => writeSync(fd, chunk, from, chunk.length - from));
      bytes += chunk.length;
    },
    overwrite(at, chunk) {
      for (let from = 0; from < chunk.length; )
        from += orFail(() => writeSync(fd, chunk, from, chunk.length - from, at + from));
    },
    waits: () => false,
    taken: () => Promise.resolve(),
    bytes: () => bytes,
    async commit() {
      orFail(() => {
        if (keeps !== null) setRights(fd, keeps);
        fsyncSync(fd);
        renameDurably(temporary, path);
        state = "committed";
        closeSync(fd);
      });
    },
    discard() {
      if (state !== "open") return;
      state = "discarded";
      // Remove it while it is still locked; closing the descriptor releases the lock.
      removeIfThere(temporary);
      closeSync(fd);
      removeFolders(folder, made);
    },
  };
}

/** Opens and locks a temporary file, so that no other export takes it for a leftover. */
function openTemporary(path: string, mode: number): { temporary: string; fd: number } {
  for (;;) {
    // Another failed export may have just removed the folder.
    mkdirSync(dirname(path), { recursive: true });
    const temporary = temporaryBeside(path, randomBytes(8).toString("hex"));
    const fd = openSync(temporary, "wx", mode);
    const isOurs = flock(fd, "exclusive").kind !== "held" && fstatSync(fd).nlink > 0;
    if (isOurs) return { temporary, fd };
    // Another export removed the file before it was locked.
    closeSync(fd);
  }
}

function setRights(fd: number, { mode, uid, gid }: FileRights): void {
  try {
    fchownSync(fd, uid, gid);
  } catch {
    // Only root may change the owner; else the file belongs to the user who exports.
  }
  fchmodSync(fd, mode);
}

/** Removes the temporary files of killed exports from a folder: those that are not locked. */
function removeLeftovers(folder: string): void {
  for (const name of namesIn(folder)) {
    if (!isTemporary(name)) continue;
    try {
      const leftover = join(folder, name);
      const fd = openSync(leftover, "r");
      try {
        if (flock(fd, "exclusive").kind === "taken") unlinkSync(leftover);
      } finally {
        closeSync(fd);
      }
    } catch {
      // The file is gone or belongs to another user.
    }
  }
}

/** Removes the folders that were created for a discarded file: from `folder` up to `made`. Folders with files stay. */
export function removeFolders(folder: string, made: string | null): void {
  for (let at = folder; made !== null && at.startsWith(made); at = dirname(at)) {
    try {
      rmdirSync(at);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return;
    }
  }
}
