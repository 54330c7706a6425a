import type { Gap } from "../../../server/domain/gap.ts";
import { encodeBackfilledLine, encodeLine } from "../../../server/domain/line.ts";
import { archiveHere, segmentOf, writeRaw } from "./day-fixture.ts";

/** Day of the records. The day before holds what its book begins with. */
export const bookDate = "2026-11-21";
export const bookDayMs = Date.parse(bookDate);
const symbol = "BTCUSDT";

type Levels = readonly (readonly [price: string, quantity: string])[];

/** A line received at a ms of the day. */
const line = (ms: number, payload: object, delay: number | null = 5) =>
  encodeLine(JSON.stringify(payload), (bookDayMs + ms) * 1000, delay);
const diff = (ms: number, U: number, u: number, b: Levels, a: Levels = []) =>
  line(ms, { e: "depthUpdate", E: bookDayMs + ms - 10, s: symbol, U, u, b, a });
const rest = (ms: number, lastUpdateId: number, bids: Levels, asks: Levels) =>
  line(ms, { lastUpdateId, bids, asks }, null);
const trade = (ms: number, id: number, m: boolean) =>
  line(ms, { e: "trade", E: bookDayMs + ms, s: symbol, t: id, p: "10.50", q: "2.0", T: bookDayMs + ms - 10, m });
const frame = (ms: number, id: number, bids: Levels, asks: Levels, delay: number | null) =>
  line(ms, { lastUpdateId: id, bids, asks }, delay);

/** The gap of the diffs, in which the ids from 15 to 20 are missing. */
export const bookGap: Gap = {
  ...{ stream: "depth", symbol, cause: "reconnect", missing: null, repaired: 0 },
  from_us: (bookDayMs + 400) * 1000,
  to_us: (bookDayMs + 900) * 1000,
};

/** Archives two days of BTCUSDT whose few records meet every case: a book from the day before, a gap, an old REST book, a backfilled trade. */
export async function writeBookDay(dataDir: string): Promise<void> {
  async function archived(stream: string, date: string, text: string, gaps: readonly Gap[] = []): Promise<void> {
    const segment = segmentOf("00-00", { stream, symbol, date });
    writeRaw(dataDir, segment, text);
    await archiveHere(dataDir, [segment], { gapsOf: () => gaps });
  }

  const backfilled = { id: 3, price: "10.7", qty: "1.0", time: bookDayMs + 700, isBuyerMaker: false };
  const lines = [trade(100, 1, true), trade(200, 2, false)];
  await archived(
    "trade",
    bookDate,
    lines.join("") + encodeBackfilledLine(JSON.stringify(backfilled), (bookDayMs + 700) * 1000),
  );
  await archived(
    "depth",
    bookDate,
    [
      diff(100, 11, 12, [["10.0", "1.0"]], [["11.0", "3.0"]]),
      diff(200, 13, 14, [["10.0", "0.0"]]),
      diff(1000, 21, 22, [["9.0", "7.0"]]),
      diff(1100, 23, 24, [["9.5", "1.5"]]),
    ].join(""),
    [bookGap],
  );
  await archived("depthSnapshot", bookDate, rest(1050, 21, [["9.0", "5.0"]], [["12.0", "4.0"]]));
  // The day before ends with a REST book that is older than the diffs beside it.
  const before = "2026-11-20";
  await archived("depth", before, diff(-500, 7, 8, [["8.0", "1.0"]]) + diff(-400, 9, 10, [["9.9", "2.0"]]));
  await archived("depthSnapshot", before, rest(-450, 8, [["8.0", "6.0"]], [["11.5", "1.0"]]));
  await archived(
    "depth20",
    bookDate,
    [
      frame(
        100,
        1,
        [
          ["10", "1"],
          ["9", "1"],
        ],
        [["11", "1"]],
        5,
      ),
      frame(
        200,
        2,
        [
          ["10", "2"],
          ["8", "1"],
        ],
        [["11", "1"]],
        null,
      ),
      // The delay grows by more than the time between both: the books keep their order all the same.
      frame(
        210,
        3,
        [
          ["10", "3"],
          ["8", "1"],
        ],
        [["11", "1"]],
        105,
      ),
    ].join(""),
  );
  await archived(
    "bookTicker",
    bookDate,
    line(150, { u: 12, s: symbol, b: "10.00000000", B: "1.00000000", a: "11.00000000", A: "3.00000000" }),
  );
}
