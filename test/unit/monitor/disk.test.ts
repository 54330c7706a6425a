import { expect, test } from "bun:test";
import { fullIn } from "../../../server/monitor/disk/disk-texts.ts";
import { createDiskWatch } from "../../../server/monitor/disk/disk-watch.ts";
import { createDisksWatch } from "../../../server/monitor/disk/disks-watch.ts";
import { slopeOf } from "../../../server/monitor/disk/forecast.ts";
import type { Volume } from "../../../server/monitor/disk/volumes.ts";
import { createLog } from "../../../server/platform/log/log.ts";

const GB = 1e9;
const minuteMs = 60_000;

function setUp() {
  const log: string[] = [];
  const watch = createDiskWatch({
    log: createLog({ level: "info", format: "text", color: false }, (line) => log.push(line)),
  });
  let nowMs = 0;
  /** Updates the watch one minute later. */
  const look = (freeBytes: number, isRefusing = false) => {
    nowMs += minuteMs;
    watch.update(
      nowMs,
      { freeBytes, totalBytes: 500 * GB, freeInodes: null, totalInodes: null },
      isRefusing ? "write x: ENOSPC" : null,
    );
  };
  return { log, watch, look };
}

test("a disk that fills steadily forecasts when it is full, and warns once when that is near", () => {
  const { log, watch, look } = setUp();
  for (let minute = 0; minute < 100; minute++) look(100 * GB - minute * 6e7);
  expect(watch.status()).toMatchObject({ full_in_s: null, fill_bytes_per_s: null });
  for (let minute = 100; minute < 400; minute++) look(100 * GB - minute * 6e7);
  expect(watch.status()).toMatchObject({ level: "ok", is_filling: true, fill_bytes_per_s: 1_000_000 });
  expect(watch.status()?.full_in_s).toBe(Math.round((100 * GB - 399 * 6e7) / 1e6));
  expect(log).toHaveLength(1);
  expect(log[0]).toMatch(/full in \d+ hours/);
});

test("a quarter of an hour forecasts only what happens within hours: other programs' work is no trend", () => {
  const { watch, look, log } = setUp();
  for (let minute = 0; minute < 20; minute++) look(100 * GB - minute * 4e9);
  expect(watch.status()).toMatchObject({ is_filling: true, full_in_s: Math.round((100 * GB - 19 * 4e9) / (4e9 / 60)) });
  expect(log).toHaveLength(1);
});

test("regular compression and one large download do not change the forecast", () => {
  const { watch, look } = setUp();
  for (let minute = 0; minute < 360; minute++)
    look(100 * GB - minute * 6e7 - (minute % 5) * 2e8 - (minute > 180 && minute < 200 ? 20 * GB : 0));
  const perSecond = watch.status()?.fill_bytes_per_s ?? 0;
  expect(perSecond).toBeGreaterThan(900_000);
  expect(perSecond).toBeLessThan(1_100_000);
});

test("a disk that empties, or fills only within years, has no forecast", () => {
  const { watch, look, log } = setUp();
  for (let minute = 0; minute < 60; minute++) look(100 * GB + minute * 1e6);
  expect(watch.status()).toMatchObject({ full_in_s: null, is_filling: false });
  for (let minute = 0; minute < 400; minute++) look(100 * GB - minute * 6000);
  expect(watch.status()).toMatchObject({ full_in_s: null, is_filling: false });
  expect(log).toEqual([]);
});

test("levels begin in order, end only with space to spare, and each change is logged once", () => {
  const { watch, look, log } = setUp();
  const at = (freeBytes: number, isRefusing = false) => {
    look(freeBytes, isRefusing);
    const { forSeals, forMerges } = watch.room();
    return [watch.status()?.level, forMerges > 0, forSeals > 0];
  };
  expect(at(10 * GB)).toEqual(["ok", true, true]);
  expect(at(2 * GB)).toEqual(["low", false, true]);
  expect(at(2 * GB)).toEqual(["low", false, true]);
  expect(at(2.2 * GB)).toEqual(["low", false, true]);
  expect(at(0.1 * GB)).toEqual(["very_low", false, false]);
  expect(at(0.15 * GB)).toEqual(["very_low", false, false]);
  expect(at(0, true)).toEqual(["full", false, false]);
  expect(at(1 * GB)).toEqual(["low", false, true]);
  expect(at(10 * GB)).toEqual(["ok", true, true]);
  expect(log).toHaveLength(5);
});

test("a merge must fit into the space above the limit", () => {
  const { watch, look } = setUp();
  look(3 * 1024 ** 3);
  expect(watch.room()).toEqual({ forSeals: 3 * 1024 ** 3 - 128 * 1024 ** 2, forMerges: 1024 ** 3 });
});

test("a forecast reads like the end of a sentence", () => {
  expect([600, 7 * 3600, 276_480].map(fullIn)).toEqual(["full in 10 minutes", "full in 7 hours", "full in 3.2 days"]);
});

test("the slope of a series is the slope of most of its points", () => {
  const line = Array.from({ length: 100 }, (_, n) => ({ atMs: n, value: n % 10 === 0 ? 1e6 : 3 * n }));
  expect(slopeOf(line)).toBeCloseTo(3, 1);
  expect(slopeOf(line.slice(0, 1))).toBe(0);
});

test("inodes are watched like bytes, with levels, forecast and texts; scarce inodes alone do not stop merges", () => {
  const log: string[] = [];
  const watch = createDiskWatch({
    log: createLog({ level: "info", format: "text", color: false }, (line) => log.push(line)),
  });
  let nowMs = 0;
  const look = (freeInodes: number, refusal: string | null = null) => {
    nowMs += minuteMs;
    watch.update(nowMs, { freeBytes: 400 * GB, totalBytes: 500 * GB, freeInodes, totalInodes: 1_000_000 }, refusal);
    return watch.status();
  };
  for (let minute = 0; minute < 190; minute++) look(900_000 - minute * 300);
  expect(watch.status()).toMatchObject({ level: "ok", scarce: "inodes", is_filling: true });
  expect(log[0]).toContain("the disk will be out of inodes (too many files), full in");
  expect(look(15_000)).toMatchObject({ level: "low", scarce: "inodes" });
  expect(watch.room().forMerges).toBeGreaterThan(0);
  expect(look(0, "open x: ENOSPC")).toMatchObject({ level: "full", scarce: "inodes" });
  expect(watch.room()).toEqual({ forSeals: 0, forMerges: 0 });
  expect(log.at(-1)).toContain("no inodes left (too many files)");
  expect(look(900_000)).toMatchObject({ level: "ok" });
});

test("a disk that refuses writes although it has free space is reported as a quota, not as full", () => {
  const { look, log } = setUp();
  look(400 * GB, true);
  expect(log.join()).toMatch(/refuses writes although it has free space: probably a quota/);
});

test("merges wait for the disk of the archives, seals for the disk of the segments, and logs name each disk", () => {
  const log: string[] = [];
  const watch = createDisksWatch({
    log: createLog({ level: "info", format: "text", color: false }, (line) => log.push(line)),
  });
  const volume = (name: "data" | "archive", freeBytes: number, problem: string | null = null): Volume => ({
    ...{ name, path: `/${name}`, holds: name === "data" ? ["data", "live"] : ["archive"], problem },
    ...{ freeBytes, totalBytes: problem === null ? 500 * GB : 0, freeInodes: null, totalInodes: null },
  });
  const at = (data: number, archive: number, problem: string | null = null, refusal: string | null = null) => {
    watch.update(0, [volume("data", data), volume("archive", archive, problem)], refusal);
    const { forSeals, forMerges } = watch.room();
    return [forSeals > 0, forMerges > 0, watch.status()?.level];
  };
  expect(at(400 * GB, 400 * GB)).toEqual([true, true, "ok"]);
  expect(at(400 * GB, 0)).toEqual([true, false, "ok"]);
  expect(log.at(-1)).toMatch(/almost full.*disk=archive/);
  expect(at(0, 400 * GB, null, "write x: ENOSPC")).toEqual([false, true, "full"]);
  expect(log.at(-1)).toMatch(/disk=archive|disk is full.*disk=data/);
  expect(at(400 * GB, 0, "ENOTCONN: socket is not connected")).toEqual([true, false, "ok"]);
  expect(log.at(-1)).toMatch(/disk=data|cannot be reached/);
  expect(watch.all().map(({ name, problem }) => [name, problem !== null])).toEqual([
    ["data", false],
    ["archive", true],
  ]);
});
