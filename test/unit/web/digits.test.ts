import { expect, test } from "bun:test";
import { grouped, shortQuantity, splitMoved, trimmed } from "../../../web/src/present/digits.ts";
import { quoteUnits } from "../../../web/src/present/units.ts";

test("digits are grouped before the point only, and none is lost", () => {
  expect(grouped("86704.77000001")).toBe("86,704.77000001");
  expect([grouped("0.00001234"), grouped("123"), grouped("1234567")]).toEqual(["0.00001234", "123", "1,234,567"]);
});

test("zeros at the end go, but two decimals stay", () => {
  expect([trimmed("1.50000000"), trimmed("0.00001230"), trimmed("7")]).toEqual(["1.50", "0.0000123", "7.00"]);
});

test("the digits that moved begin with the first difference; a price of another length has none", () => {
  expect(splitMoved("87,034.855", "87,031.100")).toEqual(["87,03", "4.855"]);
  expect(splitMoved("100.0", "99.9")).toEqual(["100.0", ""]);
  expect(splitMoved("100.0", null)).toEqual(["100.0", ""]);
});

test("large quantities are short", () => {
  expect([shortQuantity("27512345678.00"), shortQuantity("12500000"), shortQuantity("9999.5")]).toEqual([
    "27.5\u00a0B",
    "12.5\u00a0M",
    "9,999.5",
  ]);
});

test("a symbol names what its quantities and prices are in", () => {
  expect([quoteUnits("BTCUSDT"), quoteUnits("币安人生USDT"), quoteUnits("ETHBTC"), quoteUnits("USDT")]).toEqual([
    ["BTC", "USDT"],
    ["币安人生", "USDT"],
    ["ETH", "BTC"],
    ["", ""],
  ]);
});
