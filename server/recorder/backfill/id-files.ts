import { dateOf, dayUs, manifestPath } from "../../domain/day.ts";
import { decodeLine, recordId } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import { readFile } from "../../platform/files/files-async.ts";
import { type ReadLines, readStored, storedDates, storedFiles } from "../../storage/list/stored-lines.ts";
import { readFirstLines } from "../recover/first-lines.ts";

/** A file with trades, and where its ids begin. */
export type IdFile = {
  readonly path: string;
  /** Lowest id of its first records; of an archive the lower of its first and its last. */
  readonly firstId: number;
  /** Receipt of its first record, µs. */
  readonly firstUs: number;
  /** Its last record as far as that is known without reading the file: null for segments. */
  readonly last: { readonly id: number; readonly recvUs: number } | null;
  /** Begins with refetched trades, which may be of any time. */
  readonly isRefetched: boolean;
};

/** Where the ids of a stream begin in each of its newest files. */
export type IdFiles = {
  /**
   * Files of the newest dates of a stream, of every date in the future, of impossible ones, of those that a wrong clock is known to have
   * stamped, and of those around [fromUs, toUs]: the clock may have been wrong when they were written, so that neither their date nor their window tells how new they are. In no order.
   */
  of(stream: Stream, span?: { readonly fromUs: number; readonly toUs: number }): Promise<readonly IdFile[]>;
};

/** Dates up to today that are always looked at, and most in the future: a clock that runs wild makes one with each step. */
const newestDates = 3;
const mostFuture = 40;

/** Binance has traded since then. */
const firstDate = "2017-07-14";

/** Beginnings of segments that are remembered: a segment's never changes. */
const mostRemembered = 20_000;

/** First lines that are looked at: one id alone may have been a glitch. */
const firstLines = 3;

/** `nowUs` is the clock as it is now. Reads the first piece of each file once. */
export function createIdFiles(
  dataDir: string,
  deps: { readLines: ReadLines; nowUs: () => number; wrongDates?: (stream: Stream) => readonly string[] },
): IdFiles {
  const remembered = new Map<string, IdFile>();

  async function ofSegment(path: string, stream: Stream): Promise<IdFile | null> {
    const key = path.replace(/\.zst$/, "");
    const known = remembered.get(key);
    if (known !== undefined) return { ...known, path };
    const found = await beginningOf(path, stream, deps.readLines);
    if (found === null) return null;
    remembered.set(key, found);
    if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value ?? "");
    return found;
  }

  return {
    async of(stream, span) {
      const found: IdFile[] = [];
      const dates = await storedDates(dataDir, stream);
      const wrong = (deps.wrongDates?.(stream) ?? []).filter((date) => dates.includes(date));
      for (const date of new Set([...candidates(dates, dateOf(deps.nowUs()), span), ...wrong])) {
        const day = { stream: stream.type.folder, symbol: stream.symbol, date };
        for (const { path, window } of await storedFiles(dataDir, day)) {
          const file =
            window === null ? await ofArchive(path, manifestPath(dataDir, day)) : await ofSegment(path, stream);
          if (file !== null) found.push(file);
        }
      }
      return found;
    },
  };
}

/** `dates` come newest first. */
function candidates(
  dates: readonly string[],
  today: string,
  span: { fromUs: number; toUs: number } | undefined,
): readonly string[] {
  const future = dates.filter((date) => date > today).slice(-mostFuture);
  const newest = dates.filter((date) => date <= today).slice(0, newestDates);
  const impossible = dates.filter((date) => date < firstDate);
  const [from, to] = span === undefined ? ["9", "0"] : [dateOf(span.fromUs - dayUs), dateOf(span.toUs + dayUs)];
  const near = dates.filter((date) => date >= from && date <= to);
  return [...new Set([...future, ...newest, ...impossible, ...near])];
}

async function beginningOf(path: string, stream: Stream, readLines: ReadLines): Promise<IdFile | null> {
  const start = await readFirstLines(path);
  if (start !== null) return firstOf(path, start, stream);
  for await (const lines of readStored(path, readLines)) {
    const found = firstOf(path, lines, stream);
    if (found !== null) return found;
  }
  return null;
}

function firstOf(path: string, lines: Buffer, stream: Stream): IdFile | null {
  const texts = firstTexts(lines);
  const ids = texts.flatMap((line) => recordId(line, stream.type.kind) ?? []);
  if (ids.length === 0) return null;
  const head = decodeLine(texts[0] ?? "");
  const isRefetched = head?.repaired === true;
  return { path, firstId: Math.min(...ids), firstUs: head?.recvUs ?? 0, last: null, isRefetched };
}

function firstTexts(lines: Buffer): readonly string[] {
  const texts: string[] = [];
  for (let at = 0; at < lines.length && texts.length < firstLines; ) {
    const end = lines.indexOf(10, at);
    if (end < 0) break;
    texts.push(lines.toString("utf8", at, end));
    at = end + 1;
  }
  return texts;
}

/** By its manifest. A day that was recorded by a clock that went back is not in the order of its ids: then it must be read. */
async function ofArchive(path: string, manifest: string): Promise<IdFile | null> {
  try {
    const found: unknown = JSON.parse(await readFile(manifest, "utf8"));
    if (typeof found !== "object" || found === null) return null;
    const { first_id, last_id, first_recv_us, last_recv_us } = found as Record<string, unknown>;
    const numbers = [first_id, last_id, first_recv_us, last_recv_us].flatMap((one) =>
      typeof one === "number" ? [one] : [],
    );
    const [firstId, id, firstUs, recvUs] = numbers;
    if (firstId === undefined || id === undefined || firstUs === undefined || recvUs === undefined) return null;
    const isOrdered = firstId <= id;
    const last = { id: isOrdered ? id : Number.POSITIVE_INFINITY, recvUs };
    return { path, firstId: isOrdered ? firstId : 0, firstUs, last, isRefetched: false };
  } catch (error) {
    // The archiver complains of a manifest that cannot be read; here it only says nothing.
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}
