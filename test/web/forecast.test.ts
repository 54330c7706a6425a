import { expect, test } from "bun:test";
import { secondsUntilEmpty } from "../../web/src/forecast.ts";

const hourOf = (free: (n: number) => number | null) => Array.from({ length: 360 }, (_, n) => free(n));

test("a disk that loses a steady megabyte a step is full when that has used up what is left", () => {
  const free = hourOf((n) => 1e9 - n * 1e6);
  expect(secondsUntilEmpty(free, 10)).toBeCloseTo(((1e9 - 359e6) / 1e6) * 10, 3);
});

test("noise and unknown steps do not change the pace", () => {
  const free = hourOf((n) => (n % 5 === 0 ? null : 1e9 - n * 1e6 + (n % 2 === 0 ? 3e5 : -3e5)));
  expect(secondsUntilEmpty(free, 10) ?? 0).toBeGreaterThan(6000);
  expect(secondsUntilEmpty(free, 10) ?? 0).toBeLessThan(6800);
});

test("a disk that does not fill up, or of which too little is known, has no end", () => {
  expect(
    secondsUntilEmpty(
      hourOf(() => 5e9),
      10,
    ),
  ).toBeNull();
  expect(
    secondsUntilEmpty(
      hourOf((n) => 1e9 + n),
      10,
    ),
  ).toBeNull();
  expect(
    secondsUntilEmpty(
      hourOf((n) => (n > 340 ? 1e9 - n * 1e6 : null)),
      10,
    ),
  ).toBeNull();
  expect(
    secondsUntilEmpty(
      hourOf((n) => 1e15 - n),
      10,
    ),
  ).toBeNull();
});
