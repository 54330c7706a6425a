import { expect, test } from "bun:test";
import { age, bytes, coverage, duration, estimate, milliseconds, percent, rate } from "../../../server/text/amounts.ts";
import { lossText } from "../../../server/text/incident-figures.ts";

test("amounts are rounded to what people need, in the units of the language", () => {
  expect([0, 0.004, 0.213, 0.9999].map((share) => percent(share, "en"))).toEqual(["0%", "0.4%", "21%", "100%"]);
  expect([0, 999, 1400, 80e9, 1e12].map((value) => bytes(value, "en"))).toEqual([
    ...["0 B", "999 B", "1.40 kB", "80.0 GB", "1.00 TB"],
  ]);
  expect([1.84, 111.2, 9999, 12_340].map((ms) => milliseconds(ms, "ko"))).toEqual([
    ...["1.8 ms", "111 ms", "9,999 ms", "12.3초"],
  ]);
  expect([0.04, 31.26, 1340.4].map((value) => rate(value, "en"))).toEqual(["0.0", "31.3", "1,340"]);
  expect([3e6, 185e6, 725e6, 93_600e6].map((us) => duration(us, "en"))).toEqual([
    "3 s",
    "3 min 5 s",
    "12 min",
    "1 d 2 h",
  ]);
  expect([duration(0, "en"), duration(185e6, "ko"), age(2_340_000, "en")]).toEqual(["0 s", "3분 5초", "2.3 s"]);
  expect([7, 4318, 2_413_000].map((value) => estimate(value, "en"))).toEqual(["7", "4,300", "2,400,000"]);
});

test("coverage is rounded down: the smallest gap is never rounded away, and no digit is lost to binary fractions", () => {
  const microsecond = 1 - 1 / 86_400e6;
  expect([1, microsecond, 0.998, 0.57, 0.98999, 0.0312].map((share) => coverage(share, "en"))).toEqual([
    ...["100%", "99.99%", "99.80%", "57.0%", "98.9%", "3.12%"],
  ]);
});

test("a loss names counted and estimated records, and is left out if unknown", () => {
  const loss = (records_lost: number | null, records_lost_estimate: number | null) =>
    lossText({ records_lost, records_lost_estimate }, "en");
  expect([loss(null, null), loss(0, null), loss(12, null), loss(0, 613), loss(12, 613), loss(null, 0.2)]).toEqual([
    ...[null, "0 records", "12 records", "about 610 book updates", "12 records and about 610 book updates", null],
  ]);
});
