import { expect, test } from "bun:test";
import { createDelayEstimator } from "../../../server/binance/delay/delay-estimator.ts";

const t0 = 1_763_800_000_000;

test("the delay is unknown until both the clock offset and an event time are known", () => {
  const delay = createDelayEstimator();
  expect(delay.estimateMs("BTCUSDT")).toBeNull();
  delay.observe("BTCUSDT", t0, (t0 + 40) * 1000);
  expect(delay.estimateMs("BTCUSDT")).toBeNull();
  delay.setClockOffset(10);
  expect(delay.estimateMs("BTCUSDT")).toBe(30);
});

test("a symbol without event times takes the estimate of the other symbols, or of a ping if they have no estimate", () => {
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

test("median and 99th percentile are those of the last minute or two, within 5 %", () => {
  const delay = createDelayEstimator();
  delay.setClockOffset(0);
  expect(delay.quantilesMs("X")).toBeNull();
  const observe = (fromS: number, seconds: number, delayOf: (n: number) => number) => {
    for (let n = 0; n < seconds * 10; n++) {
      const eventMs = t0 + fromS * 1000 + n * 100;
      delay.observe("X", eventMs, (eventMs + delayOf(n)) * 1000);
    }
  };
  observe(0, 60, (n) => (n % 50 === 0 ? 900 : 80));
  const { p50, p99 } = delay.quantilesMs("X") ?? { p50: 0, p99: 0 };
  expect(Math.abs(p50 / 80 - 1)).toBeLessThan(0.05);
  expect(Math.abs(p99 / 900 - 1)).toBeLessThan(0.05);
  observe(300, 100, () => 20);
  expect(Math.abs((delay.quantilesMs("X")?.p99 ?? 0) / 20 - 1)).toBeLessThan(0.06);
});
