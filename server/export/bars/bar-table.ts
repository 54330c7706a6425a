import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import type { ExportColumn } from "../column.ts";
import type { MarkedGap } from "../gap-marks.ts";
import { type Bar, barCells, barColumns, spanColumns, spanTail } from "./bar.ts";
import type { BarRule } from "./bar-rule.ts";
import type { BarTrade } from "./bar-trade.ts";
import { type BookKind, bookCells, bookColumns } from "./book-row.ts";
import { type BookSink, createBookSamples, type SampledBook, settledUs } from "./book-samples.ts";
import { createBrokenSpans } from "./broken-spans.ts";
import { createIntervalJoin } from "./interval-join.ts";
import type { RowSink } from "./row-sink.ts";
import { createSizeBars } from "./size-bars.ts";
import { type BarMaker, type BarSink, createTimeBars } from "./time-bars.ts";
import { createTradeOrder } from "./trade-order.ts";

/** A side of a table: its gaps, and whether the stream has records before those that are passed on. Asked at the first record. */
export type Side = { readonly gaps: readonly MarkedGap[]; readonly isBeginning: () => boolean };

/** A table of bars or intervals of one symbol. */
export type BarTable = {
  /** Adds records in order of receipt. */
  addTrade(trade: BarTrade): void;
  addBook(book: SampledBook): void;
  /** True once all rows of the range are complete. */
  isComplete(): boolean;
  end(): void;
};

/** What `--every` shows of books. */
export type BookOptions = { readonly kind: BookKind; readonly levels: number };

/** Returns the columns of bars. */
export const columnsOfBars: readonly ExportColumn[] = [...spanColumns, ...barColumns, ...spanTail];

/** Returns the columns of intervals. */
export function columnsOfIntervals(has: { readonly book: boolean; readonly trades: boolean }): readonly ExportColumn[] {
  return [...spanColumns, ...(has.book ? bookColumns : []), ...(has.trades ? barColumns : []), ...spanTail];
}

/** Creates the table of `--bars`: by the exchange's time of the trades, as its klines are. */
export function createBarTable(rule: BarRule, range: TimeSpan, side: Side, rows: RowSink): BarTable {
  const spans = createBrokenSpans(side.gaps);
  const sink: BarSink = {
    onBar: (bar) => rows.onRow(bar, barCells(bar)),
    onLeftOut: rows.onLeftOut,
  };
  let maker: BarMaker | null = null;
  let isComplete = false;
  const makerNow = () => {
    maker ??=
      rule.kind === "time"
        ? createTimeBars({ everyUs: rule.everyUs, spans, isBeginning: side.isBeginning() }, sink)
        : createSizeBars(rule, spans, sink);
    return maker;
  };
  const order = createTradeOrder(
    {
      onTrade(trade, us) {
        const isAfter = us >= range.toUs;
        // A bar of a size begins with the first trade of the range; an interval needs the trades around it.
        if (rule.kind === "time" || (us >= range.fromUs && !isAfter)) makerNow().onTrade(trade, us);
        isComplete ||= isAfter;
      },
      onHole: (fromUs, toUs) => makerNow().onHole(fromUs, toUs),
    },
    ({ tradeUs }) => tradeUs,
  );
  return {
    addTrade: order.push,
    addBook() {},
    isComplete: () => isComplete,
    end() {
      if (!isComplete) order.end();
      // An interval that the range cuts is not unfinished.
      if (!isComplete || rule.kind !== "time") maker?.end();
    },
  };
}

/**
 * Creates the table of `--every`. Everything is by time of receipt, so that a row knows no record from after its end. Backfilled
 * trades are the exception: they count at their trade time.
 */
export function createIntervalTable(
  options: { readonly everyUs: number; readonly book: BookOptions | null; readonly range: TimeSpan },
  sides: { readonly book: Side | null; readonly trades: Side | null },
  rows: RowSink,
): BarTable {
  const { everyUs, book, range } = options;
  const spanOf = (startUs: number) => ({ startUs, endUs: startUs + everyUs });
  const cellsOf = ({ line }: SampledBook) => (book === null ? [] : bookCells(line, book.kind, book.levels));
  const isJoined = sides.book !== null && sides.trades !== null;
  const join = createIntervalJoin({
    onRow: (startUs, line, bar) => rows.onRow(spanOf(startUs), [...cellsOf(line), ...barCells(bar)]),
    onLeftOut: rows.onLeftOut,
  });
  const barSink: BarSink = isJoined
    ? {
        onBar: (bar: Bar) => join.addBar({ startUs: bar.startUs, value: bar }),
        onLeftOut: (startUs, reason) => join.addBar({ startUs, reason }),
      }
    : { onBar: (bar) => rows.onRow(bar, barCells(bar)), onLeftOut: rows.onLeftOut };
  // Before the first trade books would wait without an end.
  const isEarly = () => bars === null && !order.waits();
  const bookSink: BookSink = isJoined
    ? {
        onBook: (startUs, value) => (isEarly() ? rows.onLeftOut(startUs, "start") : join.addBook({ startUs, value })),
        onLeftOut: (startUs, reason) =>
          isEarly() ? rows.onLeftOut(startUs, reason) : join.addBook({ startUs, reason }),
      }
    : {
        onBook: (startUs, line) => rows.onRow(spanOf(startUs), cellsOf(line)),
        onLeftOut: rows.onLeftOut,
      };
  const tradeSpans = createBrokenSpans(sides.trades?.gaps ?? []);
  const bookSpans = createBrokenSpans(sides.book?.gaps ?? []);
  let bars: BarMaker | null = null;
  let books: ReturnType<typeof createBookSamples> | null = null;
  let isComplete = false;
  const barsNow = () => {
    bars ??= createTimeBars({ everyUs, spans: tradeSpans, isBeginning: sides.trades?.isBeginning() ?? false }, barSink);
    return bars;
  };
  const order = createTradeOrder(
    {
      onTrade: (trade, us) => barsNow().onTrade(trade, us),
      onHole: (fromUs, toUs) => barsNow().onHole(fromUs, toUs),
    },
    ({ recvUs }) => recvUs,
  );

  let lastTradeUs = Number.NEGATIVE_INFINITY;
  let lastBookUs = Number.NEGATIVE_INFINITY;

  /**
   * Tells both sides that everything received before a time was read. An interval is judged at the next record of each side, which shows
   * whether ids are missing; after a minute without one the recorded gaps alone tell.
   */
  function advance(recvUs: number): void {
    const isSettled = (lastUs: number) => lastUs >= range.toUs || recvUs - range.toUs > settledUs;
    isComplete ||= (sides.trades === null || isSettled(lastTradeUs)) && (sides.book === null || isSettled(lastBookUs));
    order.advance(recvUs);
    if (recvUs - lastTradeUs > settledUs && !order.waits()) bars?.advance(recvUs);
    books?.advance(recvUs);
  }

  return {
    addTrade(trade) {
      lastTradeUs = trade.recvUs;
      advance(trade.recvUs);
      order.push(trade);
    },
    addBook(line) {
      lastBookUs = line.recvUs;
      advance(line.recvUs);
      const isBeginning = () => sides.book?.isBeginning() ?? false;
      books ??= createBookSamples({ everyUs, spans: bookSpans, isBeginning: isBeginning() }, bookSink);
      books.onLine(line);
    },
    isComplete: () => isComplete,
    end() {
      order.end();
      if (isComplete) return;
      bars?.end();
      books?.end();
    },
  };
}
