import { expect, test } from "bun:test";
import { type Day, dateStartUs, dayUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import type { RecordedDay } from "../../../server/storage/list/day-files.ts";
import { gapsOfDays } from "../../../server/storage/recorded-gaps.ts";

const [first, second, third, fourth] = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"] as const;
const series = { stream: "depth20", symbol: "BTCUSDT" };
const day = (date: string, gaps: RecordedDay["gaps"]): RecordedDay => ({ ...series, date, gaps });
const gap = (fromUs: number, toUs: number, more: Partial<Gap> = {}): Gap => ({
  ...series,
  from_us: fromUs,
  to_us: toUs,
  cause: "crash",
  missing: null,
  repaired: 0,
  ...more,
});

test("a merged day has the gaps of its manifest, other days those of the recorder's list, even without files; gaps join across midnight", () => {
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

test("adjacent gaps with different causes stay separate", () => {
  const midnight = dateStartUs(second);
  const days = [
    day(first, [gap(midnight - 5, midnight)]),
    day(second, [gap(midnight, midnight + 5, { cause: "restart" })]),
  ];
  expect(gapsOfDays(days, () => null).gaps).toHaveLength(2);
});

test("gaps that meet within a day keep their own numbers, so that a settled gap hides no open gap and an open gap opens no other", () => {
  const midnight = dateStartUs(second);
  const open = gap(midnight - 20, midnight - 10, { missing: 7 });
  const settled = gap(midnight - 10, midnight + 10, { missing: 5, repaired: 5 });
  const later = gap(midnight + 10, midnight + 20, { missing: 3 });
  const days = [
    day(first, [open, { ...settled, to_us: midnight }]),
    day(second, [{ ...settled, from_us: midnight }, later]),
  ];
  expect(gapsOfDays(days, () => null).gaps).toEqual([open, settled, later]);
});

test("without a gap list, no gaps are known", () => {
  const { gaps, watched } = gapsOfDays([day(first, null)], () => null);
  expect(gaps).toEqual([]);
  expect(watched.size).toBe(0);
});
