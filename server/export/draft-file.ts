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
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from "../platform/files/files.ts";
import type { OutputFile } from "./table-file.ts";
import { type FileRights, isTemporary, temporaryBeside } from "./target.ts";

/**
 * Begins a file that nobody sees before it is whole, and the folders it lies in. It is written under a name of its own, so that two
 * exports into one file do not meet: the later one stands. A killed export leaves its temporary file to the next one that writes into
 * the folder. `keeps`: of the file that is replaced. Errors name the path.
 */
export function createDraftFile(path: string, keeps: FileRights | null = null): OutputFile {
  const folder = dirname(path);
  const made = at(() => mkdirSync(folder, { recursive: true })) ?? null;
  removeLeftovers(folder);
  const { temporary, fd } = at(
    () => openTemporary(path, keeps?.mode ?? 0o666),
    () => removeFolders(folder, made),
  );
  let bytes = 0;
  let state: "open" | "committed" | "discarded" = "open";

  function at<T>(work: () => T, otherwise: () => void = () => {}): T {
    try {
      return work();
    } catch (error) {
      otherwise();
      throw new Error(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  return {
    write(chunk) {
      for (let from = 0; from < chunk.length; ) from += at(() => writeSync(fd, chunk, from, chunk.length - from));
      bytes += chunk.length;
    },
    waits: () => false,
    taken: () => Promise.resolve(),
    bytes: () => bytes,
    async commit() {
      at(() => {
        if (keeps !== null) keep(fd, keeps);
        fsyncSync(fd);
        renameDurably(temporary, path);
        state = "committed";
        closeSync(fd);
      });
    },
    discard() {
      if (state !== "open") return;
      state = "discarded";
      // Removed before the lock goes with the descriptor.
      removeIfThere(temporary);
      closeSync(fd);
      removeFolders(folder, made);
    },
  };
}

/** A temporary file that this process has locked, so that no other takes it for a leftover. */
function openTemporary(path: string, mode: number): { temporary: string; fd: number } {
  for (;;) {
    // Another export that has failed may just have removed the folder that it had made.
    mkdirSync(dirname(path), { recursive: true });
    const temporary = temporaryBeside(path, randomBytes(8).toString("hex"));
    const fd = openSync(temporary, "wx", mode);
    const isOurs = flock(fd, "exclusive").kind !== "held" && fstatSync(fd).nlink > 0;
    if (isOurs) return { temporary, fd };
    // Another export has just looked at it before it was locked, and has removed it.
    closeSync(fd);
  }
}

function keep(fd: number, { mode, uid, gid }: FileRights): void {
  try {
    fchownSync(fd, uid, gid);
  } catch {
    // Only root may give a file away; then it is the file of who has exported.
  }
  fchmodSync(fd, mode);
}

/** Removes what killed exports have left in a folder: the temporary files that nobody has locked. */
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
      // It is gone, or another user's.
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Removes the folders that were made for a file that has not come about: `folder` and those above it, up to `made`. */
function removeFolders(folder: string, made: string | null): void {
  for (let at = folder; made !== null && at.startsWith(made); at = dirname(at)) {
    try {
      rmdirSync(at);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return;
    }
  }
}
