import { expect, test } from "bun:test";
import {
  age,
  bytes,
  coverage,
  decimal,
  duration,
  estimate,
  milliseconds,
  percent,
  rate,
} from "../../../server/text/amounts.ts";
import { dayName, fullDay, longDay, monthName, monthOnly, shortDay, weekday } from "../../../server/text/dates.ts";
import { lossText } from "../../../server/text/incident-figures.ts";
import { fill } from "../../../server/text/language.ts";

test("amounts are rounded to what people need, in the units of the language", () => {
  expect([0, 0.004, 0.213, 0.9999].map((share) => percent(share, "en"))).toEqual(["0%", "0.4%", "21%", "100%"]);
  expect([0, 999, 1400, 80e9, 1e12].map((value) => bytes(value, "en"))).toEqual([
    ...["0\u00a0B", "999\u00a0B", "1.40\u00a0kB", "80.0\u00a0GB", "1.00\u00a0TB"],
  ]);
  expect([1.84, 111.2, 9999, 12_340].map((ms) => milliseconds(ms, "ko"))).toEqual([
    ...["1.8\u00a0ms", "111\u00a0ms", "9,999\u00a0ms", "12.3초"],
  ]);
  expect([0.04, 31.26, 1340.4].map((value) => rate(value, "en"))).toEqual(["0.0", "31.3", "1,340"]);
  expect([3e6, 185e6, 725e6, 93_600e6].map((us) => duration(us, "en"))).toEqual([
    "3\u00a0s",
    "3\u00a0min\u00a05\u00a0s",
    "12\u00a0min",
    "1\u00a0d\u00a02\u00a0h",
  ]);
  expect([duration(0, "en"), duration(185e6, "ko"), age(2_340_000, "en")]).toEqual([
    "0\u00a0s",
    "3분\u00a05초",
    "2.3\u00a0s",
  ]);
  expect([7, 4318, 2_413_000].map((value) => estimate(value, "en"))).toEqual(["7", "4,300", "2,400,000"]);
});

test("coverage is rounded down: the smallest gap is never rounded away, and no digit is lost to binary fractions", () => {
  const microsecond = 1 - 1 / 86_400e6;
  expect([1, microsecond, 0.998, 0.57, 0.98999, 0.0312].map((share) => coverage(share, "en"))).toEqual([
    ...["100%", "99.99%", "99.80%", "57.0%", "98.9%", "3.12%"],
  ]);
});

test("a loss names counted and estimated records, in the singular too, and is left out if it is unknown or zero", () => {
  const loss = (records_lost: number | null, records_lost_estimate: number | null) =>
    lossText({ records_lost, records_lost_estimate }, "en");
  expect([loss(null, null), loss(0, null), loss(12, null), loss(0, 613), loss(12, 613), loss(null, 0.2)]).toEqual([
    ...[null, null, "12 records", "about 610 book updates", "12 records and about 610 book updates", null],
  ]);
  expect([loss(1, 1), lossText({ records_lost: 1 }, "ko")]).toEqual(["1 record and about 1 book update", "데이터 1건"]);
  expect(lossText({ records_lost: 0, records_lost_estimate: 0 }, "ko")).toBeNull();
});

test("a text has a word for one thing and a word for several", () => {
  expect([1, "1", 0, 2, "1,001"].map((n) => fill("{n} {n|gap|gaps}", { n }))).toEqual([
    ...["1 gap", "1 gap", "0 gaps", "2 gaps", "1,001 gaps"],
  ]);
  expect(fill("{m} {m|gap|gaps} {n}", { n: 1 })).toBe("{m} {m|gap|gaps} 1");
});

test("numbers and dates read as Intl would write them, which a phone has no time to load", () => {
  const random = () => (Math.random() - 0.5) * 10 ** Math.floor(Math.random() * 12);
  for (const value of [0, -0.001, 999.5, 1000, -1234.5678, ...Array.from({ length: 200 }, random)]) {
    for (const decimals of [0, 1, 2]) {
      const intl = new Intl.NumberFormat("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
      expect(decimal(value, decimals, "ko")).toBe(intl.format(value).replace(/^-(?=[0.]+$)/, ""));
    }
  }
  const say = (language: "en-GB" | "ko-KR", date: string, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" }).format(Date.parse(date));
  const day = { day: "numeric", month: "short" } as const;
  for (let month = 1; month <= 12; month++) {
    const date = `2026-${String(month).padStart(2, "0")}-${String(2 * month).padStart(2, "0")}`;
    for (const [language, locale] of [
      ["en", "en-GB"],
      ["ko", "ko-KR"],
    ] as const) {
      expect(shortDay(date, language)).toBe(say(locale, date, day));
      expect(fullDay(date, language)).toBe(say(locale, date, { ...day, year: "numeric" }));
      expect(weekday(date, language)).toBe(say(locale, date, { weekday: "short" }));
      expect(longDay(date, language)).toBe(say(locale, date, { weekday: "long", day: "numeric", month: "long" }));
      expect(monthOnly(date, language)).toBe(say(locale, date, { month: "long" }));
      expect(monthName(date, language)).toBe(say(locale, date, { month: "long", year: "numeric" }));
    }
  }
  expect([dayName("2026-11-24", "en"), dayName("2026-11-24", "ko")]).toEqual(["Tue 24 Nov", "11월 24일(화)"]);
});
