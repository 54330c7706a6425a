import { expect, test } from "bun:test";
import type { DayCoverage, MinuteSpan } from "../../../server/domain/queries.ts";
import { shareOfToday } from "../../../web/src/state/today.ts";

function day(coverage: number | null, spans: readonly MinuteSpan[]): DayCoverage {
  return { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-28", coverage, spans };
}

const whole = day(1, [
  [0, 600, "recorded"],
  [600, 1440, "ahead"],
]);

test("a day that begins with data is judged from midnight on, as the mean of its streams", () => {
  const half = day(0.5, [
    [0, 300, "recorded"],
    [300, 600, "missing"],
    [600, 1440, "ahead"],
  ]);
  expect(shareOfToday([whole, half])).toEqual({ share: 0.75, sinceMinute: 0 });
});

test("on the day of the first start only the whole minutes since then are judged", () => {
  const started = day(24.7 / 600, [
    [0, 575, "missing"],
    [575, 576, "partial"],
    [576, 600, "recorded"],
    [600, 1440, "ahead"],
  ]);
  expect(shareOfToday([started])).toEqual({ share: 1, sinceMinute: 576 });
});

test("trades that are proved complete since midnight do not hide that the books begin later", () => {
  const books = day(0.1, [
    [0, 540, "missing"],
    [540, 600, "recorded"],
    [600, 1440, "ahead"],
  ]);
  expect(shareOfToday([whole, books])).toEqual({ share: 1, sinceMinute: 540 });
});

test("what is lost after the beginning lowers the share, and a minute that is recorded in part never raises it", () => {
  const books = day(30.5 / 600, [
    [0, 539, "missing"],
    [539, 540, "partial"],
    [540, 570, "recorded"],
    [570, 600, "missing"],
    [600, 1440, "ahead"],
  ]);
  expect(shareOfToday([books])).toEqual({ share: 29.5 / 60, sinceMinute: 540 });
});

test("nothing is said before the first whole minute, nor of streams of which nothing is known", () => {
  const fresh = day(0.0004, [
    [0, 575, "missing"],
    [575, 576, "partial"],
    [576, 1440, "ahead"],
  ]);
  expect(shareOfToday([fresh])).toBeNull();
  expect(shareOfToday([day(null, [])])).toBeNull();
  expect(shareOfToday([])).toBeNull();
});
