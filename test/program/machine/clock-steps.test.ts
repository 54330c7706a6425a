import { expect, test } from "bun:test";
import type { Listed } from "../../../server/cli/data/ls-report.ts";
import type { Status } from "../../../server/domain/status.ts";
import {
  clockBench,
  day,
  expectOrderAndOnce,
  expectTrueStamps,
  gapsOf,
  get,
  hour,
  more,
} from "../../support/machine/clock-bench.ts";
import { fakeClock, faketimeMissing } from "../../support/machine/faketime.ts";
import { run } from "../../support/run.ts";
import { newDataDir } from "../../support/upload/bucket.ts";
import { until } from "../../support/wait.ts";

const { record } = clockBench();

for (const { name, offset } of [
  { name: "a day ahead for some seconds", offset: day },
  { name: "60 days ahead for some seconds", offset: 60 * day },
  { name: "two hours back for some seconds", offset: -2 * hour },
  { name: "three seconds back for some seconds", offset: -3 },
]) {
  test.skipIf(faketimeMissing !== "")(
    `a clock that is set ${name} costs no record: stamps are right again at once, and the time of the wrong stamps is known${faketimeMissing}`,
    async () => {
      const dataDir = newDataDir();
      const clock = fakeClock();
      const program = record(dataDir, clock.env);
      await more(program, 100);
      await until(
        async () => (await get<Status>(program, "/api/status")).clock_offset_ms !== null,
        "the offset",
        30_000,
      );
      const beforeMs = Date.now();
      clock.set(`${offset < 0 ? "" : "+"}${offset}`);
      await until(async () => (await get<Status>(program, "/api/status")).clock_steps === 1, "the step", 30_000);
      await more(program, 100);
      clock.set("+0");
      await until(async () => (await get<Status>(program, "/api/status")).clock_steps === 2, "the step back", 30_000);
      const afterMs = Date.now();
      await more(program, 100);
      const gaps = (await gapsOf(program)).filter(({ cause, stream }) => cause === "clock" && stream === "aggTrade");
      const others = (await gapsOf(program)).filter(({ cause }) => cause !== "clock");
      program.kill("SIGTERM");
      await program.ended;
      expectTrueStamps(dataDir, Date.now());
      expectOrderAndOnce(dataDir);
      expect(others).toEqual([]);
      const isNear = (us: number, ms: number) => Math.abs(us / 1000 - ms) < 3000;
      const real = gaps.filter(({ from_us, to_us }) => isNear(from_us, beforeMs) && isNear(to_us, afterMs));
      expect(real.length).toBeGreaterThan(0);
      const verified = await run(["verify", "--data-dir", dataDir]);
      expect([verified.code, verified.output, verified.errors]).toEqual([
        0,
        expect.not.stringMatching(/absent|DAMAGED|GAPS/),
        "",
      ]);
      const listed = JSON.parse((await run(["ls", "--json", "--data-dir", dataDir])).output) as Listed[];
      // A book of some seconds has no minute without a record, and no day that is missing.
      for (const { coverage, first_us } of listed)
        expect([coverage, Date.now() * 1000 - (first_us ?? 0) < 7.3 * hour * 1e6]).toEqual([1, true]);
    },
    120_000,
  );
}
