import { expect, test } from "bun:test";
import { createMidHistory, keptValues, midOf } from "../../../server/monitor/mid-prices.ts";

const minuteUs = 60_000_000;
const startUs = 1_000 * minuteUs;
const book = (price: number) =>
  `{"lastUpdateId":1,"bids":[["${price - 1}.00","2.0"]],"asks":[["${price + 1}.00","1.0"]]}`;

test("the mid price is the mean of the best bid and ask, without stray digits; a book without a side has none", () => {
  expect(midOf('{"lastUpdateId":7,"bids":[["0.10","1"],["0.05","1"]],"asks":[["0.20","1"]]}')).toBe(0.15);
  expect(midOf('{"lastUpdateId":7,"bids":[["86704.77000000","1"]],"asks":[["86704.78000000","1"]]}')).toBe(86704.775);
  expect(midOf('{"lastUpdateId":7,"bids":[],"asks":[["0.20","1"]]}')).toBeNull();
});

test("two minutes by the second and an hour by the minute are kept, and no more, however long it runs", () => {
  const mids = createMidHistory(["BTCUSDT", "ETHUSDT"]);
  expect(mids.newest("BTCUSDT")).toBeNull();
  for (let second = 0; second < 3 * 3600; second++) {
    const recv_us = startUs + second * 1e6;
    mids.sample(recv_us, (symbol) =>
      symbol === "BTCUSDT" ? { symbol, recv_us, net_delay_ms: null, book: book(second) } : "no_data",
    );
  }
  expect(mids.newest("BTCUSDT")).toBe(3 * 3600 - 1);
  const recent = mids.recent("BTCUSDT");
  expect(recent).toHaveLength(keptValues);
  expect(recent.at(0)).toEqual([startUs + (3 * 3600 - keptValues) * 1e6, 3 * 3600 - keptValues]);
  const { from_us, step_s, symbols } = mids.hour(startUs + 3 * 60 * minuteUs - 1);
  expect([from_us, step_s]).toEqual([startUs + 120 * minuteUs, 60]);
  expect(symbols[0]?.mids).toEqual(Array.from({ length: 60 }, (_, n) => (120 + n) * 60 + 59));
  expect(symbols[1]).toEqual({ symbol: "ETHUSDT", mids: Array.from({ length: 60 }, () => null) });
});

test("a silent book gives no further values, and a restart keeps the hour", () => {
  const before = createMidHistory(["BTCUSDT"]);
  for (let second = 1; second < 90; second++)
    before.sample(startUs + second * 1e6, (symbol) => {
      const recv_us = startUs + Math.min(second, 70) * 1e6;
      return { symbol, recv_us, net_delay_ms: null, book: book(second) };
    });
  expect(before.recent("BTCUSDT")).toHaveLength(70);
  const saved = before.save("BTCUSDT");
  if (saved === null) throw new Error("nothing was saved");
  const after = createMidHistory(["BTCUSDT"]);
  after.restore("BTCUSDT", saved);
  after.restore("GONEUSDT", saved);
  expect(after.hour(startUs + 2 * minuteUs)).toEqual(before.hour(startUs + 2 * minuteUs));
  expect(after.hour(startUs + 2 * minuteUs).symbols[0]?.mids.slice(-3)).toEqual([59, 70, null]);
  expect(after.save("BTCUSDT")).toEqual(saved);
});
