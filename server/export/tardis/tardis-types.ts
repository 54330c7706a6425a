/** The CSV data types of Tardis that can be made of spot data, and their columns. Source: Tardis.dev's documentation of data types. */
export const tardisTypes = [
  "trades",
  "incremental_book_L2",
  "book_snapshot_25",
  "book_snapshot_5",
  "quotes",
  "book_ticker",
] as const;
export type TardisType = (typeof tardisTypes)[number];

/** The records that a type is made of. `diffs`: of REST books and diffs, `book`: also of partial books. */
export const tardisSources: Readonly<Record<TardisType, "trades" | "diffs" | "book" | "ticker">> = {
  trades: "trades",
  incremental_book_L2: "diffs",
  book_snapshot_25: "book",
  book_snapshot_5: "book",
  quotes: "book",
  book_ticker: "ticker",
};

/** Value of the column `exchange`. */
export const tardisExchange = "binance";

const head = "exchange,symbol,timestamp,local_timestamp";
const quote = `${head},ask_amount,ask_price,bid_price,bid_amount`;

/** The first line of each type. */
export const tardisHeaders: Readonly<Record<TardisType, string>> = {
  trades: `${head},id,side,price,amount`,
  incremental_book_L2: `${head},is_snapshot,side,price,amount`,
  book_snapshot_25: `${head},${levelColumns(25)}`,
  book_snapshot_5: `${head},${levelColumns(5)}`,
  quotes: quote,
  book_ticker: quote,
};

function levelColumns(levels: number): string {
  return Array.from({ length: levels }, (_, n) => n)
    .map((n) => `asks[${n}].price,asks[${n}].amount,bids[${n}].price,bids[${n}].amount`)
    .join(",");
}

/** Returns the name under which a day's file is known: `binance_trades_2026-11-21_BTCUSDT.csv.gz`. */
export function tardisFileName(type: TardisType, date: string, symbol: string): string {
  return `${tardisExchange}_${type}_${date}_${symbol}.csv.gz`;
}
