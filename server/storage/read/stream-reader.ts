import { dateStartUs, dayUs } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import type { RecordedFile } from "../list/day-files.ts";
import { type LineEncoding, type LineReader, openLines } from "./line-reader.ts";
import { isJsonObject, type SourceCheck } from "./source-check.ts";

/** A parsed line has at least its receipt time, µs. */
export type Received = { readonly recvUs: number };

/**
 * Parses the line between two positions of a text.
 * Null if the line is irrelevant (empty, a reply to a subscription), "damaged" if it is invalid.
 */
export type LineParser<M extends Received> = (text: string, from: number, to: number) => M | "damaged" | null;

/** Files that follow each other in time, and how to read their lines. */
export type LineStream<M extends Received> = {
  readonly files: readonly RecordedFile[];
  readonly encoding?: LineEncoding;
  /** Additional check of a message from a file without a checksum: false if the message cannot be correct. */
  readonly accepts?: (message: M) => boolean;
  createParser(): LineParser<M>;
};

/** The read position in a stream, with its current message. */
export type Head<M extends Received> = {
  /** Position of the stream in the list; decides between messages received at the same time. */
  readonly order: number;
  /** Receipt time of the message. Never decreases, even if the recorder's clock did. */
  recvUs: number;
  message: M | undefined;
  /** Advances to the next message; undefined if `fill` is needed or the stream is over. */
  next(): M | undefined;
  /** Reads on; false at the end of the stream. */
  fill(): Promise<boolean>;
  close(): void;
};

/** A file being read with its current message, which is undefined when more lines must be read. */
type Source<M extends Received> = {
  readonly path: string;
  /** Start of the day to which its lines must belong, µs, if no checksum proves them; else null. */
  readonly checkedDayUs: number | null;
  readonly lines: LineReader;
  message: M | undefined;
  damagedLines: number;
};

/**
 * Creates the read position of one stream, which yields messages received at `fromUs` or later by receipt time.
 * - Files of the same window may overlap (backfilled trades have their own file) and are read together. Windows follow each other.
 * - Unreadable parts are skipped. `onDamage` is called once for each damaged file, when the file is over or reading ends.
 * - With `check`, a compressed file with a problem is not read at all, and lines of plain segments must be JSON of the file's day.
 */
export function createHead<M extends Received>(
  stream: LineStream<M>,
  order: number,
  options: { fromUs: number; onDamage: (path: string, problem: string) => void; check?: SourceCheck | undefined },
): Head<M> {
  const parse = stream.createParser();
  const { files } = stream;
  let file = firstFile(files, options.fromUs);
  let sources: Source<M>[] = [];
  /** Number of messages so far with the receipt time `head.recvUs`. */
  let sameTimeCount = 0;
  /** Lines to skip because they were already read from another file. */
  let alreadyRead: { untilUs: number; sameTimeCount: number } | null = null;

  function isAlreadyRead(recvUs: number): boolean {
    if (alreadyRead === null) return false;
    if (recvUs < alreadyRead.untilUs) return true;
    if (recvUs === alreadyRead.untilUs && alreadyRead.sameTimeCount > 0) {
      alreadyRead.sameTimeCount -= 1;
      return true;
    }
    alreadyRead = null;
    return false;
  }

  /** Opens the files of the next window, wherever the recorder has moved their lines meanwhile. */
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
        options.onDamage(next.path, reasonOf(error));
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
        options.onDamage(path, reasonOf(error));
        return null;
      }
    }
    if (next.merged === null) throw new Error("it is gone");
    return "gone";
  }

  /** Opens the day's archive, which holds the rest of the window and the lines that were already read. */
  async function openMerged(next: RecordedFile): Promise<void> {
    for (const { lines } of sources) lines.close();
    try {
      sources = [await sourceOf(next.merged ?? "", next.date)];
      alreadyRead = { untilUs: head.recvUs, sameTimeCount };
      while (files[file]?.date === next.date) file += 1;
    } catch (error) {
      sources = [];
      options.onDamage(next.path, reasonOf(error));
    }
  }

  async function sourceOf(path: string, date: string | null): Promise<Source<M>> {
    const problem = (await options.check?.(path)) ?? null;
    if (problem !== null) throw new Error(problem);
    const isChecked = options.check !== undefined && date !== null && path.endsWith(".jsonl");
    const checkedDayUs = isChecked ? dateStartUs(date ?? "") : null;
    return { path, checkedDayUs, lines: openLines(path, stream.encoding), message: undefined, damagedLines: 0 };
  }

  /** Advances to the source's next message within the lines read so far. */
  function advance(source: Source<M>): void {
    const { lines, checkedDayUs } = source;
    while (source.message === undefined && lines.next()) {
      const parsed = parse(lines.text, lines.from, lines.to);
      const message = checkedDayUs === null ? parsed : checkParsed(parsed, lines, checkedDayUs, stream.accepts);
      if (message === "damaged") source.damagedLines += 1;
      else if (message !== null && message.recvUs >= options.fromUs && !isAlreadyRead(message.recvUs))
        source.message = message;
    }
  }

  /** Reads the next lines of a source; false at the end of the file. */
  async function refill(source: Source<M>): Promise<boolean> {
    try {
      if (await source.lines.fill()) return true;
      reportDamage(source);
    } catch (error) {
      options.onDamage(source.path, reasonOf(error));
    }
    source.lines.close();
    return false;
  }

  function reportDamage({ path, damagedLines }: Source<M>): void {
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
        // The next message is known only once every source has a message.
        if (source.message === undefined) return undefined;
        if (first?.message === undefined || source.message.recvUs < first.message.recvUs) first = source;
      }
      if (first?.message === undefined) return undefined;
      const { message } = first;
      first.message = undefined;
      if (message.recvUs > head.recvUs) {
        head.recvUs = message.recvUs;
        sameTimeCount = 1;
      } else sameTimeCount += 1;
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
        reportDamage(source);
      }
    },
  };
  return head;
}

/** Checks a message from a file without a checksum. */
function checkParsed<M extends Received>(
  parsed: M | "damaged" | null,
  { text, from, to }: LineReader,
  dayStartUs: number,
  accepts: (message: M) => boolean = () => true,
): M | "damaged" | null {
  if (parsed === null || parsed === "damaged") return parsed;
  const isOfDay = parsed.recvUs >= dayStartUs && parsed.recvUs < dayStartUs + dayUs;
  return isOfDay && isJsonObject(text.slice(from, to)) && accepts(parsed) ? parsed : "damaged";
}

/** Returns the file at a position and those after it that belong to the same window. */
function windowAt(files: readonly RecordedFile[], from: number): readonly RecordedFile[] {
  const first = files[from];
  if (first === undefined) return [];
  let to = from + 1;
  while (first.date !== null && files[to]?.date === first.date && files[to]?.startUs === first.startUs) to += 1;
  return files.slice(from, to);
}

/** Returns the index of the first file to read. Skips files that end before `fromUs`, as shown by the start of a later file. */
export function firstFile(files: readonly RecordedFile[], fromUs: number): number {
  let first = 0;
  for (let n = 1; n < files.length; n++) {
    const { startUs } = files[n] as RecordedFile;
    if (startUs > fromUs) break;
    // Files of the same window may overlap the requested range.
    if (startUs > (files[n - 1] as RecordedFile).startUs) first = n;
  }
  return first;
}
