import { readFile, stat } from "../../platform/files/files-async.ts";
import { createTurn } from "../../platform/time/timers.ts";
import { openLinesSync } from "../../storage/read/line-reader-sync.ts";
import { head, keepForeign, largestFile, replaceContent, type SegmentPlace, splitContent } from "./repair-segment.ts";

/** A place in a segment where records are gone: receipt of the record before it (null at the beginning) and of the record after it, µs. */
export type TornPlace = { readonly afterUs: number | null; readonly untilUs: number };

/** Longest time that the main thread is blocked, ms. */
const turnMs = 3;

const newline = 10;
const closingBrace = 0x7d;

/**
 * Removes torn and foreign lines from within a raw segment whose last line is whole; returns how many bytes. Another program may have cut
 * the file while it was open. If lines were appended then, and the process was killed before it looked at the file, the first of them follows
 * the rest of the cut line without a newline:
 *
 *     {"recv_us":1,"net_delay_ms":null,"a":1}
 *     {"recv_us":2,"net_del{"recv_us":5,"net_delay_ms":null,"a":5}     the rest goes to quarantine, the second record stays
 *
 * `onTorn` gets the places where records are gone before the file changes. A whole file is only read, once and in bounded
 * memory. Rejects with the system's error; the file is then unchanged.
 */
export async function removeTornLines(
  { path, quarantine }: SegmentPlace,
  onTorn: (places: readonly TornPlace[]) => Promise<void>,
): Promise<number> {
  if ((await stat(path)).size > largestFile || (await hasOnlyLines(path))) return 0;
  const content = await readFile(path);
  const { kept, foreign, times, before } = await splitContent(content);
  const places = foreign.flatMap((piece, index): TornPlace[] => {
    const at = before[index] ?? 0;
    const untilUs = times[at];
    return untilUs === undefined || !isRestOfLine(piece) ? [] : [{ afterUs: times[at - 1] ?? null, untilUs }];
  });
  if (foreign.length === 0) return 0;
  await onTorn(places);
  await keepForeign(foreign, path, quarantine);
  await replaceContent(path, kept);
  return foreign.reduce((sum, { length }) => sum + length, 0);
}

/** Tests whether each line begins like ours, once, and ends like ours. */
async function hasOnlyLines(path: string): Promise<boolean> {
  const turn = createTurn(turnMs);
  const source = openLinesSync(path);
  try {
    while (source.fill()) {
      const lines = source.bytes.subarray(source.from, source.to);
      source.from = source.to;
      if (!lines.subarray(0, head.length).equals(headBytes)) return false;
      for (let at = 0; at < lines.length; ) {
        const end = lines.indexOf(newline, at);
        const nextHead = lines.indexOf(headBytes, at + 1);
        if (lines[end - 1] !== closingBrace || end + 1 !== (nextHead < 0 ? lines.length : nextHead)) return false;
        at = end + 1;
      }
      await turn.giveWay();
    }
    return true;
  } finally {
    source.close();
  }
}

const headBytes = Buffer.from(head);

/** Tests whether a foreign piece is a remainder of our lines: the beginning of a line, or the NULs of a power loss. */
function isRestOfLine(piece: Buffer): boolean {
  return piece.includes(0) || head.startsWith(piece.toString("latin1", 0, head.length));
}
