import { expect, test } from "bun:test";
import { backoff } from "../../../server/platform/time/backoff.ts";

test("a wait begins with the first, grows by its factor and never exceeds the longest, however often it failed", () => {
  const doubled = { first: 250, longest: 30_000 };
  expect([0, 1, 2, 3, 20, 1e9].map((n) => backoff(doubled, n))).toEqual([250, 500, 1000, 2000, 30_000, 30_000]);
  expect([0, 1, 2, 3].map((n) => backoff({ first: 60, longest: 3600, growth: 4 }, n))).toEqual([60, 240, 960, 3600]);
  expect(backoff({ first: 0, longest: 10 }, 1e9)).toBe(0);
});

test("chance removes at most the share named as jitter, also from the longest wait", () => {
  const half = { first: 250, longest: 30_000, jitter: 0.5 };
  expect([0, 0.5, 1].map((random) => backoff(half, 0, random))).toEqual([250, 187.5, 125]);
  expect([0, 0.5, 1].map((random) => backoff(half, 20, random))).toEqual([30_000, 22_500, 15_000]);
  const waits = Array.from({ length: 1000 }, () => backoff(half, 1));
  for (const wait of waits) expect(wait >= 250 && wait <= 500).toBe(true);
  expect(new Set(waits).size).toBeGreaterThan(1);
});
