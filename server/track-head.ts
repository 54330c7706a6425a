import { type LineEncoding, type LineReader, openLines } from "./line-reader.ts";
import { codeOf, messageOf } from "./problem.ts";
import type { RecordedFile } from "./recorded-day.ts";

/** What a line holds: at least when it was received, µs. */
export type Received = { readonly recvUs: number };

/**
 * Reads the line between two places of a text; null if it holds nothing of interest (an empty line, a reply to a subscription),
 * "damaged" if it is no line of its kind.
 */
export type LineParser<M extends Received> = (text: string, from: number, to: number) => M | "damaged" | null;

/** Files that follow each other in time, read one after the other, and how their lines are read. */
export type LineTrack<M extends Received> = {
  readonly files: readonly RecordedFile[];
  readonly encoding?: LineEncoding;
  createParser(): LineParser<M>;
};

/** A track and the message it is at. */
export type Head<M extends Received> = {
  /** Place among the tracks; decides where two were received at the same time. */
  readonly order: number;
  /** Never decreases, whatever the recorder's clock did. */
  recvUs: number;
  message: M | undefined;
  /** Goes on to the next message; undefined once `fill` is needed or the track is over. */
  next(): M | undefined;
  /** Reads on; false at the end of the track. */
  fill(): Promise<boolean>;
  close(): void;
};

/**
 * The messages of one track that were received at `fromUs` or later, in recorded order. What cannot be read is passed over:
 * `onDamage` hears of each file of which something is missing, once, when the file is over.
 */
export function createHead<M extends Received>(
  track: LineTrack<M>,
  order: number,
  options: { fromUs: number; onDamage: (path: string, problem: string) => void },
): Head<M> {
  const parse = track.createParser();
  const { files } = track;
  let file = firstFile(files, options.fromUs);
  let lines: LineReader | null = null;
  let path = "";
  let damagedLines = 0;
  /** Messages so far that were received at `head.recvUs`. */
  let atOnce = 0;
  /** Lines to pass over because they were read from another file. */
  let played: { untilUs: number; atOnce: number } | null = null;

  function isPlayed(recvUs: number): boolean {
    if (played === null) return false;
    if (recvUs < played.untilUs) return true;
    if (recvUs === played.untilUs && played.atOnce > 0) {
      played.atOnce -= 1;
      return true;
    }
    played = null;
    return false;
  }

  /** The next file, wherever a recorder has put its lines meanwhile. */
  function open(next: RecordedFile): LineReader | null {
    for (const candidate of [next.path, next.sealed]) {
      if (candidate === null) continue;
      try {
        path = candidate;
        return openLines(candidate, track.encoding);
      } catch (error) {
        if (isGone(error)) continue;
        options.onDamage(candidate, messageOf(error));
        return null;
      }
    }
    try {
      if (next.merged === null) throw new Error("it is gone");
      path = next.merged;
      const opened = openLines(next.merged, track.encoding);
      played = { untilUs: head.recvUs, atOnce };
      while (files[file]?.date === next.date) file += 1;
      return opened;
    } catch (error) {
      options.onDamage(next.path, messageOf(error));
      return null;
    }
  }

  function endFile(problem: string | null): void {
    lines?.close();
    lines = null;
    const counted = damagedLines === 1 ? "1 line is damaged" : `${damagedLines} lines are damaged`;
    if (problem !== null) options.onDamage(path, problem);
    else if (damagedLines > 0) options.onDamage(path, `${counted} and left out`);
    damagedLines = 0;
  }

  const head: Head<M> = {
    order,
    recvUs: 0,
    message: undefined,
    next() {
      head.message = undefined;
      if (lines === null) return undefined;
      while (lines.next()) {
        const message = parse(lines.text, lines.from, lines.to);
        if (message === "damaged") damagedLines += 1;
        if (message === null || message === "damaged" || message.recvUs < options.fromUs || isPlayed(message.recvUs))
          continue;
        if (message.recvUs > head.recvUs) {
          head.recvUs = message.recvUs;
          atOnce = 1;
        } else atOnce += 1;
        head.message = message;
        break;
      }
      return head.message;
    },
    async fill() {
      for (;;) {
        if (lines === null) {
          const next = files[file];
          if (next === undefined) return false;
          file += 1;
          lines = open(next);
          if (lines === null) continue;
        }
        try {
          if (await lines.fill()) return true;
          endFile(null);
        } catch (error) {
          endFile(messageOf(error));
        }
      }
    },
    close: () => lines?.close(),
  };
  return head;
}

/** Files that a later one shows to end before `fromUs` need not be read. */
function firstFile(files: readonly RecordedFile[], fromUs: number): number {
  let first = 0;
  for (let n = 1; n < files.length; n++) {
    const { startUs } = files[n] as RecordedFile;
    if (startUs > fromUs) break;
    // Files of the same window may overlap what is asked for.
    if (startUs > (files[n - 1] as RecordedFile).startUs) first = n;
  }
  return first;
}

function isGone(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}
