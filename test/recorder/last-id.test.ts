import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readLineBytes } from "../../server/archive/reader.ts";
import { createRestClient } from "../../server/binance/rest.ts";
import { createTradeRepair } from "../../server/binance/trade-repair.ts";
import { createExchange } from "../../server/exchange/exchange.ts";
import { createSyntheticMarket } from "../../server/exchange/market/synthetic-market.ts";
import { silentLog } from "../../server/log.ts";
import { encodeLine, encodeRepairedLine, recordId } from "../../server/record.ts";
import { lastRecordedId } from "../../server/recorder/last-id.ts";
import { createRecorder } from "../../server/recorder/recorder.ts";
import { createRepairWriter } from "../../server/recorder/repair-writer.ts";
import { manifestPath, type Segment, segmentPath } from "../../server/segment.ts";
import { parseStreamName, type Stream } from "../../server/stream.ts";
import { drained, realArchiver, temporaryData } from "../archive/day-fixture.ts";
import { readRecords } from "../support/read-data.ts";
import { until } from "../support/wait.ts";

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

function last(beforeUs = later, stream = btc) {
  return lastRecordedId(dataDir, stream, { beforeUs, readLines: readLineBytes });
}

test("where nothing was recorded there is no last record", async () => {
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
  write("12-00_02", encodeRepairedLine('{"a":7,"p":"1","T":1}', noonUs + 20_000));
  write("12-00_03", line(12, noonUs + 90_000));
  expect(await last()).toEqual({ id: 12, recvUs: noonUs + 90_000 });
});

test("what this run has recorded itself is passed over", async () => {
  write("11-55", line(5, noonUs - 100));
  write("12-00", line(9, noonUs + 10) + line(10, noonUs + 20));
  write("12-05", line(11, noonUs + 400_000_000));
  expect(await last(noonUs)).toEqual({ id: 5, recvUs: noonUs - 100 });
  expect(await last(noonUs + 15)).toEqual({ id: 9, recvUs: noonUs + 10 });
  write("12-10", Array.from({ length: 20_000 }, (_, n) => line(n, noonUs + 600_000_000 + n)).join(""));
  expect(await last(noonUs + 600_000_100)).toEqual({ id: 99, recvUs: noonUs + 600_000_099 });
});

test("sealed segments and, where no segment is left, the manifest of the newest archive are read", async () => {
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
  // What the reader is told of is gone when it opens it, and what it became as well.
  const readLines = async function* (path: string) {
    if (path.endsWith(".jsonl")) {
      sealing.seal(segment);
      await drained(sealing);
    }
    yield* readLineBytes(path);
  };
  expect(await lastRecordedId(dataDir, btc, { beforeUs: later, readLines })).toEqual({ id: 1, recvUs: noonUs });
  await sealing.stop(0);
});

test("trades of REST's own words are understood", async () => {
  const stream = streamOf("btcusdt@trade");
  const segment = { stream: "trade", symbol: "BTCUSDT", date: "2026-11-22", name: "12-00" };
  const path = segmentPath(dataDir, segment, "open");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, encodeRepairedLine('{"id":77,"price":"1","time":1}', noonUs));
  expect(await last(later, stream)).toEqual({ id: 77, recvUs: noonUs });
});

test("after a restart the ids between the last record on disk and the first one received are refetched, and nothing is missing or twice", async () => {
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
    const track = recorder.track(btc);
    for (const { us, payload } of records) {
      nowUs = us;
      track.append(payload, us, 50);
    }
    if (!isKilled) await recorder.stop();
  };
  await run(span(noonUs, 60), { isKilled: true });
  span(noonUs + 60e6, 120);
  const startedUs = noonUs + 180e6;
  const second = span(startedUs, 30);
  await run(second, { isKilled: false });

  const before = await last(startedUs);
  expect(before).not.toBeNull();
  const exchange = createExchange({}, { source: { ...market, start() {}, stop() {} }, log: silentLog });
  const { restUrl } = await exchange.start();
  const rest = createRestClient({ restUrl }, { log: silentLog });
  const writer = createRepairWriter({ dataDir, segmentMinutes: 5 }, { readLines: readLineBytes, onClosed() {} });
  let isDone = false;
  const repair = createTradeRepair({
    ...{ rest, onPage: writer.write, log: silentLog },
    onDone: () => {
      isDone = true;
    },
  });
  stops.push(exchange.stop, rest.stop, writer.stop, repair.stop);
  const [fromId, toId] = [(before?.id ?? 0) + 1, (second[0]?.id ?? 0) - 1];
  repair.add({ stream: btc, fromId, toId, fromUs: before?.recvUs ?? 0, toUs: second[0]?.us ?? 0, cause: "crash" });
  repair.start();
  await until(() => isDone, "the hole to be refetched");
  await writer.stop();
  const records = readRecords(dataDir).get("BTCUSDT/aggTrade") ?? [];
  const ids = records.map(({ payload }) => recordId(payload, "aggTrade") ?? 0).sort((a, b) => a - b);
  expect(ids).toEqual(sent.map(({ id }) => id));
  expect(records.some(({ repaired }) => repaired)).toBe(true);
});
