import { expect, test } from "bun:test";
import { createLadder } from "../../../web/src/present/ladder.ts";

test("prices and quantities keep the exchange's digits, less the zeros that no level needs", () => {
  const { bids, asks } = createLadder([["86704.77000000", "4.67805000"]], [["86704.80000000", "10.00000000"]]);
  expect(bids[0]).toMatchObject({ price: "86,704.77", quantity: "4.67805", total: "4.67805" });
  expect(asks[0]).toMatchObject({ price: "86,704.80", quantity: "10", padding: ".00000", total: "10.00000" });
});

test("small prices keep all their decimals, and digits beyond a float's survive", () => {
  const { bids } = createLadder([["0.00001234", "123456789012345678.00000000"]], []);
  expect(bids[0]).toMatchObject({ price: "0.00001234", exact: "123,456,789,012,345,678" });
});

test("mid, spread and share are those of the best prices and of all quantities", () => {
  const bids = [
    ["99.00", "3.0"],
    ["98.00", "1.0"],
  ] as const;
  const ladder = createLadder(bids, [["101.00", "1.0"]]);
  expect([ladder.mid, ladder.spread, ladder.spreadBp, ladder.bidShare]).toEqual(["100.000", "2.00", 200, 0.8]);
  expect(ladder.bids.map(({ depth }) => depth)).toEqual([0.75, 1]);
  expect(ladder.asks.map(({ depth }) => depth)).toEqual([0.25]);
});

test("an empty side is no number but a dash", () => {
  const nothing = { bids: [], asks: [], mid: "–", middle: null, spread: "–", spreadBp: null, bidShare: null };
  expect(createLadder([], [])).toMatchObject(nothing);
});
