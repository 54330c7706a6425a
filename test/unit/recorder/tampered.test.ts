import { afterEach, expect, test } from "bun:test";
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Segment, segmentPath } from "../../../server/domain/day.ts";
import { decodeLine, encodeBackfilledLine } from "../../../server/domain/line.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { replaceFiles, systemFiles } from "../../../server/platform/files/files.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import type { Loss } from "../../../server/recorder/tamper/written-bytes.ts";
import { createUsedNames } from "../../../server/recorder/write/free-segment-name.ts";
import { createRecorder, type RecorderOptions } from "../../../server/recorder/write/recorder.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

afterEach(() => replaceFiles(systemFiles));

const stream = parseStreamName("btcusdt@aggTrade") as Stream;
const midnight = Date.parse("2026-11-23T00:00:00Z") * 1000;
const path = (dataDir: string, name = "00-00") =>
  segmentPath(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-23", name }, "open");

/** A recorder that has written 60 records in batches of ten, a microsecond apart from midnight on. */
async function recorded(options: Partial<RecorderOptions> = {}) {
  const dataDir = temporaryFolder();
  const [log, lost, closed]: [string[], Loss[], Segment[]] = [[], [], []];
  const time = { us: midnight };
  const recorder = createRecorder(
    {
      ...{ dataDir, segmentMinutes: 1, flushRecords: 10, flushMs: 5, sync: "seal" },
      usedNames: createUsedNames(),
      ...options,
    },
    {
      nowUs: () => time.us,
      onClosed: (segment) => closed.push(segment),
      onDropped: () => expect.unreachable(),
      onLost: (_, loss) => lost.push(loss),
      log: createLog({ level: "info", format: "json", color: false }, (line) => log.push(line)),
    },
  );
  let n = 0;
  const append = async (count: number) => {
    for (let i = 0; i < count; i++) recorder.writer(stream).append(`{"a":${++n}}`, ++time.us, null);
    await until(() => recorder.status(stream)?.bufferedRecords === 0, "all to be written");
  };
  const noticed = (what: string) =>
    until(() => {
      recorder.checkFiles();
      return log.some((line) => line.includes(what));
    }, `"${what}" to be noticed`);
  await append(60);
  recorder.checkFiles();
  return { dataDir, recorder, append, noticed, log, lost, closed };
}

/** Ids of the lines of all open segments, which must consist of whole lines of ours. */
function idsOf(dataDir: string): number[] {
  const folder = join(path(dataDir), "..");
  const files = readdirSync(folder).filter((name) => /^\d\d-\d\d(_\d\d)?\.jsonl$/.test(name));
  return files.toSorted().flatMap((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    expect(text === "" || text.endsWith("\n")).toBe(true);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => Number(/^\{"a":(\d+)\}$/.exec(decodeLine(line)?.payload ?? "")?.[1]));
  });
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);
const atUs = (id: number) => midnight + id;
const lineBytes = '{"recv_us":1795392000000001,"net_delay_ms":null,"a":1}\n'.length;

test("a file that is emptied under us (logrotate copytruncate) loses exactly its records, and recording goes on", async () => {
  const { dataDir, recorder, append, noticed, lost, log } = await recorded();
  truncateSync(path(dataDir), 0);
  await append(20);
  await noticed("was truncated");
  await append(10);
  await recorder.stop();
  expect(lost).toEqual([{ fromUs: atUs(1), toUs: atUs(61), records: 60 }]);
  expect(idsOf(dataDir)).toEqual(from(61, 90));
  expect(log.filter((line) => /"level":"error"/.test(line))).toHaveLength(1);
});

for (const [what, keptBytes, lastKept] of [
  ["in the middle of a line", 9 * lineBytes + 30, 9],
  ["behind a line", 9 * lineBytes, 9],
] as const) {
  test(`a file that is cut ${what} keeps the records before and after, and the gap is between them`, async () => {
    const { dataDir, recorder, append, noticed, lost } = await recorded();
    truncateSync(path(dataDir), keptBytes);
    await append(20);
    await noticed("was truncated");
    await append(5);
    await recorder.stop();
    expect(lost).toEqual([{ fromUs: atUs(lastKept), toUs: atUs(61), records: 60 - lastKept }]);
    expect(idsOf(dataDir)).toEqual([...from(1, lastKept), ...from(61, 85)]);
  });
}

test("a file that is cut while no record arrives is noticed, and its end is the gap", async () => {
  const { dataDir, recorder, noticed, lost } = await recorded();
  truncateSync(path(dataDir), 50 * lineBytes + 41 + 12);
  await noticed("was truncated");
  await recorder.stop();
  const kept = idsOf(dataDir);
  expect(kept).toEqual(from(1, kept.length));
  expect(lost).toEqual([{ fromUs: atUs(kept.length), toUs: atUs(60) + 1, records: 60 - kept.length }]);
});

for (const [what, tamper] of [
  ["deleted", (file: string) => rmSync(file)],
  ["renamed", (file: string) => renameSync(file, `${file}.1`)],
  [
    "renamed and made again empty (logrotate create)",
    (file: string) => {
      renameSync(file, `${file}.1`);
      writeFileSync(file, "");
    },
  ],
  [
    "replaced by an editor's copy",
    (file: string) => {
      writeFileSync(`${file}.new`, readFileSync(file));
      renameSync(`${file}.new`, file);
    },
  ],
] as const) {
  test(`a file that is ${what} is written again whole, and no record is lost or doubled`, async () => {
    const { dataDir, recorder, append, noticed, lost } = await recorded();
    tamper(path(dataDir));
    await append(20);
    await noticed("was deleted or replaced");
    await append(10);
    await recorder.stop();
    expect(lost).toEqual([]);
    expect(idsOf(dataDir)).toEqual(from(1, 90));
  });
}

for (const [what, text] of [
  ["a line", "somebody else's words\n"],
  ["half a line", "somebody else's words"],
  ["NULs", "\0".repeat(5000)],
] as const) {
  test(`${what} that another program appends goes to quarantine, and our lines are whole`, async () => {
    const { dataDir, recorder, append, noticed, lost } = await recorded();
    appendFileSync(path(dataDir), text);
    await append(20);
    await noticed("appended to");
    await append(10);
    await recorder.stop();
    expect(lost).toEqual([]);
    expect(idsOf(dataDir)).toEqual(from(1, 90));
  });
}

test("a file that is changed and then closed at once, without a look in between, is made whole before it is sealed", async () => {
  const { dataDir, recorder, append, lost } = await recorded();
  truncateSync(path(dataDir), 0);
  await append(10);
  await recorder.stop();
  expect(lost).toEqual([{ fromUs: atUs(1), toUs: atUs(61), records: 60 }]);
  expect(idsOf(dataDir)).toEqual(from(61, 70));
});

test("a segment goes on under another name if backfilled trades took its name while it was away, sealed already or not", async () => {
  for (const isSealed of [false, true]) {
    const { dataDir, recorder, append, noticed, lost, closed } = await recorded();
    rmSync(path(dataDir));
    const backfilled = encodeBackfilledLine('{"a":900}', midnight + 5);
    if (isSealed) writeFileSync(`${path(dataDir)}.zst`, Bun.zstdCompressSync(backfilled));
    else writeFileSync(path(dataDir), backfilled);
    await noticed("was deleted or replaced");
    await append(5);
    await recorder.stop();
    expect([lost, closed.map(({ name }) => name)]).toEqual([[], ["00-00_02"]]);
    expect(idsOf(dataDir)).toEqual([...(isSealed ? [] : [900]), ...from(1, 65)]);
  }
});

test("after closeSegments later records go to a separate file, whatever their time is", async () => {
  const { dataDir, recorder } = await recorded();
  const track = recorder.writer(stream);
  track.append('{"a":61}', midnight + 100, null);
  recorder.closeSegments();
  track.append('{"a":62}', midnight + 5, null);
  await recorder.stop();
  const idsIn = (name: string) =>
    [...readFileSync(path(dataDir, name), "utf8").matchAll(/"a":(\d+)/g)].map(([, id]) => Number(id));
  expect(idsIn("00-00")).toEqual(from(1, 61));
  expect(idsIn("00-00_02")).toEqual([62]);
});

test("streams that are more than may be open take turns, and each is recorded whole", async () => {
  const others = ["ETHUSDT", "SOLUSDT"].map((symbol) => parseStreamName(`${symbol.toLowerCase()}@aggTrade`) as Stream);
  const { recorder, lost } = await recorded({ mostOpen: 1, turnMs: 50 });
  const all = [stream, ...others];
  const wasEmpty = new Set<Stream>();
  let n = 100;
  await until(
    () => {
      n++;
      for (const one of all) recorder.writer(one).append(`{"a":${n}}`, midnight + n * 10, null);
      for (const one of others) if ((recorder.status(one)?.bytesWritten ?? 0) > 0) wasEmpty.add(one);
      return wasEmpty.size === others.length;
    },
    "each to have had its turn",
    15_000,
  );
  await recorder.stop();
  expect(lost).toEqual([]);
  expect(all.map((one) => recorder.status(one)?.bufferedRecords)).toEqual([0, 0, 0]);
}, 60_000);

test("without room for a further open file a stream waits in memory, the others are written, and it follows by itself", async () => {
  const other = parseStreamName("ethusdt@aggTrade") as Stream;
  const { recorder, append, log } = await recorded({ mostOpen: 1 });
  recorder.writer(other).append('{"a":1}', midnight + 100, null);
  await until(() => recorder.failure()?.includes("EMFILE") === true, "the shortage to be told");
  await append(20);
  expect(recorder.status(other)?.bufferedRecords).toBe(1);
  recorder.release(stream);
  await until(() => recorder.failure() === null, "the other stream to be written");
  expect(recorder.status(other)?.bufferedRecords).toBe(0);
  await recorder.stop();
  expect(log.filter((line) => /"level":"error"/.test(line))).toHaveLength(1);
});

for (const { what, change, loss } of [
  {
    what: "cut short",
    change: (file: string) => truncateSync(file, lengthOf(file, 40)),
    loss: { fromUs: midnight + 40, records: 20 },
  },
  { what: "emptied", change: (file: string) => truncateSync(file, 0), loss: { fromUs: midnight + 1, records: 60 } },
  { what: "deleted", change: (file: string) => rmSync(file), loss: { fromUs: midnight + 1, records: 60 } },
])
  test(`a segment that is ${what} after it was closed is compared when it is sealed, and its loss is reported`, async () => {
    const { dataDir, recorder, lost, closed, log } = await recorded();
    await recorder.stop();
    change(path(dataDir));
    const rows = what === "cut short" ? 40 : null;
    for (const segment of closed) await recorder.checkSealed(segment, rows);
    expect(lost).toEqual([{ toUs: midnight + 61, ...loss }]);
    expect(log.some((line) => line.includes("records are lost, which is a gap"))).toBe(true);
  });

test("a closed segment that is sealed as it was, or with foreign lines behind it, has lost no record", async () => {
  const { dataDir, recorder, lost, closed } = await recorded();
  await recorder.stop();
  appendFileSync(path(dataDir), "stranger\n");
  for (const rows of [61, 60]) for (const segment of closed) await recorder.checkSealed(segment, rows);
  expect(lost).toEqual([]);
});

/** Bytes of the first `lines` lines. */
function lengthOf(file: string, lines: number): number {
  return readFileSync(file, "utf8").split("\n").slice(0, lines).join("\n").length + 1;
}

test("a closed segment that was cut within a line and cannot be sealed is repaired at once, and the lost part is the gap", async () => {
  const { dataDir, recorder, lost, closed } = await recorded();
  recorder.closeSegments();
  await until(() => closed.length === 1, "the segment to be closed");
  truncateSync(path(dataDir), lineBytes * 9 + 10);
  await recorder.checkSealed(closed[0] as Segment, null);
  expect(idsOf(dataDir)).toEqual(from(1, 9));
  expect(lost).toEqual([{ fromUs: atUs(9), toUs: atUs(60) + 1, records: 51 }]);
  await recorder.stop();
});

test("a closed segment that cannot be sealed is watched until its day is merged, and its second loss is a gap too", async () => {
  const { dataDir, recorder, lost, closed, noticed } = await recorded();
  recorder.closeSegments();
  await until(() => closed.length === 1, "the segment to be closed");
  truncateSync(path(dataDir), lineBytes * 9 + 10);
  await recorder.checkSealed(closed[0] as Segment, null);
  rmSync(path(dataDir));
  await noticed("was deleted or replaced");
  expect(lost).toEqual([
    { fromUs: atUs(9), toUs: atUs(60) + 1, records: 51 },
    { fromUs: atUs(1), toUs: atUs(9) + 1, records: 9 },
  ]);
  await recorder.stop();
});

for (const { what, harm, kept } of [
  { what: "repaired", harm: () => {}, kept: 9 },
  { what: "found missing, as it was deleted meanwhile", harm: (file: string) => rmSync(file), kept: 0 },
])
  test(`a closed segment that was cut while the disk fails is ${what} once the disk works, and its loss is a gap`, async () => {
    const { dataDir, recorder, lost, closed, noticed } = await recorded();
    recorder.closeSegments();
    await until(() => closed.length === 1, "the segment to be closed");
    truncateSync(path(dataDir), lineBytes * 9 + 10);
    const refuse = () => {
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    };
    replaceFiles({ ...systemFiles, async: { ...systemFiles.async, readFile: refuse } } as never);
    await recorder.checkSealed(closed[0] as Segment, null);
    recorder.checkFiles();
    expect(lost).toEqual([]);
    harm(path(dataDir));
    replaceFiles(systemFiles);
    await noticed("records are lost, which is a gap");
    expect(idsOf(dataDir)).toEqual(from(1, kept));
    expect(lost).toEqual([{ fromUs: atUs(Math.max(1, kept)), toUs: atUs(60) + 1, records: 60 - kept }]);
    await recorder.stop();
  });

test("the name of a closed segment that was deleted is not used again, so its loss is not mistaken for another's", async () => {
  const { dataDir, recorder, append, lost, closed } = await recorded();
  recorder.closeSegments();
  await until(() => closed.length === 1, "the segment to be closed");
  rmSync(path(dataDir));
  await append(10);
  await recorder.checkSealed(closed[0] as Segment, null);
  expect(lost).toEqual([{ fromUs: atUs(1), toUs: atUs(60) + 1, records: 60 }]);
  await recorder.stop();
  expect(closed.map(({ name }) => name)).toEqual(["00-00", "00-00_02"]);
});

test("a file that is cut short just before a write fails is not filled with NULs, and its loss is the gap", async () => {
  const { dataDir, recorder, append, noticed, lost } = await recorded();
  let failures = 0;
  truncateSync(path(dataDir), lengthOf(path(dataDir), 30) + 10);
  replaceFiles({
    ...systemFiles,
    writeSync(...parameters: Parameters<typeof systemFiles.writeSync>) {
      if (failures++ === 0) throw Object.assign(new Error("EIO"), { code: "EIO" });
      return systemFiles.writeSync(...parameters);
    },
  } as never);
  await append(10);
  await noticed("was truncated");
  expect(failures).toBeGreaterThan(0);
  expect(readFileSync(path(dataDir)).includes(0)).toBe(false);
  expect(idsOf(dataDir)).toEqual([...from(1, 30), ...from(61, 70)]);
  expect(lost).toEqual([{ fromUs: atUs(30), toUs: atUs(61), records: 30 }]);
  await recorder.stop();
});
