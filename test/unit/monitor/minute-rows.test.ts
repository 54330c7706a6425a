import { expect, test } from "bun:test";
import { dateStartUs } from "../../../server/domain/day.ts";
import { createMinuteRows } from "../../../server/monitor/minute-rows.ts";

const day = dateStartUs("2026-11-22");
const minute = 60_000_000;

test("rows are counted by UTC minute, and midnight begins the next day", () => {
  const minutes = createMinuteRows(["a"]);
  for (const at of [0, minute - 1, minute, 1439 * minute]) minutes.count("a", day + at);
  const rows = minutes.rows("a", day);
  expect([rows?.[0], rows?.[1], rows?.[2], rows?.[1439]]).toEqual([2, 1, 0, 1]);
  expect(minutes.span("a", day)).toEqual({ firstUs: day, lastUs: day + 1439 * minute });
  minutes.count("a", day + 1440 * minute + 5);
  expect(minutes.rows("a", day)).toBeNull();
  expect(minutes.rows("a", day + 1440 * minute)?.reduce((sum, count) => sum + count, 0)).toBe(1);
});

test("counts survive a restart, even if rows arrived before they were restored", () => {
  const first = createMinuteRows(["a"]);
  first.count("a", day + minute);
  first.count("a", day + 2 * minute);
  const saved = first.save("a");
  const second = createMinuteRows(["a"]);
  second.count("a", day + 2 * minute + 5);
  if (saved !== null) second.restore("a", saved);
  expect([...(second.rows("a", day)?.slice(0, 4) ?? [])]).toEqual([0, 1, 2, 0]);
  expect(second.span("a", day)).toEqual({ firstUs: day + minute, lastUs: day + 2 * minute + 5 });
  const third = createMinuteRows(["a"]);
  if (saved !== null) third.restore("a", saved);
  third.count("a", day + 3 * minute);
  expect([...(third.rows("a", day)?.slice(0, 4) ?? [])]).toEqual([0, 1, 1, 1]);
});

test("yesterday's counts are not restored into today, and an unknown key is not counted", () => {
  const minutes = createMinuteRows(["a"]);
  minutes.count("a", day + 5);
  minutes.restore("a", {
    dayStart: day - 1440 * minute,
    firstUs: day - 7,
    lastUs: day - 5,
    rows: new Uint16Array(1440).fill(9),
  });
  minutes.count("b", day);
  expect(minutes.rows("a", day)?.reduce((sum, count) => sum + count, 0)).toBe(1);
  expect([minutes.rows("b", day), minutes.save("b")]).toEqual([null, null]);
});

test("a count that exceeds its range is stored as the maximum", () => {
  const minutes = createMinuteRows(["a"]);
  for (let n = 0; n < 70_000; n++) minutes.count("a", day);
  expect(minutes.rows("a", day)?.[0]).toBe(65_535);
});
