import { afterEach, expect, test } from "bun:test";
import { arrange, filter, order, sortBy } from "../../../web/src/components/symbols/symbol-order.ts";
import { receive } from "../../../web/src/state/state.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";

afterEach(() => {
  filter.value = "";
  order.value = null;
});

const plain = fakeStatus(1, 3);
const rates = [5, 30, 10];
const delays = [null, 7, 90];
receive({
  ...plain,
  symbols: plain.symbols.map((symbol, i) => ({
    ...symbol,
    messages_per_s: rates[i] ?? 0,
    delay_ms: delays[i] ?? null,
    delay_p99_ms: delays[i] ?? null,
  })),
});

test("without a choice the order is the recorder's own", () => {
  expect(arrange()).toEqual(["BTCUSDT", "ETHUSDT", "SOLUSDT"]);
});

test("numbers begin with the largest, and a second choice turns the order round", () => {
  sortBy("rate");
  expect(arrange()).toEqual(["ETHUSDT", "SOLUSDT", "BTCUSDT"]);
  sortBy("rate");
  expect(arrange()).toEqual(["BTCUSDT", "SOLUSDT", "ETHUSDT"]);
});

test("names begin at A", () => {
  sortBy("symbol");
  expect(arrange()).toEqual(["BTCUSDT", "ETHUSDT", "SOLUSDT"]);
});

test("unknown values come last either way", () => {
  sortBy("p99");
  expect(arrange()).toEqual(["SOLUSDT", "ETHUSDT", "BTCUSDT"]);
  sortBy("p99");
  expect(arrange()).toEqual(["ETHUSDT", "SOLUSDT", "BTCUSDT"]);
});

test("the filter takes any part of a name in any case", () => {
  filter.value = " th";
  expect(arrange()).toEqual(["ETHUSDT"]);
});

test("a symbol that is no longer recorded is gone", () => {
  receive(fakeStatus(2, 2));
  expect(arrange()).toEqual(["BTCUSDT", "ETHUSDT"]);
});
