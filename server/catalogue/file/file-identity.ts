import { closeSync, fstatSync, openSync, readSync, statSync } from "../../platform/files/files.ts";

/*
 * How it is noticed that somebody has put another file in the place of ours. SQLite itself does not notice: it goes on with what it has
 * in memory, and a checkpoint would mix both files.
 *
 *   deleted, renamed over   the path leads to another inode, or nowhere
 *   overwritten in place    bytes 60 to 71 of the file (user_version and application_id) are not what we wrote: application_id is a
 *                           random number of this opening, user_version goes up with each of our checkpoints, so that even a copy
 *                           of our own file that was made before the last checkpoint is told apart
 *   written by others       its time of change is not that of our last checkpoint: another program's checkpoint, or a copy that looks
 *                           like ours; only opening it again tells
 *   cut off                 the file is shorter than its header says (bytes 16 and 17: page size, 28 to 31: pages)
 *
 * The descriptor stays open as long as the database: to close any descriptor of a file takes a process's POSIX locks on it away, on
 * which SQLite relies.
 */

const headerBytes = 100;

/** Says whether the file at a path is still the database that was opened there. */
export type FileIdentity = {
  /** What has become of it, or null while all is well. */
  changed(): FileChange | null;
  /** These two numbers are in the file's header from the next checkpoint on. */
  expect(applicationId: number, userVersion: number): void;
  /** A checkpoint of ours is over. */
  noteOwnWrite(): void;
  close(): void;
};

export type FileChange = "deleted" | "replaced" | "overwritten" | "touched";

/** Remembers the file and its write-ahead log. Null where there is no file, as for a database in memory. */
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
      // A checkpoint that another reader has held up leaves the header as it was.
      before = headerOf(fd);
      next = `${userVersion}/${applicationId}`;
    },
    noteOwnWrite() {
      const header = headerOf(fd);
      if (header === next) before = next;
      writtenMs = changedMs(fd);
    },
    close: () => closeSync(fd),
  };
}

function inodeOf(path: string): string | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? null : `${found.dev}/${found.ino}`;
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

/** `user_version/application_id`; empty for a file that is too short to be a database, or shorter than it says. */
function headerOf(fd: number): string {
  const bytes = Buffer.alloc(headerBytes);
  try {
    if (readSync(fd, bytes, 0, headerBytes, 0) < headerBytes) return "";
    // A page size of 65536 does not fit and is written as 1.
    const pageBytes = bytes.readUInt16BE(16) === 1 ? 65_536 : bytes.readUInt16BE(16);
    if (fstatSync(fd).size < pageBytes * bytes.readUInt32BE(28)) return "";
  } catch {
    return "";
  }
  return `${bytes.readInt32BE(60)}/${bytes.readInt32BE(68)}`;
}
