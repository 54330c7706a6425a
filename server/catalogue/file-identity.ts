import { closeSync, openSync, readSync, statSync } from "../platform/files.ts";

/*
 * How it is noticed that somebody has put another file in the place of ours. SQLite itself does not notice: it goes on with what it has
 * in memory, and a checkpoint would mix both files.
 *
 *   deleted, renamed over   the path leads to another inode, or nowhere
 *   overwritten in place    bytes 60 to 71 of the file (user_version and application_id) are not what we wrote: application_id is a
 *                           random number of this opening, user_version goes up with each of our checkpoints, so that even a copy
 *                           of our own file that was made before the last checkpoint is told apart
 *
 * The descriptor stays open as long as the database: to close any descriptor of a file takes a process's POSIX locks on it away, on
 * which SQLite relies.
 */

/** Says whether the file at a path is still the database that was opened there. */
export type FileIdentity = {
  /** What has become of it, or null while all is well. */
  changed(): FileChange | null;
  /** These two numbers are in the file's header from the next checkpoint on. */
  expect(applicationId: number, userVersion: number): void;
  close(): void;
};

export type FileChange = "deleted" | "replaced" | "overwritten";

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
  return {
    changed() {
      const now = inodeOf(path);
      if (now === null) return "deleted";
      if (now !== file) return "replaced";
      const header = headerOf(fd);
      if (header !== next && header !== before) return "overwritten";
      if (header === next) before = next;
      const nowLog = inodeOf(`${path}-wal`);
      return log !== null && nowLog !== log ? "replaced" : null;
    },
    expect(applicationId, userVersion) {
      // A checkpoint that another reader has held up leaves the header as it was.
      before = headerOf(fd);
      next = `${userVersion}/${applicationId}`;
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

/** `user_version/application_id`; empty for a file too short to be a database. */
function headerOf(fd: number): string {
  const bytes = Buffer.alloc(12);
  try {
    if (readSync(fd, bytes, 0, 12, 60) < 12) return "";
  } catch {
    return "";
  }
  return `${bytes.readInt32BE(0)}/${bytes.readInt32BE(8)}`;
}
