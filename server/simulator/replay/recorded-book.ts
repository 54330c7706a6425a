import { createBookBuilder } from "../../domain/book/book-builder.ts";
import { type BookDiff, type BookImage, levelsText, readBookDiff, readBookImage } from "../../domain/book/book-text.ts";
import type { StreamKind } from "../../domain/stream-kinds.ts";

/** The REST book of one symbol, pieced together from what a recording has played so far. */
export type RecordedBook = {
  /** A payload that has just been emitted, or a REST book that was recorded at this moment. */
  record(kind: StreamKind, payload: string): void;
  /**
   * The book as of the newest diff. While it cannot be rebuilt: the newest partial book, else the newest REST book, else the levels that diffs
   * have named.
   */
  depth(limit: number): string;
};

/** Creates the book before the first message. */
export function createRecordedBook(): RecordedBook {
  let book = createBookBuilder();
  /** The newest diffs: a REST book is old when it arrives. */
  const recent: BookDiff[] = [];
  /** Only levels that diffs have named since their ids last had a hole. */
  const named = createBookBuilder();
  let partial: string | null = null;
  let restBook: string | null = null;

  function onDiff(diff: BookDiff): void {
    recent.push(diff);
    if (recent.length > mostRecent) recent.shift();
    book.diff(diff);
    if (book.isValid() || named.diff(diff) === "updated") return;
    const { decimals } = diff;
    named.restBook({ lastUpdateId: diff.firstId - 1, bids: none, asks: none, decimals });
  }

  /** Goes on from a newer REST book, which shows levels that no diff has named, if diffs lead from it to the present. */
  function onRestBook(image: BookImage): void {
    if (book.restBook(image) !== "ignored") return;
    const renewed = createBookBuilder();
    renewed.restBook(image);
    for (const diff of recent) if (diff.lastId > image.lastUpdateId) renewed.diff(diff);
    if (renewed.isValid() && (renewed.lastId() ?? 0) >= (book.lastId() ?? 0)) book = renewed;
  }

  /** The newest book of which the recording holds an image. */
  function recordedImage(): BookImage | null {
    const text = partial ?? restBook;
    return text === null ? null : readBookImage(text);
  }

  return {
    record(kind, payload) {
      if (kind === "partialDepth") partial = payload;
      else if (kind === "diffDepth") {
        const diff = readBookDiff(payload);
        if (diff !== null) onDiff(diff);
      } else if (kind === "depthSnapshot") {
        restBook = payload;
        const image = readBookImage(payload);
        if (image !== null) onRestBook(image);
      }
    },
    depth(limit) {
      const image = book.isValid() ? null : recordedImage();
      if (image !== null) return text(image, limit);
      const { bids, asks, lastId, decimals } = book.isValid() ? book : named;
      return text(
        { lastUpdateId: lastId() ?? 0, bids: bids.top(limit), asks: asks.top(limit), decimals: decimals() },
        limit,
      );
    },
  };
}

/** More than two minutes of diffs. */
const mostRecent = 1200;

const none = { prices: [], quantities: [] };

function text({ lastUpdateId, bids, asks, decimals }: BookImage, limit: number): string {
  const [bidsText, asksText] = [levelsText(bids, decimals, limit), levelsText(asks, decimals, limit)];
  return `{"lastUpdateId":${lastUpdateId},"bids":${bidsText},"asks":${asksText}}`;
}
