import type { LevelList } from "../../domain/book/book-text.ts";
import { plainDecimal } from "../../domain/book/exact-decimal.ts";
import { shortDecimal } from "../../domain/symbols/instrument.ts";
import type { BookSides, FollowedBook } from "../market/followed-book.ts";
import type { BookRecord, MarketRecord, TickerRecord, TradeRecord } from "../market/market-record.ts";
import { type TardisType, tardisExchange } from "./tardis-types.ts";
import { createTopRows } from "./top-rows.ts";

export type TardisSource = {
  readonly symbol: string;
  readonly types: readonly TardisType[];
  /** Records from before this time only prepare the book, µs. */
  readonly fromUs: number;
  readonly book: FollowedBook;
};

/** Converts records, in order of receipt, to rows. `write` receives each row without its newline. */
export function createTardisRows(
  { symbol, types, fromUs, book }: TardisSource,
  write: (type: TardisType, row: string) => void,
) {
  const tops = (["book_snapshot_25", "book_snapshot_5", "quotes"] as const)
    .filter((type) => types.includes(type))
    .map((type) => createTopRows(type, book, (row) => write(type, row)));
  const hasLevels = types.includes("incremental_book_L2");
  let localUs = Number.NEGATIVE_INFINITY;
  /** True if the rows so far make the book as it is. */
  let isShown = false;
  let hadBook = false;
  /** The last row of a snapshot that no update has followed yet. */
  let snapshotEnd: string | null = null;

  /** The columns that each row begins with. The receipt stands for an exchange time that the exchange does not send. */
  const headOf = (timeUs: number | null) => `${tardisExchange},${symbol},${timeUs ?? localUs},${localUs}`;

  function showWhole(timeUs: number | null): void {
    const sides = book.sides();
    if (sides === null) return;
    isShown = true;
    hadBook = true;
    if (hasLevels) writeSnapshot(headOf(timeUs), sides);
    for (const top of tops) top.update(headOf(timeUs));
  }

  function writeSnapshot(head: string, { bids, asks }: BookSides): void {
    // Readers join two snapshots without an update between them, so the last level of the old snapshot is set again.
    if (snapshotEnd !== null) write("incremental_book_L2", snapshotEnd.replace(",true,", ",false,"));
    // Readers take the last row of each side for its worst level.
    for (const row of [...levelRows(head, true, "bid", bids), ...levelRows(head, true, "ask", asks)]) {
      snapshotEnd = row;
      write("incremental_book_L2", row);
    }
  }

  function writeChange(head: string, { bids, asks }: BookSides): void {
    if (bids.prices.length + asks.prices.length === 0) return;
    snapshotEnd = null;
    for (const row of levelRows(head, false, "bid", bids)) write("incremental_book_L2", row);
    for (const row of levelRows(head, false, "ask", asks)) write("incremental_book_L2", row);
  }

  function takeBook(record: BookRecord): void {
    const timeUs = record.kind === "diff" ? record.diff.timeUs : null;
    const news = book.take(record);
    if (news.kind === "lost") isShown = false;
    else if (news.kind === "whole" || (news.kind === "change" && !isShown)) showWhole(book.timeUs());
    else if (news.kind === "change") {
      const head = headOf(timeUs);
      if (hasLevels) writeChange(head, news.change);
      for (const top of tops) top.update(head);
    }
  }

  return {
    take(record: MarketRecord): void {
      if (record.recvUs < fromUs) {
        if (record.kind !== "trade" && record.kind !== "ticker") book.take(record);
        return;
      }
      const isFirst = localUs === Number.NEGATIVE_INFINITY;
      localUs = Math.max(localUs, record.recvUs);
      if (isFirst) showWhole(book.timeUs());
      if (record.kind === "trade") write("trades", tradeRow(headOf(record.timeUs), record));
      else if (record.kind === "ticker") write("book_ticker", tickerRow(headOf(null), record));
      else takeBook(record);
    },
    /** Whether the book was known at any time. */
    hadBook: () => hadBook,
  };
}

function levelRows(
  head: string,
  isSnapshot: boolean,
  side: "bid" | "ask",
  { prices, quantities }: LevelList,
): string[] {
  return prices.map(
    (price, n) => `${head},${isSnapshot},${side},${plainDecimal(price)},${plainDecimal(quantities[n] ?? 0)}`,
  );
}

function tradeRow(head: string, { id, isBuyerMaker, price, quantity }: TradeRecord): string {
  return `${head},${id},${isBuyerMaker ? "sell" : "buy"},${shortDecimal(price)},${shortDecimal(quantity)}`;
}

function tickerRow(head: string, { bid, ask }: TickerRecord): string {
  return `${head},${shortDecimal(ask[1])},${shortDecimal(ask[0])},${shortDecimal(bid[0])},${shortDecimal(bid[1])}`;
}
