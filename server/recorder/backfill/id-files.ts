import { dateOf, dayUs, manifestPath } from "../../domain/day.ts";
import { decodeLine, recordId } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import { readFile } from "../../platform/files/files-async.ts";
import { firstDate } from "../../storage/list/invented-day.ts";
import { type ReadFile, type ReadLines, storedDates, storedFiles } from "../../storage/list/stored-lines.ts";
import { readFirstLines } from "../recover/first-lines.ts";

/** A file of trades with its first id. */
export type IdFile = {
  readonly path: string;
  /** Lowest id of its first records. For an archive: its first id, or 0 if its ids are not in order. */
  readonly firstId: number;
  /** Receipt of its first record, µs. */
  readonly firstUs: number;
  /** Its last record if the manifest tells; null for segments. */
  readonly last: { readonly id: number; readonly recvUs: number } | null;
  /** The file starts with a backfilled trade, which may be of any time. */
  readonly isBackfilled: boolean;
};

/** Index of the first ids in the newest files of each stream. */
export type IdFiles = {
  /**
   * Returns files of a stream, in no order. The clock may have been wrong when a file was written, so neither date nor window shows how new
   * it is. Included are files of:
   *
   * - the newest dates, and all dates in the future;
   * - impossible dates, and dates that a wrong clock is known to have stamped;
   * - dates around [fromUs, toUs].
   */
  of(
    stream: Stream,
    readFile: ReadFile,
    span?: { readonly fromUs: number; readonly toUs: number },
  ): Promise<readonly IdFile[]>;
};

/** Newest dates up to today that are included, and most dates in the future: each step of a wrong clock can add a date. */
const newestDates = 3;
const mostFuture = 40;

/** Most remembered first ids. The first id of a segment never changes. */
const mostRemembered = 20_000;

/** First lines that are read: a single id may have been a glitch. */
const firstLines = 3;

/** Creates the index. `nowUs`: the wall clock. Reads the first piece of each file once. */
export function createIdFiles(
  dataDir: string,
  deps: { readLines: ReadLines; nowUs: () => number; wrongDates?: (stream: Stream) => readonly string[] },
): IdFiles {
  const remembered = new Map<string, IdFile>();

  async function ofSegment(path: string, stream: Stream, readFile: ReadFile): Promise<IdFile | null> {
    const key = path.replace(/\.zst$/, "");
    const known = remembered.get(key);
    if (known !== undefined) return { ...known, path };
    const found = await beginningOf(path, stream, (at) => readFile(at, deps.readLines));
    if (found === null) return null;
    remembered.set(key, found);
    if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value ?? "");
    return found;
  }

  return {
    async of(stream, readFile, span) {
      const found: IdFile[] = [];
      const dates = await storedDates(dataDir, { stream: stream.type.folder, symbol: stream.symbol });
      const wrong = (deps.wrongDates?.(stream) ?? []).filter((date) => dates.includes(date));
      for (const date of new Set([...candidates(dates, dateOf(deps.nowUs()), span), ...wrong])) {
        const day = { stream: stream.type.folder, symbol: stream.symbol, date };
        for (const { path, window } of await storedFiles(dataDir, day)) {
          const file =
            window === null
              ? await ofArchive(path, manifestPath(dataDir, day))
              : await ofSegment(path, stream, readFile);
          if (file !== null) found.push(file);
        }
      }
      return found;
    },
  };
}

/** Chooses the dates to read; `dates` are sorted newest first. */
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
  for await (const lines of readLines(path)) {
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
  const isBackfilled = head?.repaired === true;
  return { path, firstId: Math.min(...ids), firstUs: head?.recvUs ?? 0, last: null, isBackfilled };
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

/** Reads an archive's manifest. If the clock went back during the day, its ids are not in order and the archive must be read. */
async function ofArchive(path: string, manifest: string): Promise<IdFile | null> {
  try {
    const found: unknown = JSON.parse(await readFile(manifest, "utf8"));
    if (typeof found !== "object" || found === null) return null;
    const { first_id, last_id, first_recv_us, last_recv_us } = found as Record<string, unknown>;
    const numbers = [first_id, last_id, first_recv_us, last_recv_us].flatMap((value) =>
      typeof value === "number" ? [value] : [],
    );
    const [firstId, id, firstUs, recvUs] = numbers;
    if (firstId === undefined || id === undefined || firstUs === undefined || recvUs === undefined) return null;
    const isOrdered = firstId <= id;
    const last = { id: isOrdered ? id : Number.POSITIVE_INFINITY, recvUs };
    return { path, firstId: isOrdered ? firstId : 0, firstUs, last, isBackfilled: false };
  } catch (error) {
    // The archiver reports an unreadable manifest.
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}
