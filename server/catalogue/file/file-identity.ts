import { closeSync, fstatSync, openSync, readSync, statSync } from "../../platform/files/files.ts";

/*
 * How a replaced file is detected. SQLite itself does not detect it: it continues with its pages in memory, and a checkpoint would mix
 * both files.
 *
 *   deleted, renamed over   the path leads to another inode, or to no file
 *   overwritten in place    bytes 60 to 71 of the file (user_version and application_id) differ from the written values.
 *                           application_id is a random number per opening, user_version grows with each checkpoint. So an older
 *                           copy of the same file is detected as well.
 *   written by others       the modification time differs from the last checkpoint here. It may be another program's checkpoint, or
 *                           a copy of the same file; the file must be opened again to know.
 *   cut off                 the file is shorter than its header states (bytes 16 and 17: page size, 28 to 31: number of pages)
 *
 * The file descriptor stays open as long as the database. Closing any descriptor of a file releases all POSIX locks of the process on
 * that file, and SQLite relies on these locks.
 */

const headerBytes = 100;

/** Checks whether the file at a path is still the database that was opened. */
export type FileIdentity = {
  /** Returns how the file was changed by another program; null if it was not. */
  changed(): FileChange | null;
  /** Sets the numbers that the file's header has after the next checkpoint. */
  expect(applicationId: number, userVersion: number): void;
  /** Records the end of a checkpoint made by this process. */
  recordOwnWrite(): void;
  close(): void;
};

export type FileChange = "deleted" | "replaced" | "overwritten" | "touched";

/** Remembers the file and its write-ahead log. Null if there is no file, for example for a database in memory. */
export function identityOf(path: string): FileIdentity | null {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return null;
  }
  const [file, log] = [inodeOf(path), inodeOf(`${path}-wal`)];
  let before = headerOf(fd);
  let next = before;
  let writtenMs = changedMs(fd);
  return {
    changed() {
      const now = inodeOf(path);
      if (now === null) return "deleted";
      if (now !== file) return "replaced";
      const header = headerOf(fd);
      if (header !== next && header !== before) return "overwritten";
      if (header === next) before = next;
      const nowLog = inodeOf(`${path}-wal`);
      if (log !== null && nowLog !== log) return "replaced";
      return changedMs(fd) === writtenMs ? null : "touched";
    },
    expect(applicationId, userVersion) {
      // A checkpoint that another reader blocks does not change the header.
      before = headerOf(fd);
      next = `${userVersion}/${applicationId}`;
    },
    recordOwnWrite() {
      const header = headerOf(fd);
      if (header === next) before = next;
      writtenMs = changedMs(fd);
    },
    close: () => closeSync(fd),
  };
}

function inodeOf(path: string): string | null {
  try {
    const info = statSync(path, { throwIfNoEntry: false });
    return info === undefined ? null : `${info.dev}/${info.ino}`;
  } catch {
    return null;
  }
}

function changedMs(fd: number): number {
  try {
    return fstatSync(fd).mtimeMs;
  } catch {
    return 0;
  }
}

/** Reads `user_version/application_id`; empty if the file is too short for a database, or shorter than its header states. */
function headerOf(fd: number): string {
  const bytes = Buffer.alloc(headerBytes);
  try {
    if (readSync(fd, bytes, 0, headerBytes, 0) < headerBytes) return "";
    // A page size of 65536 does not fit in two bytes; SQLite stores it as 1.
    const pageBytes = bytes.readUInt16BE(16) === 1 ? 65_536 : bytes.readUInt16BE(16);
    if (fstatSync(fd).size < pageBytes * bytes.readUInt32BE(28)) return "";
  } catch {
    return "";
  }
  return `${bytes.readInt32BE(60)}/${bytes.readInt32BE(68)}`;
}
