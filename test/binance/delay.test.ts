import { expect, test } from "bun:test";
import { createDelayEstimator } from "../../server/binance/delay.ts";

const t0 = 1_763_800_000_000;

test("the delay is unknown until both the clock offset and an event time are known", () => {
  const delay = createDelayEstimator();
  expect(delay.estimateMs("BTCUSDT")).toBeNull();
  delay.observe("BTCUSDT", t0, (t0 + 40) * 1000);
  expect(delay.estimateMs("BTCUSDT")).toBeNull();
  delay.setClockOffset(10);
  expect(delay.estimateMs("BTCUSDT")).toBe(30);
});

test("a symbol without event times takes the estimate of the others, a ping serves where there is none", () => {
  const delay = createDelayEstimator();
  delay.setClockOffset(-5);
  delay.observePing(t0, (t0 + 20) * 1000);
  expect(delay.estimateMs("SOLUSDT")).toBe(25);
  delay.observe("BTCUSDT", t0 + 1000, (t0 + 1020) * 1000);
  expect(delay.estimateMs("SOLUSDT")).toBe(25);
  expect(delay.estimateMs("BTCUSDT")).toBe(25);
});

test("the estimate follows a lasting change and is not thrown by one late message", () => {
  const delay = createDelayEstimator();
  delay.setClockOffset(0);
  for (let n = 0; n < 50; n++) delay.observe("X", t0 + n * 100, (t0 + n * 100 + 50) * 1000);
  delay.observe("X", t0 + 5000, (t0 + 5000 + 550) * 1000);
  expect(delay.estimateMs("X")).toBe(100);
  for (let n = 0; n < 100; n++) delay.observe("X", t0 + 6000 + n * 100, (t0 + 6000 + n * 100 + 200) * 1000);
  expect(delay.estimateMs("X")).toBe(200);
});
