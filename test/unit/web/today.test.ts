import { expect, test } from "bun:test";
import type { DayCoverage, MinuteSpan } from "../../../server/domain/queries.ts";
import { beginningOfToday, missingToday, receiveToday, todayOf } from "../../../web/src/state/today.ts";

const date = "2026-11-28";

function day(coverage: number | null, missing_s: number, spans: readonly MinuteSpan[]): DayCoverage {
  return { stream: "depth20", symbol: "BTCUSDT", date, coverage, missing_s, first_us: 1, spans };
}

const whole = day(1, 0, [
  [0, 600, "recorded"],
  [600, 1440, "ahead"],
]);

test("the page speaks of the stream that misses most", () => {
  const short = day(0.999, 36, [
    [0, 300, "recorded"],
    [300, 301, "partial"],
    [301, 600, "recorded"],
    [600, 1440, "ahead"],
  ]);
  receiveToday({ date, gaps: 1, days: [whole, short, whole] });
  expect([missingToday.value, beginningOfToday.value]).toEqual([36, { date, minute: 0 }]);
  expect(todayOf("BTCUSDT").value).toMatchObject({ coverage: 0.999, missingS: 36, dueS: 36_000 });
});

test("on the day of the first start only the time since then is due, and the latest beginning is named", () => {
  const late = day(1, 0, [
    [0, 540, "before"],
    [540, 600, "recorded"],
    [600, 1440, "ahead"],
  ]);
  receiveToday({ date, gaps: 0, days: [late, whole] });
  expect([missingToday.value, beginningOfToday.value]).toEqual([0, { date, minute: 540 }]);
  expect(todayOf("BTCUSDT").value).toMatchObject({ coverage: 1, missingS: 0, dueS: 3600 });
});

test("nothing is said of streams that are not known yet", () => {
  receiveToday({ date, gaps: 0, days: [day(null, 0, [[0, 1440, "before"]])] });
  expect([missingToday.value, beginningOfToday.value]).toEqual([null, null]);
});
