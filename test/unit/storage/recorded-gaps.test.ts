import { expect, test } from "bun:test";
import { type Day, dateStartUs, dayUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import type { RecordedDay } from "../../../server/storage/list/day-files.ts";
import { gapsOfDays } from "../../../server/storage/recorded-gaps.ts";

const [first, second, third, fourth] = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"] as const;
const of = { stream: "depth20", symbol: "BTCUSDT" };
const day = (date: string, gaps: RecordedDay["gaps"]): RecordedDay => ({ ...of, date, gaps });
const gap = (fromUs: number, toUs: number, more: Partial<Gap> = {}): Gap => ({
  ...{ ...of, from_us: fromUs, to_us: toUs, cause: "crash", missing: null, repaired: 0 },
  ...more,
});

test("a merged day has the gaps of its manifest, another those of the recorder's list, days without any file included; over midnight they are one", () => {
  const start = dateStartUs(second) - 5;
  const end = dateStartUs(fourth) + 7;
  const listed = (asked: Day) => {
    const from = dateStartUs(asked.date);
    if (asked.date === third) return [gap(from, from + dayUs)];
    return asked.date === fourth ? [gap(from, end), gap(end + 5, end + 6)] : [gap(1, 2)];
  };
  const days = [
    day(first, [gap(start, dateStartUs(second))]),
    day(second, [gap(dateStartUs(second), dateStartUs(third))]),
    day(fourth, null),
  ];
  const { gaps, watched } = gapsOfDays(days, listed);
  expect(gaps).toEqual([gap(start, end), gap(end + 5, end + 6)]);
  expect([...watched]).toEqual([first, second, fourth]);
});

test("gaps that touch and have another cause stay apart", () => {
  const midnight = dateStartUs(second);
  const days = [
    day(first, [gap(midnight - 5, midnight)]),
    day(second, [gap(midnight, midnight + 5, { cause: "restart" })]),
  ];
  expect(gapsOfDays(days, () => null).gaps).toHaveLength(2);
});

test("where no list was kept, nothing is known", () => {
  const { gaps, watched } = gapsOfDays([day(first, null)], () => null);
  expect(gaps).toEqual([]);
  expect(watched.size).toBe(0);
});
