import { expect, test } from "bun:test";
import type { DayCoverage, MinuteSpan } from "../../../server/domain/queries.ts";
import { shareOfToday } from "../../../web/src/state/today.ts";

function day(coverage: number | null, spans: readonly MinuteSpan[]): DayCoverage {
  return { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-28", coverage, missing_s: 0, first_us: 1, spans };
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

test("on the day of the first start only the time since then is judged", () => {
  const started = day(1, [
    [0, 575, "before"],
    [575, 600, "recorded"],
    [600, 1440, "ahead"],
  ]);
  expect(shareOfToday([started])).toEqual({ share: 1, sinceMinute: 575 });
  expect(shareOfToday([day(null, [[0, 1440, "before"]])])).toBeNull();
});
