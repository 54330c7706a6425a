import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../../server/domain/status.ts";
import {
  clockBench,
  expectOrderAndOnce,
  expectTrueStamps,
  filesOf,
  gapsOf,
  get,
  hour,
  more,
} from "../../support/machine/clock-bench.ts";
import { fakeClock, faketimeMissing } from "../../support/machine/faketime.ts";
import { newDataDir } from "../../support/upload/bucket.ts";
import { until } from "../../support/wait.ts";

const { record } = clockBench();

for (const { ahead, signal } of [
  { ahead: 9 * hour, signal: "SIGTERM" },
  { ahead: 26 * hour, signal: "SIGTERM" },
  { ahead: 26 * hour, signal: "SIGKILL" },
] as const) {
  test.skipIf(faketimeMissing !== "")(
    `a boot ${ahead / hour} hours ahead, corrected, and a restart by ${signal}: true stamps, every trade once, the step written down${faketimeMissing}`,
    async () => {
      const dataDir = newDataDir();
      const clock = fakeClock(`+${ahead}`);
      const first = record(dataDir, clock.env);
      await more(first, 100);
      await until(() => first.errors().includes("ahead of the exchange's"), "the wrong clock to be told", 30_000);
      clock.set("+0");
      await more(first, 200);
      const gaps = (await gapsOf(first)).filter(({ cause }) => cause === "clock");
      const status = await get<Status>(first, "/api/status");
      expect(Math.abs(status.clock_offset_ms ?? 9e9)).toBeLessThan(1000);
      expect(Math.abs(status.now_us / 1000 - Date.now())).toBeLessThan(2000);
      first.kill(signal);
      await first.ended;
      expectTrueStamps(dataDir, Date.now());
      const began = Math.min(...gaps.map(({ from_us }) => from_us));
      const isNow = gaps.some(({ to_us }) => Math.abs(to_us / 1e6 - Date.now() / 1000) < 60);
      expect([gaps.length >= 2, isNow, Date.now() * 1000 - began < 90e6]).toEqual([true, true, true]);
      expect(gaps.every(({ missing }) => missing === 0)).toBe(true);

      const second = record(dataDir, clock.env);
      await more(second, 100);
      await until(async () => (await get<Status>(second, "/api/status")).totals.holes === 0, "the refetch", 60_000);
      second.kill("SIGTERM");
      await second.ended;
      expectOrderAndOnce(dataDir);
      expect(existsSync(join(dataDir, "archive"))).toBe(false);
    },
    120_000,
  );
}

for (const ahead of [9 * hour, -26 * hour]) {
  test.skipIf(faketimeMissing !== "")(
    `a pause that ends with a boot ${ahead / hour} hours off is written down as long as it was${faketimeMissing}`,
    async () => {
      const dataDir = newDataDir();
      const clock = fakeClock();
      const first = record(dataDir, clock.env);
      await more(first, 100);
      first.kill("SIGTERM");
      await first.ended;
      const stoppedMs = Math.max(...filesOf(dataDir).flatMap(({ stamps }) => stamps)) / 1000;
      clock.set(`${ahead < 0 ? "" : "+"}${ahead}`);
      const second = record(dataDir, clock.env);
      await more(second, 50);
      const resumedMs = Date.now();
      await until(() => second.errors().includes("the exchange's"), "the wrong clock to be told", 30_000);
      clock.set("+0");
      await more(second, 50);
      const pausesOf = async () =>
        (await gapsOf(second)).filter(({ cause, stream }) => cause === "restart" && stream === "depth20");
      await until(async () => (await pausesOf()).length > 0, "the pause", 30_000);
      const pauses = await pausesOf();
      second.kill("SIGTERM");
      await second.ended;
      const [fromMs, toMs] = [
        Math.min(...pauses.map(({ from_us }) => from_us)) / 1000,
        Math.max(...pauses.map(({ to_us }) => to_us)) / 1000,
      ];
      expect(Math.abs(fromMs - stoppedMs)).toBeLessThan(1000);
      expect(toMs - stoppedMs).toBeGreaterThan(200);
      expect(toMs).toBeLessThan(resumedMs);
      expect(Date.now() - toMs).toBeLessThan(60_000);
      expectOrderAndOnce(dataDir);
    },
    120_000,
  );
}
