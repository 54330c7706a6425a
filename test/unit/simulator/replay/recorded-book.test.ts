import { expect, test } from "bun:test";
import { createRecordedBook } from "../../../../server/simulator/replay/recorded-book.ts";

const diff = (U: number, u: number, price = "10.50") =>
  `{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":${U},"u":${u},"b":[["${price}","${u}.00"]],"a":[]}`;
const image = (id: number) =>
  `{"lastUpdateId":${id},"bids":[["10.50","1.00"],["9.00","2.00"]],"asks":[["11.00","3.00"]]}`;

test("a REST book that arrives behind newer diffs does not turn the book back", () => {
  const book = createRecordedBook();
  for (const payload of [diff(101, 103), diff(104, 106)]) book.record("diffDepth", payload);
  book.record("depthSnapshot", image(104));
  expect(book.depth(5)).toBe(
    '{"lastUpdateId":106,"bids":[["10.50","106.00"],["9.00","2.00"]],"asks":[["11.00","3.00"]]}',
  );
});

test("without a REST book, and behind missing ids, the answer is the newest partial book, or the levels that diffs named", () => {
  const book = createRecordedBook();
  expect(book.depth(5)).toBe('{"lastUpdateId":0,"bids":[],"asks":[]}');
  book.record("diffDepth", diff(101, 103));
  book.record("diffDepth", diff(104, 106, "10.40"));
  expect(book.depth(1)).toBe('{"lastUpdateId":106,"bids":[["10.50","103.00"]],"asks":[]}');
  book.record("depthSnapshot", image(106));
  book.record("diffDepth", diff(109, 110, "10.60"));
  book.record("partialDepth", image(110));
  expect(book.depth(1)).toBe('{"lastUpdateId":110,"bids":[["10.50","1.00"]],"asks":[["11.00","3.00"]]}');
});
