import { StringDecoder } from "node:string_decoder";
import { codeOf } from "../platform/errors.ts";
import { closeSync, openSync, readSync } from "../platform/files/files.ts";
import { decodeJournalLine } from "./journal-line.ts";
import { createJournalState, type JournalState } from "./journal-state.ts";

/** Content of a journal file. */
export type ReadJournal = {
  readonly state: JournalState;
  /** Null if the file does not exist or its first line is damaged. */
  readonly id: string | null;
  /** Number of the latest entry. */
  readonly number: number;
  readonly bytes: number;
  /** Number of skipped lines: damaged, of another version, or torn at the end. */
  readonly damaged: number;
  /** True if the last line lacks its newline. */
  readonly isTorn: boolean;
  /** Why the file could not be read to its end, or null. `state` holds the entries read before that point. */
  readonly problem: string | null;
};

const pieceBytes = 256 * 1024;

/** Longest valid line. Bounds the memory for a file without newlines. */
const longestLine = 16 * 1024 * 1024;

/** Reads a journal from its beginning, piece by piece. Skips damaged lines and never throws. */
export function readJournalFile(path: string): ReadJournal {
  const state = createJournalState();
  let [id, number, bytes, damaged] = [null as string | null, 0, 0, 0];
  let rest = "";
  let problem: string | null = null;
  /** True inside a line that is too long to be valid. */
  let isSkipping = false;

  function addLine(line: string): void {
    if (line === "") return;
    const decoded = isSkipping ? null : decodeJournalLine(line);
    isSkipping = false;
    if (decoded === null) {
      damaged++;
      return;
    }
    number = Math.max(number, decoded.number);
    if (decoded.kind === "head") id = decoded.id;
    else state.apply(decoded.entry, decoded.number);
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
      for (const line of lines) addLine(line);
      if (rest.length > longestLine) [rest, isSkipping] = ["", true];
      got = readSync(fd, buffer, 0, pieceBytes, null);
    }
  } catch (error) {
    if (codeOf(error) !== "ENOENT") problem = error instanceof Error ? error.message : String(error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
  const isTorn = rest !== "" || isSkipping;
  // A last line that lacks only its newline is valid.
  if (isTorn) addLine(rest === "" ? " " : rest);
  return { state, id, number, bytes, damaged, isTorn, problem };
}
