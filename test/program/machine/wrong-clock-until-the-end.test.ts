import { expect, test } from "bun:test";
import { dateOf, dayUs } from "../../../server/domain/day.ts";
import type { Status } from "../../../server/domain/status.ts";
import { recorderOf } from "../../../server/storage/lock/data-folder.ts";
import { dataFiles } from "../../support/data/read-data.ts";
import {
  clockBench,
  day,
  expectOrderAndOnce,
  expectTrueStamps,
  filesOf,
  get,
  hour,
  more,
  tradeSegments,
} from "../../support/machine/clock-bench.ts";
import { fakeClock, faketimeMissing } from "../../support/machine/faketime.ts";
import { newDataDir } from "../../support/upload/bucket.ts";
import { until } from "../../support/wait.ts";

const { record, exchangeMs, setExchange } = clockBench();

for (const ahead of [26 * hour, -26 * hour]) {
  test.skipIf(faketimeMissing !== "")(
    `a run whose clock was ${ahead / hour} hours off until it was killed: the next run backfills each missing trade once${faketimeMissing}`,
    async () => {
      const dataDir = newDataDir();
      const clock = fakeClock();
      for (const [run, offset] of [0, ahead, 0].entries()) {
        clock.set(`${offset < 0 ? "" : "+"}${offset}`);
        const before = new Set(tradeSegments(dataDir));
        const program = record(dataDir, clock.env);
        await more(program, 100);
        // Without a flush this run could not continue from any record.
        await until(() => tradeSegments(dataDir).some((file) => !before.has(file)), "trades on disk", 30_000);
        await until(async () => (await get<Status>(program, "/api/status")).totals.holes === 0, "the refetch", 60_000);
        // A kill may leave a torn line, or a segment both raw and sealed; after the last run all files should be whole.
        program.kill(run === 2 ? "SIGTERM" : "SIGKILL");
        await program.ended;
      }
      expectOrderAndOnce(dataDir);
    },
    120_000,
  );
}

test.skipIf(faketimeMissing !== "")(
  `an upgrade while the clock is nine hours ahead, which is then corrected, loses and doubles no record${faketimeMissing}`,
  async () => {
    const dataDir = newDataDir();
    const clock = fakeClock(`+${9 * hour}`);
    const old = record(dataDir, clock.env);
    await more(old, 100);
    await until(() => old.errors().includes("ahead of the exchange's"), "the wrong clock to be told", 30_000);
    const pidOf = () => recorderOf(dataDir)?.pid ?? 0;
    const before = pidOf();
    process.kill(before, "SIGUSR2");
    await until(() => pidOf() !== 0 && pidOf() !== before && /upgrade done/.test(old.errors()), "the upgrade", 60_000);
    const pid = pidOf();
    clock.set("+0");
    await until(() => old.errors().includes("clock was set"), "the step to be told", 30_000);
    const rows = () => filesOf(dataDir).reduce((sum, { stamps }) => sum + stamps.length, 0);
    const seen = rows();
    await until(() => rows() > seen + 50, "more records", 60_000);
    process.kill(pid, "SIGTERM");
    await until(() => recorderOf(dataDir) === null, "the end", 30_000);
    expectTrueStamps(dataDir, Date.now());
    expectOrderAndOnce(dataDir);
  },
  180_000,
);

test.skipIf(faketimeMissing !== "")(
  `a clock that is put back over midnight: both days have the right records, and yesterday is merged once it is over${faketimeMissing}`,
  async () => {
    const now = new Date();
    const untilMidnightS = Math.ceil(day - (now.getUTCHours() * hour + now.getUTCMinutes() * 60 + now.getUTCSeconds()));
    // Exchange and recorder are 20 s before midnight.
    const aheadS = untilMidnightS - 20;
    setExchange(aheadS);
    const midnightMs = Date.now() + untilMidnightS * 1000;
    const dataDir = newDataDir();
    const clock = fakeClock(`+${aheadS}`);
    try {
      const program = record(dataDir, clock.env);
      await until(() => exchangeMs() > midnightMs + 1000, "midnight", 60_000);
      clock.set(`+${aheadS - 4}`);
      await until(() => program.errors().includes("clock was set"), "the step to be told", 30_000);
      await more(program, 50);
      clock.set(`+${aheadS}`);
      await until(async () => (await get<Status>(program, "/api/status")).clock_steps === 2, "the step back", 30_000);
      await more(program, 50);
      const filesOfYesterday = () =>
        dataFiles(dataDir).filter((file) => file.includes(`date=${dateOf(midnightMs * 1000 - dayUs)}`));
      const isMerged = () => filesOfYesterday().every((file) => file.startsWith("archive/"));
      await until(isMerged, "yesterday to be merged, and its segments to be gone", 60_000);
      expect(filesOfYesterday()).toHaveLength(2);
      program.kill("SIGTERM");
      await program.ended;
      expectOrderAndOnce(dataDir);
      const dates = new Set(dataFiles(dataDir).map((file) => /date=([\d-]+)/.exec(file)?.[1]));
      expect(dates.size).toBe(2);
    } finally {
      setExchange(0);
    }
  },
  180_000,
);
