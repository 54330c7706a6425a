import { expect, test } from "bun:test";
import fc from "fast-check";
import { archivePath, dateOf, segmentName, segmentOfPath, segmentPath, windowOf } from "../../../server/domain/day.ts";

const us = (text: string) => Date.parse(text) * 1000;

test("file paths are those of the contract", () => {
  const day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-22" };
  expect(segmentPath("data", { ...day, name: "15-04" }, "open")).toBe(
    "data/live/stream=depth20/symbol=BTCUSDT/date=2026-11-22/15-04.jsonl",
  );
  expect(segmentPath("data", { ...day, name: "15-04" }, "sealed")).toEndWith("/15-04.jsonl.zst");
  expect(archivePath("data", day)).toBe(
    "data/archive/stream=depth20/symbol=BTCUSDT/date=2026-11-22/BTCUSDT-depth20-2026-11-22.jsonl.zst",
  );
});

test("the path of a segment identifies it, and other paths are rejected", () => {
  const segment = { stream: "aggTrade", symbol: "币安人生USDT", date: "2026-11-22", name: "15-04_02" };
  for (const state of ["open", "sealed"] as const) {
    expect(segmentOfPath(segmentPath("/srv/data", segment, state))).toEqual({ segment, state });
  }
  expect(segmentOfPath("/srv/data/live/stream=aggTrade/symbol=X/date=2026-11-22/15-04.jsonl.zst.tmp")).toBeNull();
  expect(segmentOfPath("/srv/data/15-04.jsonl")).toBeNull();
});

test("every moment is in exactly one window, and no window crosses midnight UTC", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: us("2020-01-01"), max: us("2040-01-01") }),
      fc.integer({ min: 1, max: 1440 }),
      (at, minutes) => {
        const window = windowOf(at, minutes);
        expect(window.startUs).toBeLessThanOrEqual(at);
        expect(window.endUs).toBeGreaterThan(at);
        expect(dateOf(window.startUs)).toBe(dateOf(window.endUs - 1));
        expect(windowOf(window.endUs - 1, minutes)).toEqual(window);
        expect(windowOf(window.endUs, minutes).startUs).toBe(window.endUs);
      },
    ),
  );
});

test("file names of a day sort by time, and further files of a window follow the first", () => {
  const names = ["00-00", segmentName("00-00", 2), segmentName("00-00", 10), "00-05", "23-55"].map(
    (name) => `${name}.jsonl.zst`,
  );
  expect([...names].sort()).toEqual(names);
});
