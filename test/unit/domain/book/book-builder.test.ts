import { expect, test } from "bun:test";
import { createBookBuilder } from "../../../../server/domain/book/book-builder.ts";
import { type BookDiff, type LevelList, readBookImage } from "../../../../server/domain/book/book-text.ts";
import { createBookWindow } from "../../../../server/domain/book/book-window.ts";
import { createPriceLevels } from "../../../../server/domain/book/price-levels.ts";

const decimals = { price: 2, quantity: 2 };
const none: LevelList = { prices: [], quantities: [] };
const levels = (...pairs: [number, number][]): LevelList => ({
  prices: pairs.map(([price]) => price),
  quantities: pairs.map(([, quantity]) => quantity),
});

/** A diff of these ids that sets the bid at 10 to its last id. */
function diff(firstId: number, lastId: number, previousId: number | null = null): BookDiff {
  return { firstId, lastId, previousId, bids: levels([10, lastId]), asks: none, decimals };
}

const restBook = (lastUpdateId: number) => ({
  lastUpdateId,
  bids: levels([10, 1], [9, 5]),
  asks: levels([11, 3]),
  decimals,
});

test("a REST book is merged with the diffs received before it: older diffs are dropped, the first may reach over its id", () => {
  const book = createBookBuilder();
  expect([diff(101, 103), diff(104, 106), diff(107, 108)].map(book.diff)).toEqual(["held", "held", "held"]);
  expect(book.restBook(restBook(105))).toBe("begun");
  expect([book.lastId(), book.lastDiff()?.lastId]).toEqual([108, 108]);
  expect(book.bids.top(9)).toEqual(levels([10, 108], [9, 5]));
  expect(book.diff(diff(109, 109))).toBe("updated");
  // The hourly book is older than the book, which it would turn back.
  expect(book.restBook(restBook(107))).toBe("ignored");
  expect(book.bids.quantityAt(10)).toBe(109);
});

test("a REST book ahead of the diffs is the book at once; the first diff that reaches over it counts", () => {
  const book = createBookBuilder();
  book.diff(diff(101, 103));
  expect([book.restBook(restBook(105)), book.lastId(), book.lastDiff()]).toEqual(["begun", 105, null]);
  expect([diff(104, 105), diff(106, 110)].map(book.diff)).toEqual(["ignored", "updated"]);
});

test("a REST book older than the held diffs makes no book", () => {
  const book = createBookBuilder();
  book.diff(diff(107, 108));
  expect([book.restBook(restBook(105)), book.isValid()]).toEqual(["ignored", false]);
  expect([book.restBook(restBook(106)), book.isValid()]).toEqual(["begun", true]);
});

test("from missing ids on there is no book, until a REST book that reaches the diffs behind them", () => {
  const book = createBookBuilder();
  book.restBook(restBook(100));
  expect([diff(101, 102), diff(104, 105), diff(106, 107)].map(book.diff)).toEqual(["updated", "lost", "held"]);
  expect([book.isValid(), book.restBook(restBook(102)), book.restBook(restBook(104))]).toEqual([
    false,
    "ignored",
    "begun",
  ]);
  expect([book.lastId(), book.bids.quantityAt(10)]).toEqual([107, 107]);
});

test("a diff of a slower connection that comes late fills the hole", () => {
  const book = createBookBuilder();
  book.restBook(restBook(100));
  expect([diff(103, 104), diff(105, 106), diff(101, 102)].map(book.diff)).toEqual(["lost", "held", "begun"]);
  expect([book.lastId(), book.bids.quantityAt(10), book.diff(diff(103, 104))]).toEqual([106, 106, "ignored"]);
});

test("a recorded gap ends with a diff that follows without a missing id, or with a REST book", () => {
  const book = createBookBuilder();
  book.restBook(restBook(100));
  expect([book.gap(), book.gap(), book.isValid()]).toEqual(["lost", "ignored", false]);
  expect(book.diff(diff(101, 102))).toBe("begun");
  book.gap();
  expect([book.diff(diff(104, 105)), book.restBook(restBook(104))]).toEqual(["held", "begun"]);
});

test("futures: a diff follows the diff that it names, though update ids have holes", () => {
  const book = createBookBuilder();
  book.restBook(restBook(100));
  expect([diff(95, 104, 94), diff(110, 112, 104), diff(120, 125, 113)].map(book.diff)).toEqual([
    "updated",
    "updated",
    "lost",
  ]);
});

test("ids that begin again from below end the book, and the next REST book begins it", () => {
  const book = createBookBuilder();
  book.restBook(restBook(5000));
  const steps = Array.from({ length: 1001 }, (_, n) => book.diff(diff(n + 1, n + 1)));
  expect([new Set(steps.slice(0, 999)), steps[999]]).toEqual([new Set(["ignored"]), "lost"]);
  expect([book.restBook(restBook(1001)), book.lastId()]).toEqual(["begun", 1001]);
});

test("without a REST book the held diffs stay within their bound, and the newest still begin the book", () => {
  const book = createBookBuilder();
  for (let n = 1; n <= 25_000; n++) book.diff(diff(n, n));
  expect([book.restBook(restBook(14_000)), book.restBook(restBook(20_000)), book.lastId()]).toEqual([
    "ignored",
    "begun",
    25_000,
  ]);
});

test("a side keeps its levels in order, in any order of changes", () => {
  for (const name of ["bids", "asks"] as const) {
    const side = createPriceLevels(name);
    const plain = new Map<number, number>();
    for (let n = 0; n < 5000; n++) {
      const price = Math.floor(Math.random() ** 3 * 600) / 4 + 1;
      const quantity = Math.random() < 0.4 ? 0 : n;
      side.set(price, quantity);
      if (quantity === 0) plain.delete(price);
      else plain.set(price, quantity);
    }
    const sorted = [...plain].sort(([a], [b]) => (name === "bids" ? b - a : a - b));
    expect(side.top(1000)).toEqual(levels(...sorted));
    expect([side.size(), side.price(0), side.quantity(0)]).toEqual([plain.size, ...(sorted[0] as [number, number])]);
    expect([side.quantityAt(0.1), side.top(2).prices]).toEqual([0, sorted.slice(0, 2).map(([price]) => price)]);
  }
});

test("partial books are windows: what left comes first and is removed, an older window is left out", () => {
  const window = createBookWindow();
  const image = (id: number, bids: string) => {
    const read = readBookImage(`{"lastUpdateId":${id},"bids":${bids},"asks":[["12.00","1.00"]]}`);
    if (read === null) throw new Error("no image");
    return read;
  };
  expect(window.next(image(1, '[["10.00","1.00"],["9.00","2.00"]]'))).toEqual({
    bids: levels([10, 1], [9, 2]),
    asks: levels([12, 1]),
  });
  expect(window.next(image(3, '[["10.50","4.00"],["10.00","1.50"]]'))).toEqual({
    bids: levels([9, 0], [10.5, 4], [10, 1.5]),
    asks: none,
  });
  expect([window.next(image(2, "[]")), window.image()?.lastUpdateId]).toEqual([null, 3]);
});
