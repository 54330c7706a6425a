import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { archivePath, type Day, dateOf, dayUs } from "../../../server/domain/day.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange, type SimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { drained, realArchiver, segmentOf, writeRaw } from "../../support/data/day-fixture.ts";
import { type FakeClock, fakeClock, faketimeMissing } from "../../support/machine/faketime.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { newDataDir, trades } from "../../support/upload/bucket.ts";
import { until } from "../../support/wait.ts";

const ofDaysAgo = (days: number): Day => {
  return { stream: "aggTrade", symbol: "BTCUSDT", date: dateOf(Date.now() * 1000 - days * dayUs) };
};

let exchange: SimulatedExchange;
let urls = { wsUrl: "", restUrl: "" };
beforeAll(async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 1 });
  exchange = createSimulatedExchange({}, { source, log: silentLog });
  urls = await exchange.start();
});
const running: Program[] = [];
afterAll(async () => {
  for (const program of running) program.kill("SIGKILL");
  await exchange.stop();
});

/** A data folder with ten archives, of yesterday to ten days ago, and an archive that is overdue by retention_days = 30. */
async function recorded(): Promise<{ dataDir: string; left: () => number; isOverdueLeft: () => boolean }> {
  const dataDir = newDataDir();
  const days = Array.from({ length: 10 }, (_, n) => ofDaysAgo(n + 1));
  const overdue = ofDaysAgo(40);
  const archiver = realArchiver(dataDir);
  for (const day of [...days, overdue]) {
    const segment = segmentOf("00-00", day);
    writeRaw(dataDir, segment, trades(day, [1, 2, 3], 0));
    archiver.seal(segment);
  }
  await archiver.mergeDaysBefore(dateOf(Date.now() * 1000));
  await drained(archiver);
  await archiver.stop(0);
  const isThere = (day: Day) => existsSync(archivePath(dataDir, day));
  return { dataDir, left: () => days.filter(isThere).length, isOverdueLeft: () => isThere(overdue) };
}

function record(dataDir: string, clock: FakeClock, exchangeUrls = urls): Program {
  const program = start([...rtData, "record"], {
    env: {
      ...clock.env,
      RT_DATA_RECORD_DATA_DIR: dataDir,
      RT_DATA_RECORD_SYMBOLS: "BTCUSDT",
      RT_DATA_HTTP_PORT: "0",
      RT_DATA_ARCHIVE_RETENTION_DAYS: "30",
      RT_DATA_EXCHANGE_WS_URL: exchangeUrls.wsUrl,
      RT_DATA_EXCHANGE_REST_URL: exchangeUrls.restUrl,
    },
  });
  running.push(program);
  return program;
}

const statusOf = async (program: Program): Promise<Status> =>
  (await fetch(`${await program.url()}/api/status`)).json() as Promise<Status>;

/** Waits until the recorder has done its periodic work for this many seconds. */
async function runs(program: Program, seconds: number): Promise<void> {
  const fromMs = performance.now();
  await until(
    async () => performance.now() - fromMs > seconds * 1000 && (await statusOf(program)).clock_steps >= 0,
    `${seconds} s to pass`,
    60_000,
  );
}

const nowhere = { wsUrl: "ws://127.0.0.1:9", restUrl: "http://127.0.0.1:9" };
const boots = [
  { name: "60 days ahead from the boot on", clock: "+60d", urls: () => urls },
  { name: "60 days ahead from the boot on, and no network", clock: "+60d", urls: () => nowhere },
  { name: "three weeks ahead", clock: "+21d", urls: () => urls },
  { name: "at 1970", clock: `-${Math.floor(Date.now() / 1000) - 100}`, urls: () => urls },
];

for (const { name, clock, urls } of boots) {
  test.skipIf(faketimeMissing !== "")(
    `a clock ${name} removes no archive${faketimeMissing}`,
    async () => {
      const { dataDir, left, isOverdueLeft } = await recorded();
      const program = record(dataDir, fakeClock(clock), urls());
      await runs(program, 8);
      expect([left(), isOverdueLeft()]).toEqual([10, true]);
      program.kill("SIGKILL");
    },
    60_000,
  );
}

test.skipIf(faketimeMissing !== "")(
  `a clock that jumps 60 days ahead for 12 seconds removes no archive; a right clock removes due archives${faketimeMissing}`,
  async () => {
    const { dataDir, left, isOverdueLeft } = await recorded();
    const clock = fakeClock();
    const program = record(dataDir, clock);
    await until(async () => (await statusOf(program)).clock_offset_ms !== null, "the offset", 30_000);
    clock.set("+60d");
    await runs(program, 12);
    clock.set("+0");
    expect([left(), isOverdueLeft()]).toEqual([10, true]);
    await runs(program, 4);
    expect([left(), isOverdueLeft()]).toEqual([10, true]);
    program.kill("SIGKILL");
  },
  90_000,
);

test.skipIf(faketimeMissing !== "")(
  `a clock that the exchange confirms removes exactly the archives that are due${faketimeMissing}`,
  async () => {
    const { dataDir, left, isOverdueLeft } = await recorded();
    const program = record(dataDir, fakeClock());
    await until(() => !isOverdueLeft(), "the overdue archive to go", 60_000);
    expect(left()).toBe(10);
    program.kill("SIGKILL");
  },
  90_000,
);

test.skipIf(faketimeMissing !== "")(
  `\`rt-data retention\` counts from the newest archived day, whatever the clock says${faketimeMissing}`,
  async () => {
    for (const [clock, isOverdueKept] of [
      [`-${Math.floor(Date.now() / 1000) - 100}`, true],
      ["+60d", false],
    ] as const) {
      const { dataDir, left, isOverdueLeft } = await recorded();
      const env = { ...fakeClock(clock).env, RT_DATA_ARCHIVE_RETENTION_DAYS: "30" };
      const { code } = await run(["retention", "--data-dir", dataDir], { env });
      expect([code, left(), isOverdueLeft()]).toEqual([0, 10, isOverdueKept]);
    }
  },
  60_000,
);
