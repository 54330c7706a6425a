import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Flags } from "../../../server/cli/framework/command.ts";
import { bookDate, bookDayMs, writeBookDay } from "../../support/data/book-day.ts";
import { temporaryData } from "../../support/data/day-fixture.ts";
import { exportMarketHere } from "../../support/data/export-here.ts";
import { realDate, realDay, writeRealDay } from "../../support/data/real-folder.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { realDataMissing } from "../../support/simulator/real-data.ts";

let dataDir = "";
let out = "";
let remove = () => {};
beforeAll(async () => {
  ({ dataDir, remove } = temporaryData());
  out = temporaryFolder();
  await writeBookDay(dataDir);
});
afterAll(() => {
  remove();
  rmSync(out, { recursive: true });
});

const tardis = (more: Flags = {}) =>
  exportMarketHere(dataDir, { format: "tardis", out, from: bookDate, to: "2026-11-22", ...more });

/** The lines of a type's file. */
function linesOf(type: string, { folder = out, date = bookDate } = {}): string[] {
  const text = gunzipSync(readFileSync(join(folder, `binance_${type}_${date}_BTCUSDT.csv.gz`))).toString();
  expect(text.endsWith("\n")).toBe(true);
  return text.trimEnd().split("\n");
}

/** The rows of a type, with times as ms of the day. */
function rowsOf(type: string): string[] {
  return linesOf(type)
    .slice(1)
    .map((row) => {
      const [exchange, symbol, timestamp, local, ...rest] = row.split(",");
      const [at, seen] = [timestamp, local].map((us) => Number(us) / 1000 - bookDayMs);
      expect([exchange, symbol]).toEqual(["binance", "BTCUSDT"]);
      return `${at} ${seen} ${rest.join(" ")}`;
    });
}

const levels = (count: number) =>
  Array.from({ length: count }, (_, n) => `asks[${n}].price,asks[${n}].amount,bids[${n}].price,bids[${n}].amount`).join(
    ",",
  );
/** The first lines of the published files. */
const headers: Readonly<Record<string, string>> = {
  trades: "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
  incremental_book_L2: "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount",
  book_snapshot_25: `exchange,symbol,timestamp,local_timestamp,${levels(25)}`,
  book_snapshot_5: `exchange,symbol,timestamp,local_timestamp,${levels(5)}`,
  quotes: "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
  book_ticker: "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
};

test("each type has the published first line; trades have the taker's side, best prices the receipt as their time", async () => {
  expect(await tardis()).toMatchObject({ results: [{ kind: "written" }], damages: [] });
  expect(readdirSync(out).sort()).toEqual(
    Object.keys(headers)
      .map((type) => `binance_${type}_${bookDate}_BTCUSDT.csv.gz`)
      .sort(),
  );
  for (const [type, header] of Object.entries(headers)) expect(linesOf(type)[0]).toBe(header);
  expect(rowsOf("trades")).toEqual(["90 100 1 sell 10.5 2", "190 200 2 buy 10.5 2", "700 700 3 buy 10.7 1"]);
  expect(rowsOf("book_ticker")).toEqual(["150 150 3 11 10 1"]);
});

test("the book is whole at the day's beginning and behind a gap alone, each side best first", () => {
  expect(rowsOf("incremental_book_L2")).toEqual([
    "-410 100 true bid 9.9 2",
    "-410 100 true bid 8 6",
    "-410 100 true ask 11.5 1",
    "90 100 false bid 10 1",
    "90 100 false ask 11 3",
    "190 200 false bid 10 0",
    // The REST book behind the gap, merged with the diff that came before it.
    "990 1050 true bid 9 7",
    "990 1050 true ask 12 4",
    "1090 1100 false bid 9.5 1.5",
  ]);
});

test("the best levels have a row when they change, absent levels are empty", () => {
  expect(rowsOf("quotes")).toEqual([
    "-410 100 1 11.5 9.9 2",
    "90 100 3 11 10 1",
    "190 200 3 11 9.9 2",
    "990 1050 4 12 9 7",
    "1090 1100 4 12 9.5 1.5",
  ]);
  const five = rowsOf("book_snapshot_5");
  expect(five).toHaveLength(5);
  expect(five[1]).toBe("90 100 11 3 10 1 11.5 1 9.9 2   8 6        ");
  expect(rowsOf("book_snapshot_25")[1]?.trimEnd()).toBe("90 100 11 3 10 1 11.5 1 9.9 2   8 6");
});

test("partial books make snapshots and quotes, but no changes of a book", async () => {
  rmSync(out, { recursive: true });
  await tardis({ stream: "depth20", book: "depth20" });
  expect(
    readdirSync(out)
      .map((name) => name.split(`_${bookDate}`)[0])
      .sort(),
  ).toEqual(["binance_book_snapshot_25", "binance_book_snapshot_5", "binance_quotes"]);
  expect(rowsOf("quotes")).toEqual(["100 100 1 11 10 1", "200 200 1 11 10 2", "210 210 1 11 10 3"]);
});

test("two snapshots without a change between them are told apart", async () => {
  // From the last diff before the gap to the REST book behind it.
  await tardis({ from: "2026-11-21T00:00:00.3", types: "incremental_book_L2" });
  expect(rowsOf("incremental_book_L2")).toEqual([
    "190 1000 true bid 9.9 2",
    "190 1000 true bid 8 6",
    "190 1000 true ask 11 3",
    "190 1000 true ask 11.5 1",
    "190 1000 false ask 11.5 1",
    "990 1050 true bid 9 7",
    "990 1050 true ask 12 4",
    "1090 1100 false bid 9.5 1.5",
  ]);
});

test("types that cannot be made and flags without meaning are refused in words", async () => {
  const refusals: readonly (readonly [Flags, string])[] = [
    [
      { types: "book_ticker", stream: "trade" },
      `bookTicker of BTCUSDT is not recorded on ${bookDate}; recorded: trade. --types book_ticker is`,
    ],
    [{ types: "incremental_book_L2", book: "depth20" }, `depth of BTCUSDT is not recorded on ${bookDate}`],
    [{ types: "trade" }, '--types "trade" is not accepted (did you mean "trades"?); give trades, '],
    [{ "on-gap": "clear" }, "--on-gap applies to --format hftbacktest only"],
    // The day before is read too.
    [{ from: "2026-11-01", to: "2026-11-02" }, "from 2026-11-01T00:00:00.000Z before 2026-11-02T00:00:00.000Z"],
  ];
  for (const [more, words] of refusals) {
    const problem = await tardis(more).then(
      () => "none",
      (error: Error) => error.message,
    );
    expect(problem).toContain(words);
  }
});

test.skipIf(realDataMissing !== "")(
  `on a real capture the levels of each snapshot are those that the changes make${realDataMissing}`,
  async () => {
    const real = temporaryData();
    const folder = temporaryFolder();
    const isUsed = new Set(["depth", "depthSnapshot", "trade"]);
    const messages = realDay().filter(({ stream, symbol }) => symbol === "BTCUSDT" && isUsed.has(stream));
    await writeRealDay(real.dataDir, messages);
    await exportMarketHere(real.dataDir, { format: "tardis", out: folder });
    const lines = (type: string) => linesOf(type, { folder, date: realDate }).slice(1);
    expect(lines("trades")).toHaveLength(9757);
    const changes = lines("incremental_book_L2").map((row) => row.split(","));
    const snapshots = lines("book_snapshot_25").map((row) => row.split(","));
    const sides = { bid: new Map<string, string>(), ask: new Map<string, string>() };
    let next = 0;
    let compared = 0;
    for (const [n, [, , , local = "", ...cells]] of snapshots.entries()) {
      for (; Number(changes[next]?.[3]) <= Number(local); next++) {
        const [, , , , , side = "", price = "", amount = ""] = changes[next] ?? [];
        const book = side === "bid" ? sides.bid : sides.ask;
        if (amount === "0") book.delete(price);
        else book.set(price, amount);
      }
      if (n % 40 !== 39) continue;
      const [asks, bids] = [sides.ask, sides.bid].map((book, of) =>
        [...book].sort(([a], [b]) => (of === 0 ? Number(a) - Number(b) : Number(b) - Number(a))),
      );
      const expected = Array.from({ length: 25 }, (_, at) => [...(asks?.[at] ?? []), ...(bids?.[at] ?? [])]);
      expect(cells).toEqual(expected.flat());
      compared++;
    }
    expect(compared).toBe(81);
    real.remove();
    rmSync(folder, { recursive: true });
  },
  30_000,
);
