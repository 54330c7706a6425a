import type { NoBookReason } from "../../domain/book/book-at-instant.ts";
import { type BookBuilder, createBookBuilder } from "../../domain/book/book-builder.ts";
import { type BookImage, readBookDiff, readBookImage } from "../../domain/book/book-text.ts";
import { dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { longestLagUs } from "../../domain/ids/id-order.ts";
import { depthSnapshot, typeOfKind } from "../../domain/stream.ts";
import { createMergedReader, type MergedReader } from "../read/merged-reader.ts";
import {
  type BookLine,
  type BookReading,
  type BookRequest,
  type BookStream,
  bookStream,
  gapAt,
  silentUs,
} from "./book-lines.ts";

/** A book rebuilt from a REST book and diffs, or why there is no book. */
export type RebuiltBook =
  | {
      readonly kind: "book";
      readonly image: BookImage;
      /** Receipt of the newest record in it, µs. */
      readonly recvUs: number;
      readonly restBook: RestBook;
    }
  | {
      readonly kind: "none";
      readonly reason: NoBookReason;
      readonly gap: Gap | null;
      /** Receipt of the newest diff before the instant that made a valid book, µs; null without one. */
      readonly lastUs: number | null;
    };

type RestBook = { readonly recvUs: number; readonly lastUpdateId: number };

/** Diffs that came this long before a REST book may be newer than it, µs: longer than the exchange and the recorder's retries take. */
const restLagUs = 60_000_000;

const diffs = typeOfKind("diffDepth").folder;

/**
 * Rebuilds the book of an instant. Reads from the last but one REST book before it, in case the last did not fit the diffs, and on to the
 * first diff behind the instant: if that follows without a missing id, all diffs around the instant were received.
 */
export async function rebuildBook(request: BookRequest, reading: BookReading): Promise<RebuiltBook> {
  const { dataDir, symbol, atUs } = request;
  const none = (reason: NoBookReason): RebuiltBook => ({ kind: "none", reason, gap: null, lastUs: null });
  const find = (stream: string, fromUs: number) =>
    bookStream(dataDir, { stream, symbol }, { fromUs, toUs: atUs }, reading.gapsOf);
  let beginUs: number | null = null;
  for (let back = 0; back <= dayUs && beginUs === null; back += dayUs) {
    const books = find(depthSnapshot.folder, atUs - back);
    beginUs = await lastButOne(createMergedReader(books.lines, { ...reading, fromUs: atUs - dayUs }), atUs);
  }
  if (beginUs === null) return none(find(diffs, atUs).lines.length === 0 ? "not_recorded" : "no_rest_book");
  const fromUs = beginUs - restLagUs;
  const stream = find(diffs, fromUs);
  if (stream.lines.length === 0) return none("not_recorded");
  const books = find(depthSnapshot.folder, fromUs);
  const reader = createMergedReader([...stream.lines, ...books.lines], { ...reading, fromUs });
  try {
    return await follow(reader, stream, atUs);
  } finally {
    reader.close();
  }
}

/** Returns when the last but one REST book before an instant came, or the only one, µs; null without any. */
async function lastButOne(reader: MergedReader<BookLine>, atUs: number): Promise<number | null> {
  let last: number | null = null;
  let before: number | null = null;
  try {
    for (;;) {
      const line = reader.peek();
      if (line === undefined) {
        if (await reader.fill()) continue;
        break;
      }
      if (line.recvUs > atUs) break;
      before = last;
      last = line.recvUs;
      reader.skip();
    }
  } finally {
    reader.close();
  }
  return before ?? last;
}

type Valid = Extract<RebuiltBook, { kind: "book" }>;

async function follow(reader: MergedReader<BookLine>, { gaps }: BookStream, atUs: number): Promise<RebuiltBook> {
  const builder = createBookBuilder();
  let nextGap = 0;
  let restBook: RestBook | null = null;
  let lastUs: number | null = null;
  /** The book at the instant, once a later line was seen. */
  let found: Valid | null = null;

  const passGaps = (untilUs: number) => {
    for (; (gaps[nextGap]?.from_us ?? Number.POSITIVE_INFINITY) < untilUs; nextGap++) builder.gap();
  };
  const none = (): RebuiltBook => {
    const gap = gapAt(gaps, atUs);
    const reason = gap !== null ? "gap" : lastUs === null ? "no_rest_book" : "missing_ids";
    return { kind: "none", reason, gap, lastUs };
  };
  const take = (): Valid | null =>
    builder.isValid() && restBook !== null && lastUs !== null
      ? { kind: "book", image: imageOf(builder), recvUs: lastUs, restBook }
      : null;

  for (;;) {
    const line = reader.peek();
    if (line === undefined) {
      if (await reader.fill()) continue;
      break;
    }
    if (found === null && line.recvUs > atUs) {
      passGaps(atUs);
      found = take();
      if (found === null) return none();
    }
    // A recorded gap says that everything was received until it began.
    if (found !== null && gaps.some(({ from_us }) => from_us >= atUs && from_us < line.recvUs)) return found;
    passGaps(line.recvUs);
    reader.skip();
    const isRest = line.stream === depthSnapshot.folder;
    if (found !== null && isRest) continue;
    const step = isRest ? takeRestBook(line) : takeDiff(line);
    if (step !== "begun" && step !== "updated") {
      if (found !== null && line.recvUs > atUs + longestLagUs) return none();
      continue;
    }
    if (found !== null) return found;
    lastUs = line.recvUs;
  }
  passGaps(atUs);
  const newest = builder.isValid() ? (found ?? take()) : null;
  if (newest === null) return none();
  return atUs - newest.recvUs > silentUs ? { kind: "none", reason: "silent", gap: null, lastUs } : newest;

  function takeRestBook({ source, from, to, recvUs }: BookLine) {
    const image = readBookImage(source, from, to);
    const step = image === null ? "ignored" : builder.restBook(image);
    if (image !== null && step !== "ignored") restBook = { recvUs, lastUpdateId: image.lastUpdateId };
    return step;
  }

  function takeDiff({ source, from, to }: BookLine) {
    const diff = readBookDiff(source, from, to);
    return diff === null ? "ignored" : builder.diff(diff);
  }
}

function imageOf({ lastId, bids, asks, decimals }: BookBuilder): BookImage {
  const all = Number.POSITIVE_INFINITY;
  return { lastUpdateId: lastId() ?? 0, bids: bids.top(all), asks: asks.top(all), decimals: decimals() };
}
