import { dateStartUs, dayUs } from "../../domain/day.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import type { RecordedFile } from "../list/day-files.ts";
import { type LineEncoding, type LineReader, openLines } from "./line-reader.ts";
import { isJsonObject, type SourceCheck } from "./source-check.ts";

/** What a line holds: at least when it was received, µs. */
export type Received = { readonly recvUs: number };

/**
 * Reads the line between two places of a text; null if it holds nothing of interest (an empty line, a reply to a subscription),
 * "damaged" if it is no line of its kind.
 */
export type LineParser<M extends Received> = (text: string, from: number, to: number) => M | "damaged" | null;

/** Files that follow each other in time, read one after the other, and how their lines are read. */
export type LineStream<M extends Received> = {
  readonly files: readonly RecordedFile[];
  readonly encoding?: LineEncoding;
  /** A further look at a message of a file that nothing vouches for: false if it cannot be right. */
  readonly accepts?: (message: M) => boolean;
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

/** A file that is being read, and the message it is at; `undefined` once its lines must be filled again. */
type Source<M extends Received> = {
  readonly path: string;
  /** Start of the day that its lines must belong to, µs, where no checksum vouches for them; else null. */
  readonly judgedBy: number | null;
  readonly lines: LineReader;
  message: M | undefined;
  damagedLines: number;
};

/**
 * The messages of one track that were received at `fromUs` or later, by receipt time. Files of one window may overlap (refetched
 * trades have a file of their own) and are read together; otherwise one follows the other. What cannot be read is passed over:
 * `onDamage` hears of each file of which something is missing, once, when the file is over or reading ends. With `check`, nothing is
 * read of a compressed file that it has a problem with, and lines of plain segments are read only if they are JSON of the file's day.
 */
export function createHead<M extends Received>(
  track: LineStream<M>,
  order: number,
  options: { fromUs: number; onDamage: (path: string, problem: string) => void; check?: SourceCheck | undefined },
): Head<M> {
  const parse = track.createParser();
  const { files } = track;
  let file = firstFile(files, options.fromUs);
  let sources: Source<M>[] = [];
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

  /** The next window's files, wherever a recorder has put their lines meanwhile. */
  async function open(window: readonly RecordedFile[]): Promise<void> {
    for (const next of window) {
      try {
        const opened = await openEither(next);
        if (opened === null) continue;
        if (opened === "gone") {
          await openMerged(next);
          return;
        }
        sources.push(opened);
      } catch (error) {
        options.onDamage(next.path, messageOf(error));
      }
    }
  }

  async function openEither(next: RecordedFile): Promise<Source<M> | "gone" | null> {
    for (const path of [next.path, next.sealed]) {
      if (path === null) continue;
      try {
        return await sourceOf(path, next.date);
      } catch (error) {
        if (codeOf(error) === "ENOENT") continue;
        options.onDamage(path, messageOf(error));
        return null;
      }
    }
    if (next.merged === null) throw new Error("it is gone");
    return "gone";
  }

  /** The archive of the day holds what is left of it, and what was read of it before. */
  async function openMerged(next: RecordedFile): Promise<void> {
    for (const { lines } of sources) lines.close();
    try {
      sources = [await sourceOf(next.merged ?? "", next.date)];
      played = { untilUs: head.recvUs, atOnce };
      while (files[file]?.date === next.date) file += 1;
    } catch (error) {
      sources = [];
      options.onDamage(next.path, messageOf(error));
    }
  }

  async function sourceOf(path: string, date: string | null): Promise<Source<M>> {
    const problem = (await options.check?.(path)) ?? null;
    if (problem !== null) throw new Error(problem);
    const isJudged = options.check !== undefined && date !== null && path.endsWith(".jsonl");
    const judgedBy = isJudged ? dateStartUs(date ?? "") : null;
    return { path, judgedBy, lines: openLines(path, track.encoding), message: undefined, damagedLines: 0 };
  }

  /** Goes on to the source's next message in what has been read of it. */
  function advance(source: Source<M>): void {
    const { lines, judgedBy } = source;
    while (source.message === undefined && lines.next()) {
      const parsed = parse(lines.text, lines.from, lines.to);
      const message = judgedBy === null ? parsed : judged(parsed, lines, judgedBy, track.accepts);
      if (message === "damaged") source.damagedLines += 1;
      else if (message !== null && message.recvUs >= options.fromUs && !isPlayed(message.recvUs))
        source.message = message;
    }
  }

  /** False at the end of the file. */
  async function refill(source: Source<M>): Promise<boolean> {
    try {
      if (await source.lines.fill()) return true;
      tellDamage(source);
    } catch (error) {
      options.onDamage(source.path, messageOf(error));
    }
    source.lines.close();
    return false;
  }

  function tellDamage({ path, damagedLines }: Source<M>): void {
    const counted = damagedLines === 1 ? "1 line is damaged" : `${damagedLines} lines are damaged`;
    if (damagedLines > 0) options.onDamage(path, `${counted} and left out`);
  }

  const head: Head<M> = {
    order,
    recvUs: 0,
    message: undefined,
    next() {
      head.message = undefined;
      let first: Source<M> | undefined;
      for (const source of sources) {
        advance(source);
        // Nobody knows what comes next before all have been read on.
        if (source.message === undefined) return undefined;
        if (first?.message === undefined || source.message.recvUs < first.message.recvUs) first = source;
      }
      if (first?.message === undefined) return undefined;
      const { message } = first;
      first.message = undefined;
      if (message.recvUs > head.recvUs) {
        head.recvUs = message.recvUs;
        atOnce = 1;
      } else atOnce += 1;
      head.message = message;
      return message;
    },
    async fill() {
      for (;;) {
        if (sources.length === 0) {
          const window = windowAt(files, file);
          if (window.length === 0) return false;
          file += window.length;
          await open(window);
        }
        for (const source of [...sources]) {
          advance(source);
          if (source.message === undefined && !(await refill(source))) sources.splice(sources.indexOf(source), 1);
        }
        if (sources.length > 0) return true;
      }
    },
    close() {
      for (const source of sources.splice(0)) {
        source.lines.close();
        tellDamage(source);
      }
    },
  };
  return head;
}

/** A message of a file that nothing vouches for. */
function judged<M extends Received>(
  parsed: M | "damaged" | null,
  { text, from, to }: LineReader,
  dayStartUs: number,
  accepts: (message: M) => boolean = () => true,
): M | "damaged" | null {
  if (parsed === null || parsed === "damaged") return parsed;
  const isOfDay = parsed.recvUs >= dayStartUs && parsed.recvUs < dayStartUs + dayUs;
  return isOfDay && isJsonObject(text.slice(from, to)) && accepts(parsed) ? parsed : "damaged";
}

/** The file at a place and those behind it that are of the same window. */
function windowAt(files: readonly RecordedFile[], from: number): readonly RecordedFile[] {
  const first = files[from];
  if (first === undefined) return [];
  let to = from + 1;
  while (first.date !== null && files[to]?.date === first.date && files[to]?.startUs === first.startUs) to += 1;
  return files.slice(from, to);
}

/** Files that a later one shows to end before `fromUs` need not be read: the place of the first that must. */
export function firstFile(files: readonly RecordedFile[], fromUs: number): number {
  let first = 0;
  for (let n = 1; n < files.length; n++) {
    const { startUs } = files[n] as RecordedFile;
    if (startUs > fromUs) break;
    // Files of the same window may overlap what is asked for.
    if (startUs > (files[n - 1] as RecordedFile).startUs) first = n;
  }
  return first;
}
