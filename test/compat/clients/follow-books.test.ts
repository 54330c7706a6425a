import { expect, test } from "bun:test";
import type { MarketEvent } from "../../../server/simulator/protocol/market-source.ts";
import { openBinance } from "./binance-client.ts";
import { startExchange } from "./exchange-under-test.ts";
import { followBooks } from "./follow-books.ts";
import { createLocalBook } from "./local-book.ts";

const empty = { b: [], a: [] };
const snapshot = { lastUpdateId: 10, bids: [["1.00", "5.00"]], asks: [["1.01", "7.00"]] } as const;

test("a local book refuses a snapshot older than its first diff, and skips diffs older than its snapshot", () => {
  const book = createLocalBook();
  book.receive({ U: 8, u: 9, b: [["1.00", "0.00"]], a: [] });
  book.receive({ U: 10, u: 12, b: [], a: [["1.01", "3.00"]] });
  expect(book.load({ ...snapshot, lastUpdateId: 7 })).toBe(false);
  expect(book.lastUpdateId()).toBeNull();
  expect(book.load(snapshot)).toBe(true);
  expect(book.top(20)).toEqual({ lastUpdateId: 12, bids: [["1.00", "5.00"]], asks: [["1.01", "3.00"]] });
  expect(book.counts()).toEqual({ applied: 1, breaks: 0 });
});

test("a local book counts a missing diff as a break, whether it is the first diff or a later diff", () => {
  const first = createLocalBook();
  first.receive({ U: 9, u: 10, ...empty });
  expect(first.load(snapshot)).toBe(true);
  first.receive({ U: 12, u: 13, ...empty });
  expect(first.counts()).toEqual({ applied: 1, breaks: 1 });
  first.receive({ U: 14, u: 15, ...empty });
  first.receive({ U: 17, u: 18, ...empty });
  expect(first.counts()).toEqual({ applied: 3, breaks: 2 });
});

/** From the `n`th diff of one symbol on: what a client must notice. */
const faults: readonly (readonly [name: string, alter: (event: MarketEvent, n: number) => MarketEvent | null])[] = [
  ["a diff that is left out", (event, n) => (n === 30 ? null : event)],
  [
    "a diff without its bids",
    (event) => ({ ...event, payload: event.payload.replace(/"b":\[.*\],"a"/, '"b":[],"a"') }),
  ],
];

test.each(faults)("following a book through a client notices %s", async (_, alter) => {
  let diffs = 0;
  const market = await startExchange(
    {},
    { alter: (event) => (event.stream === "btcusdt@depth@100ms" ? alter(event, ++diffs) : event) },
  );
  const [report] = await followBooks(openBinance, market.urls, { symbols: ["BTCUSDT"], frames: 60 });
  await market.exchange.stop();
  expect((report?.breaks ?? 0) + (report?.differing ?? 0)).toBeGreaterThan(0);
});
