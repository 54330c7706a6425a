import { expect, test } from "bun:test";
import { type ClockStep, createReceiveClock } from "../../../server/platform/time/receive-clock.ts";

function createTestClock(wallMs: number) {
  const time = { wallMs, monotonicMs: 5000.25 };
  const clock = createReceiveClock({ wallMs: () => Math.floor(time.wallMs), monotonicMs: () => time.monotonicMs });
  const pass = (ms: number) => {
    time.wallMs += ms;
    time.monotonicMs += ms;
  };
  return { clock, time, pass };
}

test("recv_us matches the wall clock to the millisecond and resolves microseconds", () => {
  const { clock, time, pass } = createTestClock(1_763_800_000_000);
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

test("stamps follow a forward step of the wall clock at once", () => {
  const { clock, time, pass } = createTestClock(1_763_800_000_000);
  clock.nowUs();
  time.wallMs += 5000;
  pass(1);
  expect(Math.abs(clock.nowUs() - time.wallMs * 1000)).toBeLessThan(1500);
});

test("stamps follow a backward step of the wall clock at once, while steady time continues undisturbed", () => {
  const { clock, time, pass } = createTestClock(1_763_800_000_000);
  const steps: ClockStep[] = [];
  clock.onStep((step) => steps.push(step));
  for (const stepMs of [-3_600_000, 5_184_000_000, -5_184_000_000, -60, 86_400_000 * 365 * -50]) {
    let before = clock.steadyUs();
    const stampUs = clock.nowUs();
    time.wallMs += stepMs;
    for (let n = 0; n < 100; n++) {
      pass(10);
      const now = clock.steadyUs();
      expect(now - before).toBeGreaterThan(9_900);
      expect(now - before).toBeLessThan(10_100);
      expect(Math.abs(clock.stampOf(now) - time.wallMs * 1000)).toBeLessThan(1500);
      before = now;
    }
    expect(Math.abs(clock.nowUs() - stampUs - stepMs * 1000 - 1_000_000)).toBeLessThan(3000);
  }
  expect(steps.map(({ fromUs, toUs }) => Math.round((toUs - fromUs) / 100_000) / 10)).toEqual([
    -3600, 5_184_000, -5_184_000, -0.1, -1_576_800_000,
  ]);
});

test("times before a step keep their stamps, and a span across a step is split in two", () => {
  const { clock, time, pass } = createTestClock(1_763_800_000_000);
  const first = clock.steadyUs();
  const stamp = clock.stampOf(first);
  pass(2000);
  clock.steadyUs();
  time.wallMs -= 7_200_000;
  pass(3000);
  const second = clock.steadyUs();
  expect(clock.stampOf(first)).toBe(stamp);
  const spans = clock.spansOf(first, second);
  expect(spans.map(({ fromUs, toUs }) => Math.round((toUs - fromUs) / 1e6))).toEqual([2, 3]);
  expect(spans[0]?.fromUs).toBe(stamp);
  expect(spans[1]?.toUs).toBe(clock.stampOf(second));
  expect(clock.steadyOf(clock.stampOf(second))).toBe(second);
});

test("a sleeping machine is distinguished from a clock that was set forward", () => {
  const time = { wallMs: 1_763_800_000_000, monotonicMs: 1000, bootMs: 50_000 };
  const clock = createReceiveClock({
    wallMs: () => time.wallMs,
    monotonicMs: () => time.monotonicMs,
    bootMs: () => time.bootMs,
  });
  const steps: ClockStep[] = [];
  clock.onStep((step) => steps.push(step));
  const before = clock.steadyUs();
  time.wallMs += 3_600_000;
  time.bootMs += 3_600_000;
  expect(Math.round((clock.steadyUs() - before) / 1e6)).toBe(3600);
  expect([steps.length, clock.sleeps()]).toEqual([0, 1]);
  time.wallMs += 3_600_000;
  expect(Math.round((clock.steadyUs() - before) / 1e6)).toBe(3600);
  expect([steps.length, clock.sleeps()]).toEqual([1, 1]);
});

test("a small lead over the wall clock is reduced without a step", () => {
  const { clock, time, pass } = createTestClock(1_763_800_000_000);
  clock.nowUs();
  time.wallMs -= 20;
  for (let n = 0; n < 40_000; n++) {
    pass(1);
    clock.nowUs();
  }
  expect(Math.abs(clock.nowUs() - time.wallMs * 1000)).toBeLessThan(1100);
});

test("clock steps are distinguished from drift and slewing, forward and back", () => {
  const { clock, time, pass } = createTestClock(1_763_800_000_000);
  const steps: number[] = [];
  clock.onStep(({ fromUs, toUs }) => steps.push(Math.round((toUs - fromUs) / 1e4) / 100));
  for (const stepMs of [0, 3, -3, 40, 3_600_000, 0, -120, 0]) {
    time.wallMs += stepMs;
    pass(1000);
    clock.steadyUs();
  }
  expect(steps).toEqual([3600, -0.12]);
});
