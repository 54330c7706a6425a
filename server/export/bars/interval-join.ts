import type { Bar } from "./bar.ts";
import type { SampledBook } from "./book-samples.ts";
import type { OmissionReason } from "./time-bars.ts";

/** Receives rows with the book and the trades of an interval, in order of time. */
export type JoinSink = {
  onRow(startUs: number, book: SampledBook, bar: Bar): void;
  onLeftOut(startUs: number, reason: OmissionReason): void;
};

type Entry<T> = { readonly startUs: number } & ({ readonly value: T } | { readonly reason: OmissionReason });

/** Joins the books and the bars of the same intervals. */
export type IntervalJoin = {
  addBook(entry: Entry<SampledBook>): void;
  addBar(entry: Entry<Bar>): void;
};

/**
 * Creates a join. An interval has a row if both sides have it. Intervals before the beginning of the other side are left out. The side
 * that is ahead waits in memory; the caller lets both sides advance by the same clock.
 */
export function createIntervalJoin(sink: JoinSink): IntervalJoin {
  const books: Entry<SampledBook>[] = [];
  const bars: Entry<Bar>[] = [];

  function leaveOut(entry: Entry<unknown>): void {
    sink.onLeftOut(entry.startUs, "reason" in entry ? entry.reason : "start");
  }

  function pump(): void {
    for (;;) {
      const [book, bar] = [books[0], bars[0]];
      if (book === undefined || bar === undefined) return;
      if (book.startUs <= bar.startUs) books.shift();
      if (bar.startUs <= book.startUs) bars.shift();
      if (book.startUs < bar.startUs) leaveOut(book);
      else if (bar.startUs < book.startUs) leaveOut(bar);
      else if ("reason" in book) leaveOut("reason" in bar && bar.reason === "gap" ? bar : book);
      else if ("reason" in bar) leaveOut(bar);
      else sink.onRow(book.startUs, book.value, bar.value);
    }
  }

  return {
    addBook(entry) {
      books.push(entry);
      pump();
    },
    addBar(entry) {
      bars.push(entry);
      pump();
    },
  };
}
