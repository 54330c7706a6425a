import { StringDecoder } from "node:string_decoder";
import { codeOf } from "../platform/errors.ts";
import { closeSync, openSync, readSync } from "../platform/files/files.ts";
import { decodeJournalLine } from "./journal-line.ts";
import { createJournalState, type JournalState } from "./journal-state.ts";

/** What a journal file holds. */
export type ReadJournal = {
  readonly state: JournalState;
  /** Null where the file is not there or its first line is damaged. */
  readonly id: string | null;
  /** Number of the newest entry. */
  readonly number: number;
  readonly bytes: number;
  /** Lines that were skipped: damaged, of another version, or a last one that was not written to its end. */
  readonly damaged: number;
  /** The last line lacks its newline. */
  readonly isTorn: boolean;
  /** Why the file cannot be read, or null; what could be read before is in `state`. */
  readonly problem: string | null;
};

const pieceBytes = 256 * 1024;

/** No entry is longer than this: it bounds what a file without any newline can make us hold. */
const longestLine = 16 * 1024 * 1024;

/** Reads a journal from its beginning, a piece at a time. Damaged lines are skipped; it never throws. */
export function readJournalFile(path: string): ReadJournal {
  const state = createJournalState();
  let [id, number, bytes, damaged] = [null as string | null, 0, 0, 0];
  let rest = "";
  let problem: string | null = null;
  /** Inside a line that is too long to be ours. */
  let isSkipping = false;

  function take(line: string): void {
    if (line === "") return;
    const found = isSkipping ? null : decodeJournalLine(line);
    isSkipping = false;
    if (found === null) {
      damaged++;
      return;
    }
    number = Math.max(number, found.number);
    if (found.kind === "head") id = found.id;
    else state.apply(found.entry, found.number);
  }

  let fd: number | null = null;
  try {
    fd = openSync(path, "r");
    const decoder = new StringDecoder("utf8");
    const buffer = Buffer.alloc(pieceBytes);
    for (let got = readSync(fd, buffer, 0, pieceBytes, null); got > 0; ) {
      bytes += got;
      const lines = (rest + decoder.write(buffer.subarray(0, got))).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
      if (rest.length > longestLine) [rest, isSkipping] = ["", true];
      got = readSync(fd, buffer, 0, pieceBytes, null);
    }
  } catch (error) {
    if (codeOf(error) !== "ENOENT") problem = error instanceof Error ? error.message : String(error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
  const isTorn = rest !== "" || isSkipping;
  // A line that lacks nothing but its newline is as good as any other.
  if (isTorn) take(rest === "" ? " " : rest);
  return { state, id, number, bytes, damaged, isTorn, problem };
}
