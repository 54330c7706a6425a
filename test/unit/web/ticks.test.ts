import { expect, test } from "bun:test";
import { decimalsOf, roundTicks, timeTicks } from "../../../web/src/present/ticks.ts";

const written = (least: number, largest: number, most: number) => {
  const { values, decimals } = roundTicks(least, largest, most);
  return values.map((value) => value.toFixed(decimals));
};

test("every mark of an axis is written exactly: a step of 2.5 prints 2.5, not 3", () => {
  expect(written(0, 9.8, 5)).toEqual(["0.0", "2.5", "5.0", "7.5", "10.0"]);
  expect(written(0, 0.093, 5)).toEqual(["0.000", "0.025", "0.050", "0.075", "0.100"]);
  expect(written(0.00001231, 0.00001239, 5)).toEqual([
    "0.00001230",
    "0.00001232",
    "0.00001234",
    "0.00001236",
    "0.00001238",
    "0.00001240",
  ]);
});

test("marks cover all values and are equally far apart, whatever the range", () => {
  for (const [least, largest] of [
    [0, 1],
    [-3, 17],
    [86_704.77, 86_712.1],
    [1e-9, 3e-9],
    [0, 612e9],
  ] as const) {
    const { values } = roundTicks(least, largest, 5);
    expect(values[0] as number).toBeLessThanOrEqual(least);
    expect(values.at(-1) as number).toBeGreaterThanOrEqual(largest);
    const steps = values.slice(1).map((value, n) => value - (values[n] as number));
    for (const step of steps) expect(Math.abs(step / (steps[0] as number) - 1)).toBeLessThan(1e-6);
  }
});

test("a single value has one mark", () => {
  expect(roundTicks(5, 5, 5)).toEqual({ values: [5], decimals: 0 });
  expect([decimalsOf(3), decimalsOf(2.5), decimalsOf(0.00001234)]).toEqual([0, 1, 8]);
});

test("moments of a time axis are whole seconds at least, round in the zone, and never double", () => {
  const { values, step } = timeTicks(1000.2, 1002.9, 9);
  expect([values, step]).toEqual([[1001, 1002], 1]);
  const kolkata = timeTicks(0, 86_400, 5, 19_800);
  expect(kolkata.values.map((at) => (at + 19_800) % 21_600)).toEqual(kolkata.values.map(() => 0));
});
