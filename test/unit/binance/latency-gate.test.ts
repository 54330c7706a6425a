import { expect, test } from "bun:test";
import { createLatencyGate } from "../../../server/binance/delay/latency-gate.ts";

test('"mark" keeps late records and counts them; "drop" keeps none until the delay is well below the threshold again', () => {
  const delays = [null, 100, 1001, 900, 801, 790, 900, null, 1500, null];
  const mark = createLatencyGate({ thresholdMs: 1000, gate: "mark" });
  expect(delays.map((ms) => mark.admits("BTCUSDT", ms)).every((admitted) => admitted)).toBe(true);
  expect(mark.counts()).toEqual({ marked: 5, dropped: 0 });
  const drop = createLatencyGate({ thresholdMs: 1000, gate: "drop" });
  const kept = delays.map((ms) => drop.admits("BTCUSDT", ms));
  expect(kept).toEqual([true, true, false, false, false, true, true, true, false, false]);
  expect(drop.counts()).toEqual({ marked: 0, dropped: 5 });
  expect(drop.late()).toEqual(["BTCUSDT"]);
  expect(drop.admits("ETHUSDT", 5)).toBe(true);
});
