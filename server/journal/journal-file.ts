import { dirname } from "node:path";
import { messageOf } from "../platform/errors.ts";
import { close, fsync } from "../platform/files/files.ts";
import { mkdir, rename, rm, stat } from "../platform/files/files-async.ts";
import { backoff } from "../platform/time/backoff.ts";
import { nextTurn } from "../platform/time/timers.ts";
import { clearWay } from "./clear-way.ts";
import { isGone, openFile, promiseOf, syncNames, writeAll } from "./file-calls.ts";
import { createReserve } from "./reserve.ts";

/*
 * How the journal is written. Lines are appended in order, with one write at a time. Lines of the same turn of the event loop go into the same
 * write: a kill must not part a gap from its missing ids. It leaves at most the last line torn, which its checksum reveals. The file is rewritten from memory if it has grown far beyond its content, if a write failed, or if it was deleted,
 * replaced or changed by another program. J is the journal:
 *
 *   1. Write a snapshot of memory to J.tmp, piece by piece; new lines go to J       on disk: J (J.tmp is incomplete)
 *   2. Append the lines since 1 to J.tmp and sync it                                J
 *   3. Pause appending to J; append the lines since 2 to J.tmp                      J
 *   4. Rename J.tmp to J: the commit; sync the folder                               new J
 *   5. Continue appending, to the new J                                             new J
 *
 * After a crash before 4 the old J holds every line except those that the disk refused, which could not be saved anyway. A leftover J.tmp is
 * removed. On a full disk the journal takes the room of J.reserve.
 */

/** The file of a journal. Its methods never throw, reject or block. */
export type JournalFile = {
  /** Queues a line to be appended. While the disk refuses lines, they stay in memory, and the next rewrite saves them. */
  append(line: string): void;
  /** Checks whether the file is still the file that was written, and retries failed work. Must be called every second. */
  poll(): Promise<void>;
  /** Requests a rewrite of the file from memory, as soon as possible. */
  rewrite(reason: string | null): void;
  /** Returns why the file lacks lines that are in memory, or null. */
  problem(): string | null;
  bytes(): number;
  /** Resolves when all lines are written and synced, or cannot be. */
  flush(): Promise<void>;
};

export type JournalFileDeps = {
  /** Returns the complete content as lines, the head first. */
  readonly snapshot: () => Iterable<string>;
  /** Called when the file was not as written. The argument continues a sentence that begins with "the journal". */
  readonly onReplaced: (event: string) => void;
  /** Called when the disk begins to refuse lines (a reason), and when it accepts them again (null). */
  readonly onProblem: (reason: string | null) => void;
};

/** Size below which shrinking the file is not worthwhile. */
const smallBytes = 1024 * 1024;
/** Lines of a snapshot written at once. */
const linesAtOnce = 500;
/** Waits after failures, in calls of `poll` (s). */
const retrySeconds = { first: 1, longest: 5 };
/** Most characters that may wait for a running write. A disk that takes longer counts as refusing. */
const maxQueued = 4 * 1024 * 1024;

/** Creates the file. `bytes` is the size of the existing file at `path`; 0 without file. */
export function createJournalFile(path: string, bytes: number, deps: JournalFileDeps): JournalFile {
  let fd: number | null = null;
  let size = bytes;
  let sizeOfSnapshot = bytes;
  let ino = 0;
  let queue: string[] = [];
  let queued = 0;
  /** Lines added while a snapshot is being written. */
  let added: string[] | null = null;
  let isWriting: Promise<void> | null = null;
  let isRewriting: Promise<void> | null = null;
  let problem: string | null = null;
  let wantsRewrite = bytes === 0;
  /** True if there is a file to append to. */
  let isThere = bytes > 0;
  let isSwapping = false;
  let isDirty = false;
  /** True if a J.tmp may exist, from this process or an earlier process. */
  let mayHaveLeftover = true;
  let retryIn = 0;
  let failures = 0;
  const reserve = createReserve(path);
  let isMakingRoom: Promise<void> | null = null;

  function fail(error: unknown): void {
    if (problem === null) deps.onProblem(messageOf(error));
    problem = messageOf(error);
    [queue, queued] = [[], 0];
    wantsRewrite = true;
    retryIn = backoff(retrySeconds, failures++);
    isMakingRoom ??= makeRoom(error).finally(() => {
      isMakingRoom = null;
    });
  }

  /** On a full disk, tries again at once with the room that was kept for the journal. */
  async function makeRoom(error: unknown): Promise<void> {
    if (!(await reserve.giveUp(error))) return;
    await isRewriting;
    retryIn = 0;
    startRewrite();
  }

  async function pump(): Promise<void> {
    // Further lines of this turn.
    await Promise.resolve();
    try {
      fd ??= await openFile(path, "a");
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

  /** Removes the J.tmp of a failed attempt, which wastes space on a disk that may be full. */
  async function removeLeftover(): Promise<void> {
    mayHaveLeftover = await rm(`${path}.tmp`, { force: true }).then(
      () => false,
      () => true,
    );
  }

  async function rewriteNow(): Promise<void> {
    wantsRewrite = false;
    let next: number | null = null;
    try {
      const movedTo = await clearWay(path);
      if (movedTo !== null) deps.onReplaced(`could not be written: the obstacle was moved to ${movedTo}`);
      await mkdir(dirname(path), { recursive: true });
      next = await openFile(`${path}.tmp`, "w");
      added = [];
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
      written += await writeAll(next, added.splice(0).join(""));
      const synced = next;
      await promiseOf((ended) => fsync(synced, ended));
      isSwapping = true;
      await isWriting;
      [queue, queued] = [[], 0];
      written += await writeAll(next, added.splice(0).join(""));
      await rename(`${path}.tmp`, path);
      if (fd !== null) close(fd);
      [fd, next, size, isThere] = [next, null, written, true];
      ino = (await stat(path)).ino;
      await syncNames(dirname(path));
      if (problem !== null) deps.onProblem(null);
      [problem, failures, isDirty] = [null, 0, true];
    } catch (error) {
      if (next !== null) close(next);
      fail(error);
      await removeLeftover();
    }
    [added, isSwapping] = [null, false];
    drain();
  }

  const startRewrite = (): void => inTurn(rewriteNow);
  /** Runs one job at a time, because all of them use J.tmp. */
  function inTurn(work: () => Promise<void>): void {
    isRewriting ??= work().finally(() => {
      isRewriting = null;
    });
  }

  async function sync(): Promise<void> {
    if (!isDirty || fd === null) return;
    isDirty = false;
    const synced = fd;
    // A rewrite may have closed the file meanwhile.
    await promiseOf((ended) => fsync(synced, ended)).catch(() => {});
  }

  async function checkFile(): Promise<void> {
    if (isWriting !== null || isRewriting !== null || fd === null) return;
    const [knownSize, knownIno] = [size, ino];
    const info = await stat(path).catch((error) => (isGone(error) ? null : undefined));
    if (info === undefined || isWriting !== null || isRewriting !== null || size !== knownSize || ino !== knownIno)
      return;
    if (info !== null && info.ino === knownIno && info.size === knownSize) return;
    const event =
      info === null
        ? "was deleted"
        : info.ino !== knownIno
          ? "was replaced by another file"
          : "was changed by another program";
    deps.onReplaced(event);
    wantsRewrite = true;
  }

  return {
    append(line) {
      added?.push(line);
      // Without a file, the next snapshot has the line. While the first file is being renamed, the line waits in the queue for it.
      if (problem !== null || (!isThere && !isSwapping)) return;
      queue.push(line);
      queued += line.length;
      if (queued > maxQueued) fail(new Error("the disk has not accepted writes for a long time"));
      drain();
    },
    async poll() {
      if (problem === null) await checkFile();
      if (retryIn > 0) retryIn--;
      if (size > smallBytes && size > 3 * sizeOfSnapshot) wantsRewrite = true;
      if (wantsRewrite && retryIn === 0) startRewrite();
      else if (mayHaveLeftover) inTurn(removeLeftover);
      else if (problem === null && isThere) inTurn(() => reserve.keep(sizeOfSnapshot));
      await sync();
    },
    rewrite(reason) {
      if (reason !== null) deps.onReplaced(reason);
      wantsRewrite = true;
      if (problem === null) startRewrite();
    },
    problem: () => problem,
    bytes: () => size,
    async flush() {
      await isRewriting;
      if (wantsRewrite) startRewrite();
      while (isRewriting !== null || isWriting !== null || isMakingRoom !== null) {
        await isRewriting;
        await isWriting;
        await isMakingRoom;
      }
      await sync();
      if (fd !== null) close(fd);
      fd = null;
    },
  };
}
