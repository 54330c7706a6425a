import { expect, test } from "bun:test";
import { coverageOf, type ReceivedDay, recordedSince, silentSpans } from "../../../server/domain/coverage/coverage.ts";
import { dateStartUs, dayUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";

const date = "2026-11-21";
const start = dateStartUs(date);
const minute = 60_000_000;
const whole = { fromUs: start, toUs: start + dayUs };

/** Creates a day with records in every minute except those for which `empty` returns true. */
function day(empty: (minute: number) => boolean = () => false, onDate = date): ReceivedDay {
  const rowsPerMinute = Array.from({ length: 1440 }, (_, n) => (empty(n) ? 0 : 600));
  const from = dateStartUs(onDate);
  const [first, last] = [rowsPerMinute.findIndex((n) => n > 0), rowsPerMinute.findLastIndex((n) => n > 0)];
  return {
    date: onDate,
    firstUs: from + first * minute + 80_000,
    lastUs: from + (last + 1) * minute - 20_000,
    rowsPerMinute,
  };
}

function gap(from: number, to: number, more: Partial<Gap> = {}): Gap {
  const span = { from_us: start + from * minute, to_us: start + to * minute };
  return { stream: "depth20", symbol: "BTCUSDT", cause: "reconnect", missing: null, repaired: 0, ...span, ...more };
}

test("a day with a record in every minute is fully covered", () => {
  expect(coverageOf("partialDepth", [day()], [], whole, start)).toEqual({ spanUs: dayUs, missingUs: 0, share: 1 });
});

test("gaps count by the µs, and time in several gaps or empty minutes counts once", () => {
  const gaps = [gap(10, 12.5), gap(12, 13), gap(12, 12.25), gap(100, 100.5)];
  const { missingUs } = coverageOf("partialDepth", [day((n) => n === 10 || n === 11)], gaps, whole);
  expect(missingUs).toBe(3.5 * minute);
});

test("a gap that was backfilled in full, or in which the symbol was halted, does not reduce coverage", () => {
  const closed = [
    gap(10, 12, { missing: 5, repaired: 5 }),
    gap(20, 30, { cause: "halted" }),
    gap(40, 41, { missing: 0 }),
  ];
  expect(coverageOf("partialDepth", [day((n) => n >= 20 && n < 30)], closed, whole).missingUs).toBe(0);
  const partlyBackfilled = [gap(10, 12, { missing: 5, repaired: 4 })];
  expect(coverageOf("aggTrade", [day()], partlyBackfilled, whole).missingUs).toBe(2 * minute);
});

test("an empty minute without a gap is missing from a book; trades may pause", () => {
  const days = [day((n) => n === 700)];
  expect(coverageOf("partialDepth", days, [], whole).missingUs).toBe(minute);
  expect(coverageOf("diffDepth", days, [], whole).missingUs).toBe(minute);
  expect(coverageOf("aggTrade", days, [], whole).missingUs).toBe(0);
  expect(silentSpans("partialDepth", days, [], whole)).toEqual([
    { fromUs: start + 700 * minute, toUs: start + 701 * minute },
  ]);
});

test("time before the very first record is not due: it is no part of the span and no gap lies in it", () => {
  const days = [day((n) => n < 720), day(() => false, "2026-11-22")];
  const sinceUs = days[0]?.firstUs ?? 0;
  for (const kind of ["partialDepth", "aggTrade", "depthSnapshot"] as const) {
    expect(coverageOf(kind, days, [gap(600, 720)], whole)).toEqual({
      spanUs: start + dayUs - sinceUs,
      missingUs: 0,
      share: 1,
    });
    expect(coverageOf(kind, [], [gap(0, 10)], whole)).toEqual({ spanUs: 0, missingUs: 0, share: null });
  }
});

test("if retention removed the first days, a manifest still knows that the stream is older: its silence counts", () => {
  const [known] = [day((n) => n < 720)];
  const days = [{ ...(known as ReceivedDay), sinceUs: start - 30 * dayUs }];
  expect(recordedSince(days, [])).toBe(start - 30 * dayUs);
  expect(coverageOf("partialDepth", days, [], whole).share).toBe(0.5);
});

test("days without a record are missing from every stream, minutes after the last record only from a book", () => {
  const days = [day(), day((n) => n >= 1430, "2026-11-23")];
  const three = { fromUs: start, toUs: start + 3 * dayUs };
  expect(coverageOf("partialDepth", days, [], three).missingUs).toBe(dayUs + 10 * minute);
  for (const kind of ["aggTrade", "depthSnapshot"] as const)
    expect(coverageOf(kind, days, [], three).missingUs).toBe(dayUs);
});

test("trades that begin late in a day have paused; this is not missing time if there were trades the day before", () => {
  const days = [day(() => false, "2026-11-20"), day((n) => n < 3), day(() => false, "2026-11-22")];
  expect(coverageOf("aggTrade", days, [], whole).missingUs).toBe(0);
  expect(coverageOf("partialDepth", days, [], whole).missingUs).toBe(3 * minute);
});

test("without counts by minute, the gaps and the first and last record still decide coverage", () => {
  const quick = { ...day(), firstUs: start + 60 * minute + 1, lastUs: start + 120 * minute - 1, rowsPerMinute: null };
  const hour = { fromUs: start + 60 * minute, toUs: start + 120 * minute };
  expect(coverageOf("partialDepth", [quick], [gap(70, 85)], hour, start).share).toBe(0.75);
  expect(coverageOf("partialDepth", [quick], [], whole, start).missingUs).toBe(dayUs - 60 * minute);
});

test("an empty span has no share", () => {
  expect(coverageOf("trade", [day()], [], { fromUs: start, toUs: start })).toEqual({
    spanUs: 0,
    missingUs: 0,
    share: null,
  });
});

test("a gap in which the very first records were lost is missing, although no record is before it", () => {
  const days = [day((n) => n < 10)];
  const lost = (cause: Gap["cause"]) => coverageOf("aggTrade", days, [gap(5, 10, { cause })], whole).missingUs;
  for (const cause of ["disk", "overflow", "crash"] as const) expect([cause, lost(cause)]).toEqual([cause, 5 * minute]);
  for (const cause of ["exchange_down", "reconnect"] as const) expect([cause, lost(cause)]).toEqual([cause, 0]);
});

test("a gap on a day before the first record does not begin the stream: a wrong clock may have stamped it", () => {
  const days = [day()];
  expect(recordedSince(days, [gap(-10 * 1440, -9 * 1440, { cause: "disk" })])).toBe(days[0]?.firstUs ?? 0);
});
