import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { segmentPath } from "../../../server/domain/day.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import type { Loss } from "../../../server/recorder/tamper/written-bytes.ts";
import { createRecorder, type RecorderOptions } from "../../../server/recorder/write/recorder.ts";
import { createWriteLatency } from "../../../server/recorder/write/write-latency.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { mountAgain, mountMissing, mountSmallDisk, remount, unmountAll } from "../../support/machine/mounts.ts";
import { straceMissing, withFaults } from "../../support/machine/strace.ts";
import { until } from "../../support/wait.ts";

afterAll(unmountAll);

const stream = parseStreamName("btcusdt@aggTrade") as Stream;
const midnight = Date.parse("2026-11-23T00:00:00Z") * 1000;
const minuteUs = 60_000_000;

function setUp(dataDir: string, options: Partial<RecorderOptions> = {}) {
  const log: string[] = [];
  const dropped: string[] = [];
  const lost: Loss[] = [];
  const time = { us: midnight };
  const closed: string[] = [];
  const recorder = createRecorder(
    { dataDir, segmentMinutes: 1, flushRecords: 10, flushMs: 10, sync: "seal", ...options },
    {
      nowUs: () => time.us,
      onClosed: ({ name }) => closed.push(name),
      onDropped: (_, __, cause) => dropped.push(cause),
      onLost: (_, loss) => lost.push(loss),
      log: createLog({ level: "info", format: "json", color: false }, (line) => log.push(line)),
    },
  );
  let n = 0;
  const append = (count: number) => {
    for (let i = 0; i < count; i++) recorder.writer(stream).append(`{"a":${n++}}`, ++time.us, null);
  };
  const settled = () => until(() => recorder.status(stream)?.bufferedRecords === 0, "all to be written");
  return { recorder, log, dropped, lost, time, closed, append, settled };
}

function idsOf(dataDir: string): number[] {
  const live = join(dataDir, "live");
  const files = readdirSync(live, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = files.map((file) => join(file.parentPath, file.name)).sort();
  return texts.flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/"a":(\d+)\}\n/g)].map(([, id]) => Number(id)),
  );
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

for (const kind of ["disk", "bind"] as const) {
  const what = kind === "disk" ? "a file system that turns read-only" : "the right to write being lost";
  test.skipIf(mountMissing !== "")(
    `${what} holds records in memory, says so once, and is over by itself when it can be written again${mountMissing}`,
    async () => {
      const dataDir = kind === "disk" ? mountSmallDisk("4m") : mountAgain(temporaryFolder());
      const { recorder, log, dropped, time, closed, append, settled } = setUp(dataDir);
      time.us = midnight + minuteUs - 50_000;
      append(25);
      await settled();
      time.us = midnight + minuteUs;
      await until(() => closed.length === 1, "the first window to be closed");
      remount(dataDir, "ro", kind);
      append(25);
      await until(() => recorder.failure() !== null, "the recorder to notice");
      expect(recorder.failure()).toContain("EROFS");
      append(25);
      remount(dataDir, "rw", kind);
      await until(() => recorder.failure() === null, "the recorder to write again");
      await recorder.stop();
      expect(idsOf(dataDir)).toEqual(upTo(75));
      expect(dropped).toEqual([]);
      expect(log.filter((line) => /"level":"(error|warn)"/.test(line))).toHaveLength(1);
      expect(log.filter((line) => line.includes("accepts writes again"))).toHaveLength(1);
    },
  );
}

test("a data folder that is deleted during writing is created again, with the records of the open file", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const { recorder, log, append, settled, dropped } = setUp(dataDir);
  append(25);
  await settled();
  rmSync(dataDir, { recursive: true });
  append(25);
  await settled();
  recorder.checkFiles();
  await until(
    () => log.some((line) => line.includes("was deleted or replaced while it was open")),
    "the file to be missed",
  );
  append(25);
  await settled();
  expect(idsOf(dataDir)).toEqual(upTo(75));
  rmSync(dataDir, { recursive: true });
  append(25);
  await recorder.stop();
  expect(idsOf(dataDir)).toEqual(upTo(100));
  expect(dropped).toEqual([]);
});

test("a deleted file that cannot be written again is a gap", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const { recorder, append, settled, lost, time } = setUp(dataDir);
  const beganUs = time.us;
  append(25);
  await settled();
  rmSync(dataDir, { recursive: true });
  await Bun.write(dataDir, "a file in the folder's place");
  await recorder.stop();
  expect(lost).toEqual([{ fromUs: beganUs + 1, toUs: beganUs + 26, records: 25 }]);
});

test("a record that finds memory full although the disk works is an overflow, not the disk's fault", async () => {
  const dataDir = temporaryFolder();
  const { recorder, append, dropped } = setUp(dataDir, { maxHeld: 100, flushRecords: 1000 });
  append(100);
  expect(new Set(dropped)).toEqual(new Set(["overflow"]));
  await recorder.stop();
  expect(idsOf(dataDir).length).toBe(100 - dropped.length);
});

test("a damaged manifest does not stop the recording of its day", async () => {
  const dataDir = temporaryFolder();
  const folder = join(dataDir, "archive/stream=aggTrade/symbol=BTCUSDT/date=2026-11-23");
  mkdirSync(folder, { recursive: true });
  await Bun.write(join(folder, "BTCUSDT-aggTrade-2026-11-23.manifest.json"), "{");
  const { recorder, append, closed } = setUp(dataDir);
  append(5);
  await recorder.stop();
  expect(closed).toEqual(["00-00_1001"]);
});

test("a sync of several hundred milliseconds, as when many files rotate at once, does not move writing to another thread", async () => {
  let nowMs = 0;
  const pace = createWriteLatency(() => nowMs);
  const close = async (tookMs: number) => {
    const sync = Promise.withResolvers<void>();
    const timed = pace.timedRotation("close", "/data/x", () => sync.promise);
    nowMs += tookMs;
    sync.resolve();
    await timed;
    return pace.isSlow();
  };
  expect(await close(900)).toBe(false);
  expect(await close(1100)).toBe(true);
});

test("a disk counts as slow for a minute after a slow operation, and a lasting operation is named", async () => {
  let nowMs = 0;
  const pace = createWriteLatency(() => nowMs);
  pace.record(20);
  expect(pace.isSlow()).toBe(false);
  const work = Promise.withResolvers<void>();
  const timed = pace.timed("write", "/data/x", () => work.promise);
  nowMs = 3000;
  expect(pace.stalled()).toBe("write /data/x: it has been taking 3 s");
  work.resolve();
  await timed;
  expect([pace.stalled(), pace.isSlow()]).toEqual([null, true]);
  nowMs = 70_000;
  expect(pace.isSlow()).toBe(false);
});

const steadily = [process.execPath, join(import.meta.dir, "../../support/crash/record-steadily.ts")];

type Steady = {
  appended: number;
  dropped: number;
  causes: string[];
  longest: number;
  second: number;
  failures: string[];
};

async function recordSteadily(dataDir: string, inject: string[], ms: number, maxHeld = 10_000_000): Promise<Steady> {
  const day = { stream: "aggTrade", symbol: "BTCUSDT", date: new Date().toISOString().slice(0, 10) };
  const path = segmentPath(dataDir, { ...day, name: "00-00" }, "open");
  const words = withFaults(inject, [path], [...steadily, dataDir, String(ms), String(maxHeld)]);
  const child = Bun.spawn(words, { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return JSON.parse(text) as Steady;
}

test.skipIf(straceMissing !== "")(
  `a disk that takes 600 ms for each write holds the program up once, not at each write, and loses no record${straceMissing}`,
  async () => {
    const dataDir = temporaryFolder();
    const result = await recordSteadily(dataDir, ["write:delay_enter=600000"], 2500);
    expect(idsOf(dataDir)).toEqual([]);
    expect(result).toMatchObject({ dropped: 0, failures: [] });
    // A loaded machine holds it up as well, but not for as long as a write takes.
    expect(result.second).toBeLessThan(550);
    expect(recordedIds(dataDir)).toEqual(upTo(result.appended));
  },
  20_000,
);

test.skipIf(straceMissing !== "")(
  `a disk that stands still fills bounded memory; what does not fit is a gap because of the disk, the rest follows in order${straceMissing}`,
  async () => {
    const dataDir = temporaryFolder();
    const result = await recordSteadily(dataDir, ["write:delay_enter=1300000"], 3000, 300_000);
    expect(result.causes).toEqual(["disk"]);
    expect(result.second).toBeLessThan(1000);
    expect(result.failures.join()).toContain("it has been taking N s");
    const ids = recordedIds(dataDir);
    expect(ids.length).toBe(result.appended - result.dropped);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  },
  20_000,
);

function recordedIds(dataDir: string): number[] {
  const file = [...new Bun.Glob("live/**/*.jsonl").scanSync(dataDir)].map((path) => join(dataDir, path));
  const lines = file.flatMap((path) => readFileSync(path, "utf8").split("\n").slice(0, -1));
  return lines.map((line) => (JSON.parse(line) as { a: number }).a);
}

for (const error of ["EIO", "ESTALE", "ENODEV"]) {
  test.skipIf(straceMissing !== "")(
    `a descriptor that fails for good (${error}) is given up, and everything goes to a new file, once and in order${straceMissing}`,
    async () => {
      const dataDir = temporaryFolder();
      const result = await recordSteadily(dataDir, [`write,pwrite64,ftruncate:error=${error}:when=5+`], 3500);
      expect(result.dropped).toBe(0);
      expect(result.failures.join()).toContain(error);
      expect(recordedIds(dataDir)).toEqual(upTo(result.appended));
    },
    30_000,
  );
}
