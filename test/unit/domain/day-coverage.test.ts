import { expect, test } from "bun:test";
import {
  coverageOfDay,
  type DayFacts,
  dayCoverage,
  minuteSpans,
} from "../../../server/domain/coverage/day-coverage.ts";
import { dateStartUs, dayUs } from "../../../server/domain/day.ts";

const date = "2026-11-22";
const start = dateStartUs(date);
const minute = 60_000_000;
const gap = (from: number, to: number, over: Partial<DayFacts["gaps"][number]> = {}) => ({
  from_us: start + from * minute,
  to_us: start + to * minute,
  cause: "reconnect" as const,
  missing: null,
  repaired: 0,
  ...over,
});
const facts = (over: Partial<DayFacts> = {}): DayFacts => ({
  day: { stream: "depth20", symbol: "BTCUSDT", date },
  gaps: [],
  rowsPerMinute: new Uint16Array(1440).fill(600),
  firstUs: start + 1,
  lastUs: start + dayUs - 1,
  untilUs: start + 2 * dayUs,
  sinceUs: start - dayUs,
  ...over,
});

test("a day without gaps is fully recorded", () => {
  expect(dayCoverage(facts())).toBe(1);
  expect(minuteSpans(facts())).toEqual([[0, 1440, "recorded"]]);
});

test("overlapping gaps count once, and their minutes are missing or partial", () => {
  const gaps = [gap(10.5, 13), gap(12, 14.25)];
  expect(dayCoverage(facts({ gaps }))).toBeCloseTo(1 - 3.75 / 1440, 10);
  expect(minuteSpans(facts({ gaps }))).toEqual([
    [0, 10, "recorded"],
    [10, 11, "partial"],
    [11, 14, "missing"],
    [14, 15, "partial"],
    [15, 1440, "recorded"],
  ]);
});

test("a fully backfilled gap is not missing, a partly backfilled gap is; a halt by the exchange does not count", () => {
  expect(dayCoverage(facts({ gaps: [gap(0, 100, { missing: 7, repaired: 7 })] }))).toBe(1);
  expect(dayCoverage(facts({ gaps: [gap(0, 144, { missing: 7, repaired: 6 })] }))).toBeCloseTo(0.9, 10);
  const halted = facts({ gaps: [gap(60, 90, { cause: "halted" })] });
  expect(dayCoverage(halted)).toBe(1);
  expect(minuteSpans(halted)[1]).toEqual([60, 90, "halted"]);
});

test("today counts up to the last finished minute, and later minutes are ahead", () => {
  const untilUs = start + 720 * minute + 20_000_000;
  const noon = facts({ untilUs, lastUs: untilUs - 5, gaps: [gap(0, 72)] });
  expect(dayCoverage(noon)).toBeCloseTo(1 - 72 / 720, 10);
  expect(minuteSpans(noon).slice(-2)).toEqual([
    [72, 720, "recorded"],
    [720, 1440, "ahead"],
  ]);
  expect(dayCoverage(facts({ untilUs: start + 5 }))).toBeNull();
});

test("a gap counts as soon as it is known, also in the running minute", () => {
  const untilUs = start + 720 * minute + 20_000_000;
  const missingS = (...gaps: DayFacts["gaps"]) => coverageOfDay(facts({ untilUs, gaps })).missingUs / 1e6;
  expect([missingS(gap(719.9, 720.1)), missingS(gap(720.1, 720.2)), missingS(gap(720, 2000))]).toEqual([12, 6, 20]);
  expect(missingS(gap(720.1, 720.2, { missing: 7, repaired: 7 }))).toBe(0);
  expect(minuteSpans(facts({ untilUs, gaps: [gap(720.1, 720.2)] })).slice(-2)).toEqual([
    [720, 721, "partial"],
    [721, 1440, "ahead"],
  ]);
});

test("silent minutes of a book are missing, minutes without trades are not", () => {
  const rowsPerMinute = new Uint16Array(1440).fill(600).fill(0, 100, 110);
  expect(minuteSpans(facts({ rowsPerMinute }))[1]).toEqual([100, 110, "missing"]);
  expect(dayCoverage(facts({ rowsPerMinute }))).toBeCloseTo(1 - 10 / 1440, 10);
  const trades = { stream: "aggTrade", symbol: "BTCUSDT", date };
  const ends = { firstUs: start + 4 * minute, lastUs: start + dayUs - 4 * minute };
  expect(dayCoverage(facts({ day: trades, rowsPerMinute, ...ends }))).toBe(1);
});

test("the time before the stream's very first record is no gap: it counts neither as recorded nor as missing", () => {
  const rowsPerMinute = new Uint16Array(1440).fill(600, 720).fill(0, 900, 912);
  const firstUs = start + 720 * minute + 30_000_000;
  const noon = facts({ rowsPerMinute, firstUs, sinceUs: firstUs, gaps: [gap(600, 721)] });
  expect(coverageOfDay(noon)).toEqual({ spanUs: 719.5 * minute, missingUs: 12.5 * minute, share: 1 - 12.5 / 719.5 });
  expect(minuteSpans(noon)).toEqual([
    [0, 720, "before"],
    [720, 721, "partial"],
    [721, 900, "recorded"],
    [900, 912, "missing"],
    [912, 1440, "recorded"],
  ]);
  const unknown = facts({ firstUs: null, lastUs: null, rowsPerMinute: new Uint16Array(1440), sinceUs: null });
  expect(dayCoverage(unknown)).toBeNull();
  expect(minuteSpans(unknown)).toEqual([[0, 1440, "before"]]);
});

test("a stream recorded on an earlier day misses the morning of a day that begins at noon", () => {
  const rowsPerMinute = new Uint16Array(1440).fill(600, 720);
  expect(dayCoverage(facts({ rowsPerMinute, firstUs: start + 720 * minute }))).toBeCloseTo(0.5, 10);
  expect(dayCoverage(facts({ firstUs: null, lastUs: null, rowsPerMinute: new Uint16Array(1440) }))).toBe(0);
});

test("trades may pause since midnight; a whole day without a trade is missing", () => {
  const trades = { stream: "aggTrade", symbol: "BTCUSDT", date };
  const silent = { day: trades, firstUs: null, lastUs: null, rowsPerMinute: new Uint16Array(1440) };
  expect(dayCoverage(facts({ ...silent, untilUs: start + 60 * minute }))).toBe(1);
  expect(dayCoverage(facts(silent))).toBe(0);
});
