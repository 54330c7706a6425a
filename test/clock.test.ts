import { expect, test } from "bun:test";
import { createReceiveClock, createStepWatch } from "../server/clock.ts";

function hands(wallMs: number) {
  const time = { wallMs, monotonicMs: 5000.25 };
  const clock = createReceiveClock({ wallMs: () => Math.floor(time.wallMs), monotonicMs: () => time.monotonicMs });
  const pass = (ms: number) => {
    time.wallMs += ms;
    time.monotonicMs += ms;
  };
  return { clock, time, pass };
}

test("recv_us keeps to the wall clock's millisecond and resolves microseconds", () => {
  const { clock, time, pass } = hands(1_763_800_000_000);
  const seen = new Set<number>();
  for (let n = 0; n < 1000; n++) {
    pass(0.137);
    const us = clock.nowUs();
    expect(Number.isInteger(us)).toBe(true);
    expect(us).toBeGreaterThanOrEqual(Math.floor(time.wallMs) * 1000);
    expect(us).toBeLessThan(Math.floor(time.wallMs) * 1000 + 1100);
    seen.add(us);
  }
  expect(seen.size).toBeGreaterThan(990);
});

test("a wall clock stepped forward is followed at once", () => {
  const { clock, time, pass } = hands(1_763_800_000_000);
  clock.nowUs();
  time.wallMs += 5000;
  pass(1);
  expect(Math.abs(clock.nowUs() - time.wallMs * 1000)).toBeLessThan(1500);
});

test("a wall clock stepped back makes recv_us neither run back nor stand still", () => {
  const { clock, time, pass } = hands(1_763_800_000_000);
  let before = clock.nowUs();
  time.wallMs -= 3_600_000;
  for (let n = 0; n < 100; n++) {
    pass(10);
    const now = clock.nowUs();
    expect(now - before).toBeGreaterThan(9_900);
    expect(now - before).toBeLessThan(10_100);
    before = now;
  }
});

test("a small lead over the wall clock is worked off without a step", () => {
  const { clock, time, pass } = hands(1_763_800_000_000);
  clock.nowUs();
  time.wallMs -= 20;
  for (let n = 0; n < 40_000; n++) {
    pass(1);
    clock.nowUs();
  }
  expect(Math.abs(clock.nowUs() - time.wallMs * 1000)).toBeLessThan(1100);
});

test("steps of the wall clock are told from drift and slewing, forward and back", () => {
  const now = { wall: 1_000_000, monotonic: 0 };
  const watch = createStepWatch({ wallMs: () => now.wall, monotonicMs: () => now.monotonic });
  const steps = [0, 3, -3, 40, 3_600_000, 0, -120, 0].map((stepMs) => {
    now.wall += 1000 + stepMs;
    now.monotonic += 1000;
    return watch.look();
  });
  expect(steps).toEqual([0, 0, 0, 0, 3_600_000, 0, -120, 0]);
});
