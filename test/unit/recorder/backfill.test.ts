import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { verifyArchive } from "../../../server/archive/verify/verify-archive.ts";
import type { MissingTrades } from "../../../server/binance/rest/backfill-queue.ts";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { createTradeBackfill } from "../../../server/binance/rest/trade-backfill.ts";
import {
  archivePath,
  type Day,
  dateOf,
  dateStartUs,
  dayUs,
  type Segment,
  segmentPath,
  windowOf,
} from "../../../server/domain/day.ts";
import { clipGap } from "../../../server/domain/gap.ts";
import { decodeLine, encodeBackfilledLine, encodeLine, type Line, recordId } from "../../../server/domain/line.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createBackfillWriter } from "../../../server/recorder/backfill/backfill-writer.ts";
import { createIdFiles } from "../../../server/recorder/backfill/id-files.ts";
import { recordedIds } from "../../../server/recorder/backfill/recorded-ids.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { readLineBytes } from "../../../server/storage/read/archive-reader.ts";
import { drained, filesBelow, realArchiver, temporaryData } from "../../support/data/day-fixture.ts";
import { readLines } from "../../support/data/read-data.ts";
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

const midnightUs = Date.parse("2026-11-22T00:00:00Z") * 1000;
const minuteUs = 60_000_000;
const [yesterday, today] = ["2026-11-21", "2026-11-22"];
const segmentMinutes = 5;

function streamOf(name: string): Stream {
  const stream = parseStreamName(name);
  if (stream === null) throw new Error(name);
  return stream;
}

function dayOf(stream: Stream, date: string): Day {
  return { stream: stream.type.folder, symbol: stream.symbol, date };
}

/** Adds lines to the segment that the recorder would have written them to, and closes it. */
function writeSegments(lines: readonly { us: number; text: string }[], stream: Stream): Segment[] {
  const segments = new Map<string, { segment: Segment; text: string }>();
  for (const { us, text } of lines) {
    const segment = { ...dayOf(stream, dateOf(us)), name: windowOf(us, segmentMinutes).name };
    const path = segmentPath(dataDir, segment, "open");
    segments.set(path, { segment, text: (segments.get(path)?.text ?? "") + text });
  }
  for (const [path, { text }] of segments) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return [...segments.values()].map(({ segment }) => segment);
}

function archived(stream: Stream, date: string): Line[] {
  const path = archivePath(dataDir, dayOf(stream, date));
  return existsSync(path) ? readLines(dataDir, path.slice(dataDir.length + 1)) : [];
}

for (const type of ["aggTrade", "trade"] as const) {
  test(`an outage over midnight on ${type}: the missing trades are backfilled into both days, the merged day is merged again, and each trade exists once`, async () => {
    const streams = ["BTCUSDT", "ETHUSDT"].map((symbol) => streamOf(`${symbol.toLowerCase()}@${type}`));
    const market = createSyntheticMarket({ symbols: streams.map(({ symbol }) => symbol), seed: 4 });
    const delayUs = 80_000;
    const [outageFromUs, outageToUs] = [midnightUs - 3 * minuteUs, midnightUs + 2 * minuteUs];
    const sent = new Map<string, { id: number; us: number; payload: string }[]>();
    for (let us = midnightUs - 8 * minuteUs; us < midnightUs + 4 * minuteUs; us += 100_000) {
      for (const { stream, payload } of market.tick(us / 1000, (name) => name.endsWith(`@${type}`))) {
        const id = recordId(payload, type) ?? 0;
        const trades = sent.get(stream) ?? [];
        trades.push({ id, us: us + delayUs, payload });
        sent.set(stream, trades);
      }
    }
    const exchange = createSimulatedExchange({}, { source: { ...market, start() {}, stop() {} }, log: silentLog });
    const { restUrl } = await exchange.start();
    stops.push(exchange.stop);

    // Records received live; yesterday is merged before the backfill.
    const holes: MissingTrades[] = [];
    let repairedOf = (_hole: MissingTrades) => 0;
    const archiver = realArchiver(dataDir, {
      gapsOf: (day) =>
        holes
          .filter(({ stream }) => stream.symbol === day.symbol)
          .map((hole) => {
            const [missing, repaired] = [hole.toId - hole.fromId + 1, repairedOf(hole)];
            const gap = { from_us: hole.fromUs, to_us: hole.toUs, cause: hole.cause, missing, repaired };
            return { stream: type, symbol: day.symbol, ...gap };
          })
          .flatMap((gap) => clipGap(gap, dateStartUs(day.date), dateStartUs(day.date) + dayUs) ?? []),
    });
    stops.push(() => archiver.stop(0));
    for (const stream of streams) {
      const all = sent.get(stream.name) ?? [];
      const isMissed = ({ us }: { us: number }) => us >= outageFromUs && us < outageToUs;
      const missed = all.filter(isMissed);
      const kept = all.filter((trade) => !isMissed(trade));
      const lines = kept.map(({ us, payload }) => ({ us, text: encodeLine(payload, us, 80) }));
      for (const segment of writeSegments(lines, stream)) archiver.seal(segment);
      const [fromId = 0, toId = 0] = [missed[0]?.id, missed.at(-1)?.id];
      holes.push({ stream, fromId, toId, fromUs: outageFromUs, toUs: outageToUs, cause: "reconnect" });
    }
    await archiver.mergeDaysBefore(today);
    await drained(archiver);
    expect(archived(streams[0] as Stream, yesterday).length).toBeGreaterThan(100);

    const rest = createRestClient({ restUrl }, { log: silentLog });
    const writer = createBackfillWriter(
      { dataDir, segmentMinutes },
      { readLines: readLineBytes, onClosed: archiver.seal },
    );
    let done = 0;
    const repair = createTradeBackfill({
      rest,
      onPage: writer.write,
      async onDone({ stream }, result) {
        expect(result).toMatchObject({ missing: 0, reason: null });
        repairedOf = ({ fromId, toId }) => toId - fromId + 1;
        for (const day of await writer.finish(stream)) if (day.date < today) archiver.merge(day);
        done++;
      },
      log: silentLog,
    });
    stops.push(rest.stop, writer.stop, repair.stop);
    for (const hole of holes) repair.add(hole);
    repair.start();
    await until(() => done === 2, "both holes to be refetched", 30_000);
    await drained(archiver);
    expect(archiver.failures).toEqual([]);

    for (const [n, stream] of streams.entries()) {
      const all = sent.get(stream.name) ?? [];
      const { fromId, toId } = holes[n] as MissingTrades;
      const segments = filesBelow(dataDir).filter((path) => path.startsWith("live/"));
      const live = segments.filter((path) => path.includes(`stream=${type}/symbol=${stream.symbol}/`));
      expect(live.every((path) => path.includes(`date=${today}`) && path.endsWith(".jsonl.zst"))).toBe(true);
      expect(live.some((path) => path.endsWith("00-00_02.jsonl.zst"))).toBe(true);
      const lines = [archived(stream, yesterday), ...live.map((path) => readLines(dataDir, path))].flat();
      const ids = lines.map(({ payload }) => recordId(payload, type) ?? 0);
      expect([...ids].sort((a, b) => a - b)).toEqual(all.map(({ id }) => id));

      // Backfilled trades are the text of REST, byte for byte, marked, and stamped with the time of the trade.
      const repaired = lines
        .filter((line) => line.repaired)
        .map((line) => ({ ...line, id: recordId(line.payload, type) }));
      expect(repaired).toHaveLength(toId - fromId + 1);
      repaired.sort((a, b) => (a.id ?? 0) - (b.id ?? 0));
      const times = repaired.map(({ payload }) => Number(/"(?:T|time)":(\d+)/.exec(payload)?.[1]) * 1000);
      expect(repaired.map(({ recvUs }) => recvUs)).toEqual(times);
      expect(repaired.every(({ netDelayMs }) => netDelayMs === null)).toBe(true);
      const path = type === "trade" ? "historicalTrades" : "aggTrades";
      for (let from = fromId; from <= toId; from += 1000) {
        const limit = Math.min(1000, toId - from + 1);
        const answer = await fetch(`${restUrl}/api/v3/${path}?symbol=${stream.symbol}&fromId=${from}&limit=${limit}`);
        const page = repaired.slice(from - fromId, from - fromId + limit);
        expect(`[${page.map(({ payload }) => payload).join(",")}]`).toBe(await answer.text());
      }

      // Yesterday's archive: in the order of time, matching its manifest, with backfilled trades counted and in their place.
      const merged = archived(stream, yesterday);
      expect(merged.every((line, at) => line.recvUs >= (merged[at - 1]?.recvUs ?? 0))).toBe(true);
      const check = await verifyArchive(dataDir, dayOf(stream, yesterday));
      expect(check.kind).toBe("ok");
      const { manifest } = check;
      expect(manifest).toMatchObject({
        rows: merged.length,
        repaired: { refetched: merged.filter((line) => line.repaired).length, torn_tails: 0, foreign_lines: 0 },
        first_id: all[0]?.id,
        last_id: recordId(merged.at(-1)?.payload ?? "", type),
        last_recv_us: merged.at(-1)?.recvUs,
      });
      expect(manifest?.repaired.refetched).toBeGreaterThan(50);
      const missing = toId - fromId + 1;
      const gap = { from_us: outageFromUs, to_us: midnightUs, cause: "reconnect", missing, repaired: missing } as const;
      expect(manifest?.gaps).toEqual([gap]);
      expect(merged.at(-1)?.repaired).toBe(true);
      expect(manifest?.segments).toContain("23-55_02");
      const gone = manifest?.rows_per_minute.slice(1438) ?? [];
      expect(gone.every((count) => count > 0)).toBe(true);
    }
  }, 60_000);
}

const btc = streamOf("btcusdt@aggTrade");
const trade = (id: number, us: number) => ({
  id,
  tradeUs: us,
  payload: `{"a":${id},"p":"1.00000000","q":"2.00000000","f":${id},"l":${id},"T":${us / 1000},"m":true,"M":true}`,
});
const trades = (from: number, count: number, us = midnightUs) =>
  Array.from({ length: count }, (_, n) => trade(from + n, us + n * 1000));

function createWriter() {
  const closed: Segment[] = [];
  const writer = createBackfillWriter(
    { dataDir, segmentMinutes },
    { readLines: readLineBytes, onClosed: (segment) => closed.push(segment) },
  );
  stops.push(writer.stop);
  const idsIn = (segment: Segment) => {
    const text = readFileSync(segmentPath(dataDir, segment, "open"), "utf8");
    return text.split("\n").flatMap((line) => recordId(line, "aggTrade") ?? []);
  };
  return { writer, closed, idsIn };
}

test("each window and day has a segment of its own, with the lines in the order of time", async () => {
  const { writer, closed, idsIn } = createWriter();
  const before = [trade(1, midnightUs - 2000), trade(3, midnightUs - 1000), trade(2, midnightUs - 1000)];
  const page = [...before, trade(4, midnightUs), trade(5, midnightUs + 5 * minuteUs)];
  expect(await writer.write(btc, page, { isFirst: true })).toEqual({ written: 5, skipped: 0 });
  expect(await writer.write(btc, [trade(6, midnightUs + 6 * minuteUs)], { isFirst: false })).toMatchObject({
    written: 1,
  });
  const days = await writer.finish(btc);
  expect(days).toEqual([dayOf(btc, yesterday), dayOf(btc, today)]);
  expect(closed.map(({ date, name }) => `${date} ${name}`)).toEqual([
    "2026-11-21 23-55",
    "2026-11-22 00-00",
    "2026-11-22 00-05",
  ]);
  expect(closed.map(idsIn)).toEqual([[1, 2, 3], [4], [5, 6]]);
  expect(await writer.finish(btc)).toEqual([]);
});

test("open, sealed and merged segments are never appended to", async () => {
  const live = { ...dayOf(btc, today), name: "00-00" };
  writeSegments([{ us: midnightUs, text: encodeLine(trade(1, midnightUs).payload, midnightUs, 5) }], btc);
  writeFileSync(segmentPath(dataDir, { ...live, name: "00-00_02" }, "sealed"), "");
  const { writer, closed, idsIn } = createWriter();
  await writer.write(btc, trades(10, 3), { isFirst: false });
  await writer.finish(btc);
  expect(closed.map(({ name }) => name)).toEqual(["00-00_03"]);
  expect(closed.map(idsIn)).toEqual([[10, 11, 12]]);
  expect(readFileSync(segmentPath(dataDir, live, "open"), "utf8").split("\n")).toHaveLength(2);
});

test("trades that are older than the last written trade begin another segment, since a file's times never decrease", async () => {
  const { writer, closed, idsIn } = createWriter();
  await writer.write(btc, [trade(1, midnightUs), trade(2, midnightUs + 2000)], { isFirst: false });
  await writer.write(btc, [trade(3, midnightUs + 1000)], { isFirst: false });
  await writer.finish(btc);
  expect(closed.map(idsIn)).toEqual([[1, 2], [3]]);
});

test("pages that come again after a crash are recognized, in raw, sealed and merged files, and only new trades are written", async () => {
  const repairedUs = midnightUs - 10 * minuteUs;
  const lines = (from: number, count: number, us: number) =>
    trades(from, count, us).map((one) => ({ us: one.tradeUs, text: encodeBackfilledLine(one.payload, one.tradeUs) }));
  const archiver = realArchiver(dataDir);
  for (const segment of writeSegments(lines(1, 1000, repairedUs), btc)) archiver.seal(segment);
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  for (const segment of writeSegments(lines(2001, 1000, midnightUs), btc)) archiver.seal(segment);
  await drained(archiver);
  await archiver.stop(0);
  writeSegments(lines(3001, 500, midnightUs + 6 * minuteUs), btc);

  const { writer, closed, idsIn } = createWriter();
  const merged = trades(1, 1000, repairedUs);
  expect(await writer.write(btc, merged, { isFirst: true })).toEqual({ written: 0, skipped: 1000 });
  const sealed = trades(2001, 1000, midnightUs);
  expect(await writer.write(btc, sealed, { isFirst: false })).toEqual({ written: 0, skipped: 1000 });
  const raw = trades(3001, 1000, midnightUs + 6 * minuteUs);
  expect(await writer.write(btc, raw, { isFirst: false })).toEqual({ written: 500, skipped: 500 });
  await writer.finish(btc);
  expect(closed.flatMap(idsIn)).toEqual(Array.from({ length: 500 }, (_, n) => 3501 + n));
});

test("ids are also found in live records, whose receipt is later than the trade", async () => {
  const late = trade(5, midnightUs);
  writeSegments([{ us: midnightUs + 3_000_000, text: encodeLine(late.payload, midnightUs + 3_000_000, 3000) }], btc);
  const files = createIdFiles(dataDir, { readLines: readLineBytes, nowUs: () => midnightUs });
  const found = await recordedIds(files, btc, { first: 4, last: 6 }, { readLines: readLineBytes });
  expect(found.all()).toEqual([{ first: 5, last: 5 }]);
});

test("a page that could be written in part only is completed by the next attempt, without doubling", async () => {
  const { writer, closed, idsIn } = createWriter();
  const page = [...trades(1, 3, midnightUs - 1_000_000), ...trades(4, 3, midnightUs)];
  // Where the second day's folder should be lies a file.
  const obstacle = dirname(segmentPath(dataDir, { ...dayOf(btc, today), name: "x" }, "open"));
  mkdirSync(dirname(obstacle), { recursive: true });
  writeFileSync(obstacle, "");
  await expect(writer.write(btc, page, { isFirst: false })).rejects.toThrow();
  await Bun.file(obstacle).delete();
  expect(await writer.write(btc, page, { isFirst: false })).toEqual({ written: 3, skipped: 3 });
  await writer.finish(btc);
  expect(closed.flatMap(idsIn)).toEqual([1, 2, 3, 4, 5, 6]);
});

const small = join("/tmp", `rt-data-small-disk-repair-${process.pid}`);
mkdirSync(small, { recursive: true });
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", small]).status === 0;
const noMount = mounted ? "" : " (skipped: this user may not mount a small file system)";
afterAll(() => {
  if (mounted) spawnSync("umount", [small]);
  rmSync(small, { recursive: true, force: true });
});

test.skipIf(!mounted)(
  `on a full disk a page is refused whole, and written once when there is room${noMount}`,
  async () => {
    const data = { dataDir: join(small, "data"), segmentMinutes };
    const closed: Segment[] = [];
    const writer = createBackfillWriter(data, {
      readLines: readLineBytes,
      onClosed: (segment) => closed.push(segment),
    });
    stops.push(writer.stop);
    writeFileSync(join(small, "ballast"), "x".repeat(180_000));
    await writer.write(btc, trades(1, 10), { isFirst: true });
    const page = trades(11, 1000, midnightUs + 1_000_000);
    await expect(writer.write(btc, page, { isFirst: false })).rejects.toThrow(/ENOSPC/);
    await expect(writer.write(btc, page, { isFirst: false })).rejects.toThrow(/ENOSPC/);
    rmSync(join(small, "ballast"));
    await writer.write(btc, page, { isFirst: false });
    await writer.finish(btc);
    const text = closed.map((segment) => readFileSync(segmentPath(data.dataDir, segment, "open"), "utf8")).join("");
    const ids = text.split("\n").flatMap((line) => recordId(line, "aggTrade") ?? []);
    expect(ids).toEqual(Array.from({ length: 1010 }, (_, n) => n + 1));
    expect(text.endsWith("}\n")).toBe(true);
  },
);

test("many streams at once keep few files open, and a stop closes all of them", async () => {
  const { writer, closed } = createWriter();
  const symbols = Array.from({ length: 100 }, (_, n) => streamOf(`sym${n}usdt@aggTrade`));
  for (const stream of symbols) await writer.write(stream, trades(1, 2), { isFirst: false });
  expect(closed.length).toBe(68);
  await writer.stop();
  await writer.stop();
  expect(new Set(closed.map(({ symbol }) => symbol)).size).toBe(100);
});

test("a repaired line is decoded as such, for both of REST's words", () => {
  const payload =
    '{"id":7,"price":"1.00","qty":"2.00","quoteQty":"2.0000","time":1763800000000,"isBuyerMaker":true,"isBestMatch":true}';
  const line = encodeBackfilledLine(payload, 1763800000000000).trimEnd();
  expect(line).toStartWith('{"recv_us":1763800000000000,"net_delay_ms":null,"repaired":true,"id":7,');
  expect(decodeLine(line)).toEqual({ recvUs: 1763800000000000, netDelayMs: null, repaired: true, payload });
  expect([recordId(line, "trade"), recordId(trade(9, 1000).payload, "aggTrade")]).toEqual([7, 9]);
});
