import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Listed } from "../../../server/cli/data/ls-report.ts";
import { dateOf, dayUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { recordId } from "../../../server/domain/line.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import type { MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import { createSimulatedExchange, type SimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { recorderOf } from "../../../server/storage/lock/data-folder.ts";
import { dataFiles, readLines } from "../../support/data/read-data.ts";
import { fakeClock, faketimeMissing } from "../../support/machine/faketime.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { newDataDir } from "../../support/upload/bucket.ts";
import { until } from "../../support/wait.ts";

const hour = 3600;
const day = 24 * hour;

/** The exchange's time minus this machine's, s: a test may need another time of day. */
let exchangeAheadS = 0;
const exchangeMs = () => Date.now() + exchangeAheadS * 1000;
let exchange: SimulatedExchange;
let urls = { wsUrl: "", restUrl: "" };
/** Ids of trades that were sent, whoever listened. */
const sent = new Set<number>();
beforeAll(async () => {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3, speed: 4 });
  const source: MarketSource = { ...market, nowMs: exchangeMs };
  const onSent = ({ stream, payload }: { stream: string; payload: string }) => {
    if (stream === "btcusdt@aggTrade") sent.add(Number(/"a":(\d+)/.exec(payload)?.[1]));
  };
  exchange = createSimulatedExchange({}, { source, onSent, log: silentLog });
  urls = await exchange.start();
});
const running: Program[] = [];
afterAll(async () => {
  for (const program of running) program.kill("SIGKILL");
  await exchange.stop();
});

function record(dataDir: string, env: Record<string, string>): Program {
  const program = start([...rtData, "record"], {
    env: {
      ...env,
      RT_DATA_RECORD_DATA_DIR: dataDir,
      RT_DATA_RECORD_SYMBOLS: "BTCUSDT",
      RT_DATA_RECORD_STREAMS: "aggTrade,depth20@100ms",
      RT_DATA_HTTP_PORT: "0",
      RT_DATA_EXCHANGE_WS_URL: urls.wsUrl,
      RT_DATA_EXCHANGE_REST_URL: urls.restUrl,
    },
  });
  running.push(program);
  return program;
}

async function get<T>(program: Program, path: string): Promise<T> {
  try {
    return (await (await fetch(`${await program.url()}${path}`)).json()) as T;
  } catch (error) {
    throw new Error(`${error}: ${program.errors()}`);
  }
}
const records = async (program: Program) => (await get<Status>(program, "/api/status")).totals.records;

/** Waits until this many more records are stored. */
async function more(program: Program, count: number): Promise<void> {
  const wanted = (await records(program)) + count;
  await until(async () => (await records(program)) >= wanted, `${count} more records`, 60_000);
}

const gapsOf = async (program: Program) => (await get<{ items: Gap[] }>(program, "/api/gaps?limit=500")).items;

/** Every file of the folder, with the receipt times and ids of its lines. */
function filesOf(dataDir: string) {
  return dataFiles(dataDir)
    .filter((file) => /\.jsonl(\.zst)?$/.test(file))
    .map((file) => {
      const lines = readLines(dataDir, file);
      const kind = file.includes("aggTrade") ? ("aggTrade" as const) : ("partialDepth" as const);
      const ids = lines.map(({ payload }) => recordId(payload, kind) ?? 0);
      return { file, kind, stamps: lines.map(({ recvUs }) => recvUs), ids };
    });
}

/** The open segments of trades that hold something. */
const tradeSegments = (dataDir: string) =>
  dataFiles(dataDir).filter(
    (file) => file.includes("aggTrade") && file.endsWith(".jsonl") && Bun.file(join(dataDir, file)).size > 0,
  );

/** In every file stamps never decrease; every trade between the first and the last is there exactly once. */
function expectOrderAndOnce(dataDir: string): void {
  const files = filesOf(dataDir);
  for (const { file, stamps } of files) expect([file, stamps.toSorted((a, b) => a - b)]).toEqual([file, stamps]);
  const ids = files.flatMap((one) => (one.kind === "aggTrade" ? one.ids : [])).sort((a, b) => a - b);
  const [first = 0, last = 0] = [ids[0], ids.at(-1)];
  expect(ids).toEqual(Array.from({ length: last - first + 1 }, (_, n) => first + n));
}

/** The newest record's stamp is the exchange's time, within two seconds. */
function expectTrueStamps(dataDir: string, byMs: number): void {
  const stamps = filesOf(dataDir).map(({ stamps }) => stamps.at(-1) ?? 0);
  const nearest = Math.min(...stamps.map((us) => Math.abs(us / 1000 - byMs)));
  expect(nearest).toBeLessThan(2000);
}

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
      await until(async () => (await gapsOf(second)).some(({ cause }) => cause === "restart"), "the pause", 30_000);
      const pauses = (await gapsOf(second)).filter(({ cause, stream }) => cause === "restart" && stream === "depth20");
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

for (const ahead of [26 * hour, -26 * hour]) {
  test.skipIf(faketimeMissing !== "")(
    `a run whose clock was ${ahead / hour} hours off until it was killed: the next run backfills each missing trade once${faketimeMissing}`,
    async () => {
      const dataDir = newDataDir();
      const clock = fakeClock();
      for (const offset of [0, ahead, 0]) {
        clock.set(`${offset < 0 ? "" : "+"}${offset}`);
        const before = new Set(tradeSegments(dataDir));
        const program = record(dataDir, clock.env);
        await more(program, 100);
        // Without a flush this run could not continue from any record.
        await until(() => tradeSegments(dataDir).some((file) => !before.has(file)), "trades on disk", 30_000);
        await until(async () => (await get<Status>(program, "/api/status")).totals.holes === 0, "the refetch", 60_000);
        program.kill("SIGKILL");
        await program.ended;
      }
      expectOrderAndOnce(dataDir);
    },
    120_000,
  );
}

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
    exchangeAheadS = untilMidnightS - 20;
    const midnightMs = Date.now() + untilMidnightS * 1000;
    const dataDir = newDataDir();
    const clock = fakeClock(`+${exchangeAheadS}`);
    try {
      const program = record(dataDir, clock.env);
      await until(() => exchangeMs() > midnightMs + 1000, "midnight", 60_000);
      clock.set(`+${exchangeAheadS - 4}`);
      await until(() => program.errors().includes("clock was set"), "the step to be told", 30_000);
      await more(program, 50);
      clock.set(`+${exchangeAheadS}`);
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
      exchangeAheadS = 0;
    }
  },
  180_000,
);
