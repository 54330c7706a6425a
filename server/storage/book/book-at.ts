import type { BookAtInstant, NoBookReason } from "../../domain/book/book-at-instant.ts";
import { type BookImage, levelsText, readBookImage } from "../../domain/book/book-text.ts";
import { dayUs } from "../../domain/day.ts";
import type { StreamFolder } from "../../domain/stream.ts";
import { foldersOf } from "../../domain/stream-kinds.ts";
import { createMergedReader } from "../read/merged-reader.ts";
import {
  type BookLine,
  type BookReading,
  type BookRequest,
  type BookStream,
  bookStream,
  gapAt,
  silentUs,
} from "./book-lines.ts";
import { type RebuiltBook, rebuildBook } from "./rebuild-book.ts";

/** Folders of partial books, the deepest first. */
const partialFolders = foldersOf((kind) => kind === "partialDepth").toReversed();

/**
 * Returns the book of a symbol at an instant: rebuilt from the last REST books before it and the diffs since, else the nearest partial book
 * before it. In a gap there is no book.
 */
export async function bookAt(request: BookRequest, reading: BookReading): Promise<BookAtInstant> {
  const { symbol, atUs, depth } = request;
  const rebuilt = await rebuildBook(request, reading);
  const answer = { ...emptyAnswer, symbol, at_us: atUs };
  if (rebuilt.kind === "book") {
    const { restBook, recvUs } = rebuilt;
    const rest_book = { recv_us: restBook.recvUs, last_update_id: restBook.lastUpdateId };
    return { ...answer, ...contentOf(rebuilt.image, depth), ...agedBy(recvUs, atUs), source: "depth", rest_book };
  }
  const partials = partialFolders.map((stream) => {
    const span = { fromUs: atUs - silentUs, toUs: atUs };
    return { stream, ...bookStream(request.dataDir, { stream, symbol }, span, reading.gapsOf) };
  });
  const open = partials.filter(({ gaps }) => gapAt(gaps, atUs) === null);
  const nearest = await newestLine(open, atUs - silentUs, atUs, reading);
  const image = nearest === null ? null : readBookImage(nearest.source, nearest.from, nearest.to);
  if (nearest !== null && image !== null)
    return { ...answer, ...contentOf(image, depth), ...agedBy(nearest.recvUs, atUs), source: nearest.stream };
  const before = await newestBefore(rebuilt, partials, atUs, reading);
  const isRecorded = rebuilt.reason !== "not_recorded";
  const gap = rebuilt.gap ?? partials.map(({ gaps }) => gapAt(gaps, atUs)).find((found) => found !== null) ?? null;
  const reason: NoBookReason = gap !== null ? "gap" : isRecorded || before === null ? rebuilt.reason : "silent";
  return { ...answer, reason, gap: gap && { from_us: gap.from_us, to_us: gap.to_us, cause: gap.cause }, before };
}

const emptyAnswer: Omit<BookAtInstant, "symbol" | "at_us"> = {
  source: null,
  recv_us: null,
  age_ms: null,
  last_update_id: null,
  rest_book: null,
  bids: [],
  asks: [],
  reason: null,
  gap: null,
  before: null,
};

function contentOf({ lastUpdateId, bids, asks, decimals }: BookImage, depth: number) {
  const levels = (side: BookImage["bids"]) => JSON.parse(levelsText(side, decimals, depth)) as BookAtInstant["bids"];
  return { last_update_id: lastUpdateId, bids: levels(bids), asks: levels(asks) };
}

function agedBy(recvUs: number, atUs: number) {
  return { recv_us: recvUs, age_ms: Math.round((atUs - recvUs) / 1000) };
}

type Partial = BookStream & { readonly stream: StreamFolder };

/** Returns the newest line received from `fromUs` to `toUs`, of the deepest stream if several came at the same time; null without one. */
async function newestLine(
  streams: readonly Partial[],
  fromUs: number,
  toUs: number,
  { check, onDamage }: BookReading,
): Promise<BookLine | null> {
  let newest: BookLine | null = null;
  for (const { lines } of streams) {
    const reader = createMergedReader(lines, { fromUs, check, onDamage });
    try {
      let last: BookLine | null = null;
      for (;;) {
        const line = reader.peek();
        if (line === undefined) {
          if (await reader.fill()) continue;
          break;
        }
        if (line.recvUs > toUs) break;
        last = line;
        reader.skip();
      }
      if (last !== null && last.recvUs > (newest?.recvUs ?? Number.NEGATIVE_INFINITY)) newest = last;
    } finally {
      reader.close();
    }
  }
  return newest;
}

/** Looks for the newest record of a book before the instant, on its day: first in the last hour. */
async function newestBefore(
  rebuilt: Extract<RebuiltBook, { kind: "none" }>,
  partials: readonly Partial[],
  atUs: number,
  reading: BookReading,
): Promise<BookAtInstant["before"]> {
  const found = [atUs - 3_600_000_000, atUs - (atUs % dayUs)];
  let partial: BookLine | null = null;
  for (const fromUs of found) partial ??= await newestLine(partials, fromUs, atUs, reading);
  const known = [
    ...(partial === null ? [] : [{ source: partial.stream, recv_us: partial.recvUs }]),
    ...(rebuilt.lastUs === null ? [] : [{ source: "depth", recv_us: rebuilt.lastUs }]),
  ];
  return known.sort((a, b) => b.recv_us - a.recv_us)[0] ?? null;
}
