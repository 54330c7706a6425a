import { dirname } from "node:path";
import { codeOf, messageOf } from "../platform/errors.ts";
import { close, fsync } from "../platform/files/files.ts";
import { mkdir, rename, rm, stat } from "../platform/files/files-async.ts";
import { nextTurn } from "../platform/time/timers.ts";
import { clearWay } from "./clear-way.ts";
import { done, openedFor, syncNames, writeAll } from "./file-calls.ts";

/*
 * How the journal is written. Lines are appended by one write at a time, in the order in which they were noted; a kill leaves at most
 * the last line torn, which its checksum tells. The file is written again from memory when it has grown far beyond what it says, when
 * a write failed, and when it was deleted, replaced or changed by somebody else. J is the journal, S its snapshot from memory:
 *
 *   1. S is written to J.tmp, a piece at a time; lines noted meanwhile go to J      on disk: J (J.tmp is worth nothing)
 *   2. lines noted since 1 go to J.tmp, which is synced                             J
 *   3. appending pauses; lines noted since 2 go to J.tmp                            J
 *   4. J.tmp → J: the commit; the folder is synced                                  new J
 *   5. appending goes on, to the new J                                              new J
 *
 * After a crash before 4 the old J holds every line, those that its disk refused excepted: nothing could have kept them. A J.tmp that
 * was left behind is removed.
 */

/** A journal's file. Nothing here throws, rejects or makes the caller wait. */
export type JournalFile = {
  /** Queues a line to be appended; while the disk refuses lines they are only in memory, which the rewrite then takes them from. */
  append(line: string): void;
  /** Call it once a second: looks whether the file is still the one that was written, and tries again what failed. */
  look(): Promise<void>;
  /** Has the file written again from memory as soon as possible. */
  rewrite(reason: string | null): void;
  /** Why the file lacks lines that memory has, or null. */
  problem(): string | null;
  bytes(): number;
  /** Resolves when everything noted is in the file and synced, or cannot be. */
  settle(): Promise<void>;
};

export type JournalFileDeps = {
  /** Everything there is to know, as lines; the head first. */
  readonly snapshot: () => Iterable<string>;
  /** The file was not what was written: in words for people. */
  readonly onReplaced: (what: string) => void;
  /** The disk refuses lines (a reason), or takes them again (null); told once each. */
  readonly onProblem: (reason: string | null) => void;
};

/** A file of this size is not worth shrinking. */
const smallBytes = 1024 * 1024;
/** Lines of a snapshot written at once. */
const linesAtOnce = 500;
const mostRetrySeconds = 30;
/** Characters that wait for a write that is under way; a disk that takes so long is as good as one that refuses. */
const mostQueued = 4 * 1024 * 1024;

/** `bytes` are in the file at `path` already, 0 where there is none. */
export function createJournalFile(path: string, bytes: number, deps: JournalFileDeps): JournalFile {
  let fd: number | null = null;
  let size = bytes;
  let sizeOfSnapshot = bytes;
  let ino = 0;
  let queue: string[] = [];
  let queued = 0;
  /** Lines noted while a snapshot is written. */
  let since: string[] | null = null;
  let isWriting: Promise<void> | null = null;
  let isRewriting: Promise<void> | null = null;
  let problem: string | null = null;
  let wantsRewrite = bytes === 0;
  /** There is a file to append to. */
  let isThere = bytes > 0;
  let isSwapping = false;
  let isDirty = false;
  /** There may be one, of this process or of one before. */
  let hasRest = true;
  let retryIn = 0;
  let retrySeconds = 1;

  function fail(error: unknown): void {
    if (problem === null) deps.onProblem(messageOf(error));
    problem = messageOf(error);
    [queue, queued] = [[], 0];
    wantsRewrite = true;
    retryIn = retrySeconds;
    retrySeconds = Math.min(mostRetrySeconds, retrySeconds * 2);
  }

  async function pump(): Promise<void> {
    try {
      fd ??= await openedFor(path, "a");
      if (ino === 0) ino = (await stat(path)).ino;
      while (queue.length > 0) {
        const lines = queue.join("");
        [queue, queued] = [[], 0];
        size += await writeAll(fd, lines);
        isDirty = true;
      }
    } catch (error) {
      fail(error);
    }
  }

  function drain(): void {
    if (!isThere || isSwapping || isWriting !== null || queue.length === 0 || problem !== null) return;
    isWriting = pump().finally(() => {
      isWriting = null;
      drain();
    });
  }

  /** What an attempt has left behind takes up room on a disk that may be full, and says nothing. */
  async function removeRest(): Promise<void> {
    hasRest = await rm(`${path}.tmp`, { force: true }).then(
      () => false,
      () => true,
    );
  }

  async function rewriteNow(): Promise<void> {
    wantsRewrite = false;
    let next: number | null = null;
    try {
      const movedTo = await clearWay(path);
      if (movedTo !== null) deps.onReplaced(`could not be written: what was in its way lies at ${movedTo} now`);
      await mkdir(dirname(path), { recursive: true });
      next = await openedFor(`${path}.tmp`, "w");
      since = [];
      let written = 0;
      let piece: string[] = [];
      for (const line of deps.snapshot()) {
        if (piece.push(line) < linesAtOnce) continue;
        written += await writeAll(next, piece.join(""));
        piece = [];
        await nextTurn();
      }
      written += await writeAll(next, piece.join(""));
      sizeOfSnapshot = written;
      written += await writeAll(next, since.splice(0).join(""));
      const synced = next;
      await done((ended) => fsync(synced, ended));
      isSwapping = true;
      await isWriting;
      [queue, queued] = [[], 0];
      written += await writeAll(next, since.splice(0).join(""));
      await rename(`${path}.tmp`, path);
      if (fd !== null) close(fd);
      [fd, next, size, isThere] = [next, null, written, true];
      ino = (await stat(path)).ino;
      await syncNames(dirname(path));
      if (problem !== null) deps.onProblem(null);
      [problem, retrySeconds, isDirty] = [null, 1, true];
    } catch (error) {
      if (next !== null) close(next);
      fail(error);
      await removeRest();
    }
    [since, isSwapping] = [null, false];
    drain();
  }

  const startRewrite = (): void => inTurn(rewriteNow);

  /** One of them at a time: both are about J.tmp. */
  function inTurn(work: () => Promise<void>): void {
    isRewriting ??= work().finally(() => {
      isRewriting = null;
    });
  }

  async function sync(): Promise<void> {
    if (!isDirty || fd === null) return;
    isDirty = false;
    const synced = fd;
    // A journal that was written again meanwhile has closed it.
    await done((ended) => fsync(synced, ended)).catch(() => {});
  }

  async function lookAtFile(): Promise<void> {
    if (isWriting !== null || isRewriting !== null || fd === null) return;
    const [known, of] = [size, ino];
    const found = await stat(path).catch((error) => (isGone(error) ? null : undefined));
    if (found === undefined || isWriting !== null || isRewriting !== null || size !== known || ino !== of) return;
    if (found !== null && found.ino === of && found.size === known) return;
    const what =
      found === null
        ? "was deleted"
        : found.ino !== of
          ? "was replaced by another file"
          : "was changed by somebody else";
    deps.onReplaced(what);
    wantsRewrite = true;
  }

  return {
    append(line) {
      since?.push(line);
      if (problem !== null || !isThere) return;
      queue.push(line);
      queued += line.length;
      if (queued > mostQueued) fail(new Error("the disk does not take it for a long time"));
      drain();
    },
    async look() {
      if (problem === null) await lookAtFile();
      if (retryIn > 0) retryIn--;
      if (size > smallBytes && size > 3 * sizeOfSnapshot) wantsRewrite = true;
      if (wantsRewrite && retryIn === 0) startRewrite();
      else if (hasRest) inTurn(removeRest);
      await sync();
    },
    rewrite(reason) {
      if (reason !== null) deps.onReplaced(reason);
      wantsRewrite = true;
      if (problem === null) startRewrite();
    },
    problem: () => problem,
    bytes: () => size,
    async settle() {
      await isRewriting;
      if (wantsRewrite) startRewrite();
      while (isRewriting !== null || isWriting !== null) {
        await isRewriting;
        await isWriting;
      }
      await sync();
      if (fd !== null) close(fd);
      fd = null;
    },
  };
}

/** Also where its folder has become a file. */
function isGone(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}
