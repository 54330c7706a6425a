import type { BrokenSpans } from "./broken-spans.ts";
import type { OmissionReason } from "./time-bars.ts";

/** After this time without a record of a stream, µs, its intervals are judged without waiting for the next record. */
export const settledUs = 60_000_000;

/** A line of a book, as recorded. It is parsed only if it is the last of its interval. */
export type SampledBook = { readonly recvUs: number; readonly line: string };

/** Receives the last book of each interval, in order of time. */
export type BookSink = {
  onBook(startUs: number, book: SampledBook): void;
  onLeftOut(startUs: number, reason: OmissionReason): void;
};

export type BookSamples = {
  onLine(book: SampledBook): void;
  /** Tells that all books before a time have been passed on: a silence of more than a minute is then over for the intervals before. */
  advance(us: number): void;
  end(): void;
};

/**
 * Samples books: for each interval of time, aligned to UTC, the last book that was received before its end. Without a new book the book
 * before is repeated if the next book comes within a minute, as a minute without books does not count as recorded; never across a gap.
 */
export function createBookSamples(
  { everyUs, spans, isBeginning }: { everyUs: number; spans: BrokenSpans; isBeginning: boolean },
  sink: BookSink,
): BookSamples {
  let latest: SampledBook | null = null;
  let lastUs = 0;
  let startUs: number | null = null;
  let isStart = isBeginning;

  function close(fromUs: number, isSilent: boolean): void {
    const brokenUs = spans.touching(fromUs, fromUs + everyUs);
    // A book from before a gap is not the book after it.
    if (latest !== null && brokenUs !== null && latest.recvUs < brokenUs) latest = null;
    if (brokenUs !== null || isSilent || latest === null) sink.onLeftOut(fromUs, "gap");
    else if (isStart) sink.onLeftOut(fromUs, "start");
    else sink.onBook(fromUs, latest);
    isStart = false;
    startUs = fromUs + everyUs;
  }

  function closeUntil(us: number): void {
    const isSilent = us - lastUs > settledUs;
    while (startUs !== null && startUs + everyUs <= us) close(startUs, isSilent);
  }

  return {
    onLine(book) {
      closeUntil(book.recvUs);
      startUs ??= Math.floor(book.recvUs / everyUs) * everyUs;
      latest = book;
      lastUs = book.recvUs;
    },
    advance(us) {
      if (us - lastUs > settledUs) closeUntil(us);
    },
    end() {
      if (startUs !== null) sink.onLeftOut(startUs, "end");
      startUs = null;
    },
  };
}
