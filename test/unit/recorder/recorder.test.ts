import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Segment, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import type { Loss } from "../../../server/recorder/tamper/written-bytes.ts";
import { createRecorder, type RecorderOptions } from "../../../server/recorder/write/recorder.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

const stream = parseStreamName("btcusdt@aggTrade") as Stream;
const other = parseStreamName("ethusdt@aggTrade") as Stream;
const midnight = Date.parse("2026-11-23T00:00:00Z") * 1000;
const payload = (n: number) => `{"e":"aggTrade","a":${n},"p":"1.00000000"}`;

function setUp(options: Partial<RecorderOptions> = {}) {
  const dataDir = options.dataDir ?? temporaryFolder();
  const closed: Segment[] = [];
  const dropped: number[] = [];
  const lost: Loss[] = [];
  const time = { us: midnight - 60_000_000 };
  const recorder = createRecorder(
    { dataDir, segmentMinutes: 1, flushRecords: 100, flushMs: 20, sync: "seal", ...options },
    {
      nowUs: () => time.us,
      onClosed: (segment) => closed.push(segment),
      onDropped: (_, recvUs) => dropped.push(recvUs),
      onLost: (_, loss) => lost.push(loss),
      log: silentLog,
    },
  );
  const append = (n: number, to: Stream = stream) => recorder.writer(to).append(payload(n), time.us, 7);
  return { recorder, dataDir, closed, dropped, lost, time, append };
}

function read(dataDir: string, of: Stream = stream): Record<string, string> {
  const folder = join(dataDir, "live", `stream=${of.type.folder}`, `symbol=${of.symbol}`);
  const files: Record<string, string> = {};
  for (const date of existsSync(folder) ? readdirSync(folder).sort() : []) {
    for (const name of readdirSync(join(folder, date)).sort())
      files[`${date}/${name}`] = readFileSync(join(folder, date, name), "utf8");
  }
  return files;
}

test("a batch is written once it has the configured number of records, not before", async () => {
  const { append, dataDir } = setUp({ flushRecords: 10, flushMs: 60_000 });
  for (let n = 1; n < 10; n++) append(n);
  expect(read(dataDir)).toEqual({});
  append(10);
  await until(() => Object.values(read(dataDir)).join("").split("\n").length - 1 === 10, "the batch to be in the file");
});

test("a record waits no longer than the flush interval, however few come", async () => {
  const { append, dataDir, recorder } = setUp({ flushMs: 20 });
  append(1);
  append(2, other);
  const hasRecord = (of?: typeof other) => Object.values(read(dataDir, of)).some((text) => text !== "");
  await until(() => hasRecord() && hasRecord(other), "both files to have their record");
  expect(Object.values(read(dataDir, other))[0]).toBe(encodeLine(payload(2), midnight - 60_000_000, 7));
  expect(recorder.status(stream)?.bufferedRecords).toBe(0);
});

test("a window's end closes its segment, on a record as on silence, and midnight opens the next day", async () => {
  const { append, dataDir, closed, time, recorder } = setUp();
  append(1);
  time.us = midnight - 1;
  append(2);
  time.us = midnight;
  append(3);
  await until(() => closed.length === 1, "the first window to be closed by the next record");
  time.us = midnight + 60_000_000;
  await recorder.stop();
  expect(closed.map(({ date, name }) => `${date} ${name}`)).toEqual(["2026-11-22 23-59", "2026-11-23 00-00"]);
  const files = read(dataDir);
  expect(Object.keys(files)).toEqual(["date=2026-11-22/23-59.jsonl", "date=2026-11-23/00-00.jsonl"]);
  expect(files["date=2026-11-22/23-59.jsonl"]).toBe(
    encodeLine(payload(1), midnight - 60_000_000, 7) + encodeLine(payload(2), midnight - 1, 7),
  );
  expect(files["date=2026-11-23/00-00.jsonl"]).toBe(encodeLine(payload(3), midnight, 7));
});

test("a quiet stream's segment is closed when its window is over, without a further record", async () => {
  const { append, closed, time } = setUp();
  time.us = midnight - 30_000;
  append(1);
  setTimeout(() => {
    time.us = midnight + 1000;
  }, 20);
  await until(() => closed.length === 1, "the segment to be closed");
});

test("a name that a sealed, open or merged segment had is not used again", async () => {
  const dataDir = temporaryFolder();
  const segment = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-22", name: "23-59" };
  mkdirSync(join(dataDir, "live/stream=aggTrade/symbol=BTCUSDT/date=2026-11-22"), { recursive: true });
  mkdirSync(join(dataDir, "archive/stream=aggTrade/symbol=BTCUSDT/date=2026-11-22"), { recursive: true });
  writeFileSync(segmentPath(dataDir, segment, "sealed"), "sealed");
  writeFileSync(segmentPath(dataDir, { ...segment, name: "23-59_02" }, "open"), "open\n");
  writeFileSync(
    join(dataDir, "archive/stream=aggTrade/symbol=BTCUSDT/date=2026-11-22/BTCUSDT-aggTrade-2026-11-22.manifest.json"),
    '{"segments":["23-59_03"]}',
  );
  const { append, recorder, closed } = setUp({ dataDir });
  append(1);
  await recorder.stop();
  expect(closed[0]?.name).toBe("23-59_04");
  expect(readFileSync(segmentPath(dataDir, segment, "sealed"), "utf8")).toBe("sealed");
});

test("lines that a release could not write are lost once, and not written by somebody who waits for the stream's records", async () => {
  const { recorder, dataDir, append, lost } = setUp();
  const obstacle = join(dataDir, "live");
  writeFileSync(obstacle, "");
  append(1);
  await until(() => recorder.failure() !== null, "the failure");
  const flushed = recorder.flushed(stream);
  recorder.release(stream);
  await until(() => lost.length === 1, "the loss to be reported");
  rmSync(obstacle);
  await flushed;
  expect([read(dataDir), lost.length, recorder.failure()]).toEqual([{}, 1, null]);
});

test("a name that has become free is not used again: within a window the order of names is the order of time", async () => {
  const dataDir = temporaryFolder();
  const segment = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-22", name: "23-59" };
  mkdirSync(join(dataDir, "live/stream=aggTrade/symbol=BTCUSDT/date=2026-11-22"), { recursive: true });
  // A recovery has removed the empty segments 23-59 and 23-59_02.
  writeFileSync(segmentPath(dataDir, { ...segment, name: "23-59_03" }, "sealed"), "sealed");
  const { append, recorder, closed } = setUp({ dataDir });
  append(1);
  await recorder.stop();
  expect(closed.map(({ name }) => name)).toEqual(["23-59_04"]);
});

test("a segment that grows too large is closed early and goes on in a further file of its window", async () => {
  const { append, recorder, closed, dataDir } = setUp({ flushRecords: 1, maxSegmentBytes: 200 });
  for (let n = 0; n < 10; n++) {
    append(n);
    await until(() => recorder.status(stream)?.bufferedRecords === 0, "the record to be in the file");
  }
  await recorder.stop();
  expect(closed.length).toBeGreaterThan(3);
  const lines = Object.values(read(dataDir)).join("").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).a)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

const small = join("/tmp", `rt-data-small-disk-${process.pid}`);
mkdirSync(small, { recursive: true });
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", small]).status === 0;
const noMount = mounted ? "" : " (skipped: this user may not mount a small file system)";

test.skipIf(!mounted)(
  `a full disk tears no file: records wait in memory, across a window's end, and follow when there is room${noMount}`,
  async () => {
    const { append, recorder, closed, dataDir, time } = setUp({
      dataDir: join(small, "a"),
      flushRecords: 50,
      flushMs: 5,
    });
    writeFileSync(join(small, "ballast"), "x".repeat(200_000));
    let n = 0;
    for (; n < 2000; n++) append(n);
    await until(() => recorder.failure() !== null, "the recorder to notice the full disk");
    expect(recorder.failure()).toContain("ENOSPC");
    time.us = midnight + 1;
    for (; n < 2500; n++) append(n);
    // A write that fails half-way is cut off again before the next attempt.
    const isWhole = (content: string) => content === "" || content.endsWith("}\n");
    await until(() => Object.values(read(dataDir)).every(isWhole), "every file to end with a whole line");
    rmSync(join(small, "ballast"));
    await until(() => recorder.failure() === null, "the disk to work again");
    await recorder.stop();
    // Two files are synced side by side; which is done first is the disk's affair.
    expect(closed.map(({ date }) => date).sort()).toEqual(["2026-11-22", "2026-11-23"]);
    const ids = Object.values(read(dataDir)).map((content) =>
      content
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).a as number),
    );
    expect(ids).toEqual([Array.from({ length: 2000 }, (_, i) => i), Array.from({ length: 500 }, (_, i) => 2000 + i)]);
  },
);

test.skipIf(!mounted)(
  `memory is bounded while the disk is full: what does not fit is counted as dropped, order is kept${noMount}`,
  async () => {
    const { append, recorder, dropped, dataDir, time } = setUp({
      dataDir: join(small, "b"),
      flushRecords: 50,
      flushMs: 5,
      maxHeld: 10_000,
    });
    rmSync(join(small, "a"), { recursive: true });
    writeFileSync(join(small, "ballast"), "x".repeat(240_000));
    let n = 0;
    for (; n < 1000; n++) {
      time.us++;
      append(n);
    }
    await until(() => recorder.failure() !== null, "the recorder to notice the full disk");
    for (; n < 3000; n++) {
      time.us++;
      append(n);
    }
    expect(dropped.length).toBeGreaterThan(1000);
    expect(recorder.dropped()).toBe(dropped.length);
    rmSync(join(small, "ballast"));
    await until(() => recorder.failure() === null, "the disk to work again");
    append(n++);
    await recorder.stop();
    const ids = Object.values(read(dataDir))
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).a as number);
    expect(ids.length).toBe(n - dropped.length);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
  },
);

test.skipIf(!mounted)(
  `a stop while the disk is full reports the loss: the records are counted, their time is handed over as a gap${noMount}`,
  async () => {
    const { append, recorder, lost, dataDir, time } = setUp({
      dataDir: join(small, "c"),
      flushRecords: 50,
      flushMs: 5,
    });
    rmSync(join(small, "b"), { recursive: true, force: true });
    writeFileSync(join(small, "ballast"), "x".repeat(240_000));
    const times: number[] = [];
    for (let n = 0; n < 1000; n++) {
      times.push(++time.us);
      append(n);
    }
    await until(() => recorder.failure() !== null, "the recorder to notice the full disk");
    await recorder.stop();
    const kept = Object.values(read(dataDir)).join("").split("\n").length - 1;
    expect(kept).toBeGreaterThan(0);
    expect(recorder.dropped()).toBe(1000 - kept);
    expect(lost).toEqual([{ fromUs: times[kept] ?? 0, toUs: (times.at(-1) ?? 0) + 1, records: 1000 - kept }]);
    rmSync(join(small, "ballast"));
  },
);

afterAll(() => {
  if (mounted) spawnSync("umount", [small]);
  rmSync(small, { recursive: true, force: true });
});
