import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { createTradeBackfill } from "../../../server/binance/rest/trade-backfill.ts";
import { manifestPath, type Segment, segmentPath } from "../../../server/domain/day.ts";
import { idsOutside } from "../../../server/domain/ids/id-ranges.ts";
import { encodeBackfilledLine, encodeLine, recordId } from "../../../server/domain/line.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createBackfillWriter } from "../../../server/recorder/backfill/backfill-writer.ts";
import { lastRecordedId } from "../../../server/recorder/backfill/boundary-ids.ts";
import { createIdFiles } from "../../../server/recorder/backfill/id-files.ts";
import { recordedIds } from "../../../server/recorder/backfill/recorded-ids.ts";
import { createRecorder } from "../../../server/recorder/write/recorder.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import type { ReadLines } from "../../../server/storage/list/stored-lines.ts";
import { readLineBytes } from "../../../server/storage/read/archive-reader.ts";
import { archiveHere, drained, realArchiver, temporaryData } from "../../support/data/day-fixture.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { until } from "../../support/wait.ts";

let dataDir = "";
let remove = () => {};
beforeEach(() => {
  ({ dataDir, remove } = temporaryData());
});
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  remove();
});

const btc = streamOf("btcusdt@aggTrade");
const noonUs = Date.parse("2026-11-22T12:00:00Z") * 1000;
const later = Number.POSITIVE_INFINITY;

function streamOf(name: string): Stream {
  const stream = parseStreamName(name);
  if (stream === null) throw new Error(name);
  return stream;
}

const line = (id: number, us: number) => encodeLine(`{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${id},"T":1}`, us, 5);

function write(name: string, text: string, date = "2026-11-22"): Segment {
  const segment = { stream: "aggTrade", symbol: "BTCUSDT", date, name };
  const path = segmentPath(dataDir, segment, "open");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return segment;
}

function filesOf(readLines: ReadLines = readLineBytes) {
  return createIdFiles(dataDir, { readLines, nowUs: () => noonUs + 600_000_000 });
}

function last(belowId = 1_000_000, stream = btc, sinceUs = later) {
  return lastRecordedId(filesOf(), stream, {
    belowId,
    sinceUs,
    untilUs: noonUs + 600_000_000,
    readLines: readLineBytes,
  });
}

test("a stream without records has no last record", async () => {
  expect(await last()).toBeNull();
  write("12-00", "");
  expect(await last()).toBeNull();
});

test("the last whole line of the newest segment counts, a torn tail does not", async () => {
  write("11-55", line(1, noonUs - 9));
  write("12-00", line(2, noonUs) + line(3, noonUs + 7) + line(4, noonUs + 8).slice(0, 30));
  expect(await last()).toEqual({ id: 3, recvUs: noonUs + 7 });
});

test("a window's files are looked at together: the highest id counts, whichever file it is in", async () => {
  write("12-00", line(10, noonUs + 50_000));
  write("12-00_02", encodeBackfilledLine('{"a":7,"p":"1","T":1}', noonUs + 20_000));
  write("12-00_03", line(12, noonUs + 90_000));
  expect(await last()).toEqual({ id: 12, recvUs: noonUs + 90_000 });
});

test("records of this run do not count, including late records with lower ids than its first record", async () => {
  write("11-55", line(5, noonUs - 100));
  write("12-00", line(9, noonUs + 10) + line(7, noonUs + 20) + line(8, noonUs + 30) + line(10, noonUs + 40));
  write("12-05", line(11, noonUs + 400_000_000));
  expect(await last(9, btc, noonUs)).toEqual({ id: 5, recvUs: noonUs - 100 });
  expect(await last(12, btc, noonUs)).toEqual({ id: 5, recvUs: noonUs - 100 });
});

test("a file with a date in the future is not of this run", async () => {
  write("11-55", line(5, noonUs - 100));
  write("12-55", line(6, noonUs + 3_300_000_000));
  expect(await last(9, btc, noonUs)).toEqual({ id: 6, recvUs: noonUs + 3_300_000_000 });
});

test("an id is found under a date that a wrong clock is known to have stamped, however long past", async () => {
  for (const [at, date] of ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"].entries())
    write("12-00", line(at + 10, noonUs), date);
  write("12-00", line(15, noonUs), "2026-11-09");
  const range = { first: 15, last: 15 };
  const wrongDates = () => ["2026-11-09", "2026-11-08"];
  const files = createIdFiles(dataDir, { readLines: readLineBytes, nowUs: () => noonUs, wrongDates });
  expect((await recordedIds(files, btc, range, { readLines: readLineBytes })).has(15)).toBe(true);
  expect((await recordedIds(filesOf(), btc, range, { readLines: readLineBytes })).has(15)).toBe(false);
});

test("ids are found although their day is merged between the listing and the reading", async () => {
  const segments = [
    write("12-00", line(10, noonUs) + line(11, noonUs + 1)),
    write("12-05", line(12, noonUs + 400_000_000) + line(13, noonUs + 400_000_001)),
  ];
  let isMerged = false;
  async function* mergeFirst(path: string) {
    if (!isMerged) {
      isMerged = true;
      await archiveHere(dataDir, segments);
    }
    yield* readLineBytes(path);
  }
  const found = await recordedIds(filesOf(mergeFirst), btc, { first: 9, last: 13 }, { readLines: mergeFirst });
  expect(isMerged).toBe(true);
  expect([9, 10, 11, 12, 13].filter((id) => found.has(id))).toEqual([10, 11, 12, 13]);
});

test("an id that came late is found in a file that begins behind it", async () => {
  write("11-55", line(5, noonUs - 100));
  write("12-00", [9, 10, 11, 12].map((id) => line(id, noonUs + id)).join(""));
  write(
    "12-01",
    [13, 14, 15, 7].map((id) => line(id, noonUs + 60_000_000 + id)).join("") + line(16, noonUs + 61_000_000),
  );
  const range = { first: 6, last: 8 };
  const found = await recordedIds(filesOf(), btc, range, { readLines: readLineBytes });
  expect(idsOutside(range, found.all())).toEqual([
    { first: 6, last: 6 },
    { first: 8, last: 8 },
  ]);
});

test("files that a wrong clock has written are looked at as well, whichever date and window it filed them under", async () => {
  write("12-00", line(1, noonUs));
  for (const [id, name, date] of [
    [2, "21-00", "2026-11-22"],
    [3, "12-00", "2027-01-21"],
    [4, "03-00", "2026-11-22"],
    [5, "00-00", "1970-01-01"],
    [6, "12-00", "2026-11-21"],
  ] as const) {
    const us = Date.parse(`${date}T${name.replace("-", ":")}:00Z`) * 1000 + 7;
    write(name, line(id, us), date);
    expect(await last()).toEqual({ id, recvUs: us });
  }
});

test("ids that jumped at the end of the records do not hide the missing ids behind them", async () => {
  const ids = [1000, 1001, 1002, 1300, 1003, 1004];
  write("12-00", ids.map((id, n) => line(id, noonUs + n)).join(""));
  expect(await last(1100)).toEqual({ id: 1004, recvUs: noonUs + 5 });
  expect(await last(1400)).toEqual({ id: 1002, recvUs: noonUs + 2 });
  const range = { first: 1003, last: 1399 };
  const runs = (await recordedIds(filesOf(), btc, range, { readLines: readLineBytes })).all();
  expect(idsOutside(range, runs)).toEqual([
    { first: 1005, last: 1299 },
    { first: 1301, last: 1399 },
  ]);
  write("12-05", line(700, noonUs + 300_000_000) + line(1005, noonUs + 300_000_001));
  // An earlier id is as good: ids on disk behind it are not fetched again.
  const before = await last(1007);
  const behind = { first: 1005, last: 1006 };
  expect(before).toEqual({ id: 1004, recvUs: noonUs + 5 });
  const recorded = (await recordedIds(filesOf(), btc, behind, { readLines: readLineBytes })).all();
  expect(idsOutside(behind, recorded)).toEqual([{ first: 1006, last: 1006 }]);
});

test("higher earlier ids mean that the exchange has restarted the ids", async () => {
  write("12-00", line(500, noonUs) + line(501, noonUs + 1));
  expect(await last(7, btc, noonUs + 2)).toBe("anew");
  write("12-05", line(7, noonUs + 300_000_000));
  expect(await last(7, btc, noonUs + 2)).toBe("anew");
});

test("ids on disk are found in live, refetched, sealed and merged files, whatever date they are filed under", async () => {
  const archiver = realArchiver(dataDir);
  const day = (date: string) => Date.parse(`${date}T12:00:00Z`) * 1000;
  archiver.seal(write("12-00", [1, 2, 3].map((id) => line(id, day("2026-11-21") + id)).join(""), "2026-11-21"));
  await archiver.mergeDaysBefore("2026-11-22");
  await drained(archiver);
  archiver.seal(write("12-00", [5, 6].map((id) => line(id, noonUs + id)).join("")));
  await drained(archiver);
  await archiver.stop(0);
  write("11-00", encodeBackfilledLine('{"a":4,"p":"1","T":1}', noonUs - 3_600_000_000));
  write("09-00", line(8, day("2026-12-24")), "2026-12-24");
  write("12-05", line(10, noonUs + 300_000_000));
  const range = { first: 1, last: 12 };
  const found = await recordedIds(filesOf(), btc, range, { readLines: readLineBytes });
  expect(found.all()).toEqual([
    { first: 1, last: 6 },
    { first: 8, last: 8 },
    { first: 10, last: 10 },
  ]);
  expect([0, 1, 7, 8, 9, 10, 11].map(found.has)).toEqual([false, true, false, true, false, true, false]);
  expect(idsOutside(range, found.all())).toEqual([
    { first: 7, last: 7 },
    { first: 9, last: 9 },
    { first: 11, last: 12 },
  ]);
});

test("sealed segments are read and, if no segment is left, the manifest of the newest archive", async () => {
  const archiver = realArchiver(dataDir);
  const many = Array.from({ length: 20_000 }, (_, n) => line(n, noonUs + n)).join("");
  archiver.seal(write("12-00", many));
  await drained(archiver);
  expect(await last()).toEqual({ id: 19_999, recvUs: noonUs + 19_999 });
  await archiver.mergeDaysBefore("2026-11-23");
  await drained(archiver);
  await archiver.stop(0);
  expect(await last()).toEqual({ id: 19_999, recvUs: noonUs + 19_999 });
  appendFileSync(manifestPath(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-22" }), "}");
  expect(await last()).toBeNull();
});

test("a segment that is sealed and then merged while it is about to be read is no error", async () => {
  const sealing = realArchiver(dataDir);
  const segment = write("12-00", line(1, noonUs));
  // The listed file is gone when the reader opens it, and so is its successor.
  const readLines = async function* (path: string) {
    if (path.endsWith(".jsonl")) {
      sealing.seal(segment);
      await drained(sealing);
    }
    yield* readLineBytes(path);
  };
  const found = await lastRecordedId(filesOf(readLines), btc, {
    belowId: 9,
    sinceUs: later,
    untilUs: later,
    readLines,
  });
  expect(found).toEqual({ id: 1, recvUs: noonUs });
  await sealing.stop(0);
});

test("trades of REST's own words are understood", async () => {
  const stream = streamOf("btcusdt@trade");
  const segment = { stream: "trade", symbol: "BTCUSDT", date: "2026-11-22", name: "12-00" };
  const path = segmentPath(dataDir, segment, "open");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, encodeBackfilledLine('{"id":77,"price":"1","time":1}', noonUs));
  expect(await last(100, stream)).toEqual({ id: 77, recvUs: noonUs });
});

test("after a restart the ids between the last record on disk and the first received record are backfilled, each id once", async () => {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 9 });
  const sent: { id: number; us: number; payload: string }[] = [];
  const tick = (us: number) => {
    for (const { payload } of market.tick(us / 1000, (name) => name === btc.name))
      sent.push({ id: recordId(payload, "aggTrade") ?? 0, us: us + 50_000, payload });
  };
  const span = (fromUs: number, seconds: number) => {
    const from = sent.length;
    for (let us = fromUs; us < fromUs + seconds * 1e6; us += 100_000) tick(us);
    return sent.slice(from);
  };
  const run = async (records: typeof sent, { isKilled }: { isKilled: boolean }) => {
    let nowUs = 0;
    const options = { dataDir, segmentMinutes: 5, flushRecords: 100, flushMs: 1000, sync: "seal" } as const;
    const deps = { nowUs: () => nowUs, onClosed() {}, onDropped() {}, onLost() {}, log: silentLog };
    const recorder = createRecorder(options, deps);
    const track = recorder.writer(btc);
    for (const { us, payload } of records) {
      nowUs = us;
      track.append(payload, us, 50);
    }
    if (isKilled) await until(() => (recorder.status(btc)?.bytesWritten ?? 0) > 0, "records to be on disk");
    else await recorder.stop();
  };
  await run(span(noonUs, 60), { isKilled: true });
  span(noonUs + 60e6, 120);
  const startedUs = noonUs + 180e6;
  const second = span(startedUs, 30);
  await run(second, { isKilled: false });

  const before = await last(second[0]?.id ?? 0, btc, startedUs);
  if (before === null || before === "anew") throw new Error("the last record is not found");
  const exchange = createSimulatedExchange({}, { source: { ...market, start() {}, stop() {} }, log: silentLog });
  const { restUrl } = await exchange.start();
  const rest = createRestClient({ restUrl }, { log: silentLog });
  const writer = createBackfillWriter({ dataDir, segmentMinutes: 5 }, { readLines: readLineBytes, onClosed() {} });
  let isDone = false;
  const repair = createTradeBackfill({
    ...{ rest, onPage: writer.write, log: silentLog },
    onDone: () => {
      isDone = true;
    },
  });
  stops.push(exchange.stop, rest.stop, writer.stop, repair.stop);
  const [fromId, toId] = [before.id + 1, (second[0]?.id ?? 0) - 1];
  repair.add({ stream: btc, fromId, toId, fromUs: before.recvUs, toUs: second[0]?.us ?? 0, cause: "crash" });
  repair.start();
  await until(() => isDone, "the hole to be refetched");
  await writer.stop();
  const records = readRecords(dataDir).get("BTCUSDT/aggTrade") ?? [];
  const ids = records.map(({ payload }) => recordId(payload, "aggTrade") ?? 0).sort((a, b) => a - b);
  expect(ids).toEqual(sent.map(({ id }) => id));
  expect(records.some(({ repaired }) => repaired)).toBe(true);
});

test("ids of the newest segments are found even if an earlier numbering had the same ids", async () => {
  const minuteUs = 60_000_000;
  // Before the exchange began a new numbering.
  write("12-00", line(105, noonUs));
  write("12-01", line(110, noonUs + minuteUs));
  write("12-02", [100, 115, 120].map((id, n) => line(id, noonUs + 2 * minuteUs + n)).join(""));
  const range = { first: 115, last: 120 };
  const found = await recordedIds(filesOf(), btc, range, { readLines: readLineBytes });
  expect(idsOutside(range, found.all())).toEqual([{ first: 116, last: 119 }]);
});
