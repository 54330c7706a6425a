import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { createUnwrittenGaps } from "../../../server/app/gaps/unwritten-gaps.ts";
import type { MissingTrades } from "../../../server/binance/rest/backfill-queue.ts";
import { archiveFolder, type Segment, segmentPath } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeBackfilledLine, encodeLine } from "../../../server/domain/line.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { missingIdsInNewestSealed, recordBefore } from "../../../server/recorder/recover/record-before.ts";
import { missingIdsInTail } from "../../../server/recorder/recover/tail-missing-ids.ts";
import { readLineBytes } from "../../../server/storage/read/archive-reader.ts";
import { temporaryFolder } from "../../support/folder.ts";

const startUs = Date.parse("2026-11-22T12:00:00Z") * 1000;
const line = (id: number) => encodeLine(`{"e":"aggTrade","a":${id}}`, startUs + id, null);
const diff = (first: number, last: number) => encodeLine(`{"U":${first},"u":${last},"b":[]}`, startUs + last, null);

function put(dataDir: string, stream: string, name: string, text: string, sealed = false): Segment {
  const segment = { stream, symbol: "BTCUSDT", date: "2026-11-22", name };
  const path = segmentPath(dataDir, segment, sealed ? "sealed" : "open");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, sealed ? Bun.zstdCompressSync(text) : text);
  return segment;
}

function segmentOf(stream: string, text: string) {
  const dataDir = temporaryFolder();
  return missingIdsInTail(dataDir, put(dataDir, stream, "12-00", text));
}

/** What a start writes down after a look into the segments that the last run left open. */
async function startAfter(
  dataDir: string,
  segments: readonly Segment[],
  known: readonly Gap[] = [],
  runUs = startUs,
  saved: readonly number[] = [],
) {
  const gaps: Gap[] = [];
  const holes: MissingTrades[] = [];
  /** First ids behind gaps of which it has to be found out which trades are on disk. */
  const searched: (number | null)[] = [];
  const look = createUnwrittenGaps({
    ...{ dataDir, readLines: readLineBytes, log: silentLog },
    journal: {
      ...{ gapsOfStream: () => known, saveGaps: (found) => gaps.push(...found) },
      runs: () => [{ started_us: runUs, last_recv_us: null, clean: false }],
      savedReceipts: () => saved,
    },
    refetch: (hole) => holes.push(hole),
    async catchUp({ firstId, onJudged }) {
      searched.push(firstId);
      onJudged?.(1);
      return 1;
    },
  });
  for (const segment of segments) await look(segment);
  return { gaps, refetched: holes.map(({ fromId, toId }) => [fromId, toId]), ...(searched.length > 0 && { searched }) };
}

const gapOf = (stream: string, from: number, to: number, missing: number | null): Gap => ({
  ...{ stream, symbol: "BTCUSDT", from_us: startUs + from, to_us: startUs + to, cause: "missing", missing },
  repaired: 0,
});

test("missing trades between the last records of a segment are found, despite backfilled trades and in files of any size; late trades are not missing", () => {
  const text = line(1) + line(2) + line(5) + line(4) + encodeBackfilledLine('{"a":9}', startUs) + line(6) + line(8);
  const holes = [
    { fromId: 3, toId: 3, fromUs: startUs + 2, toUs: startUs + 5 },
    { fromId: 7, toId: 7, fromUs: startUs + 6, toUs: startUs + 8 },
  ];
  expect(segmentOf("aggTrade", text)).toEqual(holes);
  expect(segmentOf("aggTrade", `${"x".repeat(2_000_000)}\n${text}{"recv_us":17`)).toEqual(holes);
  expect(segmentOf("depth20", text)).toEqual([]);
});

test("missing diffs are found by the ids that each diff covers", () => {
  const text = diff(1, 9) + diff(10, 10) + diff(14, 20) + diff(12, 13) + diff(21, 22);
  expect(segmentOf("depth", text)).toEqual([{ fromId: 11, toId: 11, fromUs: startUs + 10, toUs: startUs + 20 }]);
});

test("ids that had jumped and are back leave no missing ids", () => {
  expect(segmentOf("aggTrade", line(1) + line(2) + line(500) + line(3) + line(4))).toEqual([]);
});

test("trades whose ids jump further than any pause are a new numbering, without missing trades", () => {
  expect(segmentOf("aggTrade", line(1) + line(200_000_000) + line(200_000_001))).toEqual([]);
});

test("trades that came late at the beginning of a large segment are not missing before it", () => {
  const dataDir = temporaryFolder();
  const start = line(5) + line(3) + line(4);
  const segment = put(dataDir, "aggTrade", "12-00", `${start}${"x".repeat(2_000_000)}\n${line(6)}`);
  const before = (id: number) =>
    missingIdsInTail(dataDir, segment, { id, recvUs: startUs }).map(({ fromId }) => fromId);
  expect(before(2)).toEqual([]);
  expect(before(1)).toEqual([2]);
});

test("the newest sealed segment is read once, the segment before it once, and segments of other days behind a merged day are not", async () => {
  const dataDir = temporaryFolder();
  const read: string[] = [];
  const readLines = (path: string) => {
    read.push(basename(path));
    return readLineBytes(path);
  };
  const first = put(dataDir, "aggTrade", "11-58", line(1) + line(2), true);
  const newest = put(dataDir, "aggTrade", "12-00", line(5) + line(7), true);
  put(dataDir, "aggTrade", "12-02", line(9));
  const missing = await missingIdsInNewestSealed(dataDir, newest, { readLines });
  expect(missing.map(({ fromId, toId }) => [fromId, toId])).toEqual([
    [3, 4],
    [6, 6],
  ]);
  expect(read).toEqual(["12-00.jsonl.zst", "11-58.jsonl.zst"]);
  const later = (date: string) => recordBefore(dataDir, { ...first, date, name: "00-00" }, { readLines });
  expect(await later("2026-11-24")).toEqual({ id: 9, recvUs: startUs + 9, lastUs: startUs + 9 });
  mkdirSync(archiveFolder(dataDir, { ...first, date: "2026-11-23" }), { recursive: true });
  expect(await later("2026-11-24")).toBeNull();
});

test("a long backfill, which writes a segment for each window, does not hide the record before a segment", async () => {
  const dataDir = temporaryFolder();
  put(dataDir, "aggTrade", "11-30", line(1) + line(2), true);
  for (let n = 31; n < 50; n++) put(dataDir, "aggTrade", `11-${n}`, encodeBackfilledLine(`{"a":${n}}`, startUs), true);
  const segment = put(dataDir, "aggTrade", "12-00", line(100));
  const before = await recordBefore(dataDir, segment, { readLines: readLineBytes });
  expect(before).toEqual({ id: 2, recvUs: startUs + 2, lastUs: startUs + 2 });
});

test("missing ids that a kill left between two segments of diffs, or within a segment, become a gap at the next start", async () => {
  const dataDir = temporaryFolder();
  put(dataDir, "depth", "11-58", diff(1, 9), true);
  const segments = [
    put(dataDir, "depth", "11-59", diff(13, 15)),
    put(dataDir, "depth", "12-00", diff(16, 20) + diff(22, 30)),
  ];
  const gaps = [gapOf("depth", 9, 15, null), gapOf("depth", 20, 30, null)];
  expect(await startAfter(dataDir, segments)).toEqual({ gaps, refetched: [] });
  expect(await startAfter(dataDir, segments, gaps)).toEqual({ gaps: [], refetched: [] });
});

test("trades that are missing between two segments are backfilled, however large the second segment is", async () => {
  const dataDir = temporaryFolder();
  put(dataDir, "aggTrade", "11-58", line(1) + line(2));
  // Refetched trades lie in segments of their own.
  put(dataDir, "aggTrade", "11-59", encodeBackfilledLine('{"a":1}', startUs), true);
  const second = put(dataDir, "aggTrade", "12-00", line(5) + "x".repeat(2_000_000));
  const { gaps, refetched } = await startAfter(dataDir, [second]);
  expect({ gaps, refetched }).toEqual({ gaps: [gapOf("aggTrade", 2, 5, 2)], refetched: [[3, 4]] });
});

test("a span in which the clock was wrong does not hide missing ids", async () => {
  const dataDir = temporaryFolder();
  const segment = put(dataDir, "depth", "12-00", diff(1, 2) + diff(5, 6));
  const clock: Gap = { ...gapOf("depth", 0, 1000, 0), cause: "clock" };
  expect((await startAfter(dataDir, [segment], [clock])).gaps).toHaveLength(1);
});

test("records of a run whose journal could not be written begin behind a gap, except for time that other gaps cover", async () => {
  const dataDir = temporaryFolder();
  const second = 1_000_000;
  const book = (s: number) => encodeLine(`{"lastUpdateId":${s},"bids":[]}`, startUs + s * second, null);
  put(dataDir, "depth20", "12-00", book(1) + book(50), true);
  const segment = put(dataDir, "depth20", "12-02", book(120) + book(121));
  const crash = (from: number, to: number): Gap => ({
    ...gapOf("depth20", from * second, to * second, null),
    cause: "crash",
  });
  const known = [crash(49, 60)];
  expect((await startAfter(dataDir, [segment], known)).gaps).toEqual([crash(60, 120)]);
  // The journal knows of the run that wrote it: a book may rest for a minute.
  expect((await startAfter(dataDir, [segment], known, startUs + 110 * second)).gaps).toEqual([]);
});

test("records that the journal knows and that a cut took from the end of a closed segment of books are a gap", async () => {
  const dataDir = temporaryFolder();
  const second = 1_000_000;
  const book = (s: number) => encodeLine(`{"lastUpdateId":${s},"bids":[]}`, startUs + s * second, null);
  // The highest id of the first segment came before its last record.
  const late = encodeLine('{"lastUpdateId":7,"bids":[]}', startUs + 40 * second, null);
  put(dataDir, "depth20", "12-00", book(10) + book(30) + late);
  const segment = put(dataDir, "depth20", "12-01", book(60) + book(70));
  const runUs = startUs + 70 * second;
  const gapsAfter = async (known: readonly Gap[], ...saved: readonly number[]) => {
    const receipts = saved.map((s) => startUs + s * second);
    return (await startAfter(dataDir, [segment], known, runUs, receipts)).gaps;
  };
  const lost: Gap = { ...gapOf("depth20", 40 * second, 60 * second, null), cause: "disk" };
  expect(await gapsAfter([], 10, 30, 40, 60, 70)).toEqual([]);
  expect(await gapsAfter([], 40, 50, 60)).toEqual([lost]);
  expect(await gapsAfter([{ ...lost, cause: "clock" }], 40, 50, 60)).toEqual([]);
  // Known gaps explain it, except for the time before them.
  const known = { ...lost, from_us: startUs + 45 * second };
  expect(await gapsAfter([known], 40, 50, 60)).toEqual([]);
  expect(await gapsAfter([known], 40, 43, 50, 60)).toEqual([{ ...lost, to_us: known.from_us }]);
});

test("missing diffs that last longer than their known gap get another gap", async () => {
  const dataDir = temporaryFolder();
  const second = 1_000_000;
  const at = (id: number, s: number) => encodeLine(`{"U":${id},"u":${id}}`, startUs + s * second, null);
  const segment = put(dataDir, "depth", "12-00", at(1, 1) + at(9, 100));
  const known = [gapOf("depth", second, 30 * second, null)];
  expect((await startAfter(dataDir, [segment], known)).gaps).toEqual([gapOf("depth", 30 * second, 100 * second, null)]);
});

test("trades that are missing in a known gap and beyond it get a gap for the rest, and those that are in no file are backfilled", async () => {
  const dataDir = temporaryFolder();
  const second = 1_000_000;
  const at = (id: number, s: number) => encodeLine(`{"e":"aggTrade","a":${id}}`, startUs + s * second, null);
  put(dataDir, "aggTrade", "12-00", at(1, 1), true);
  const segment = put(dataDir, "aggTrade", "12-01", at(9, 100));
  const known = [gapOf("aggTrade", second, 30 * second, 3)];
  const { gaps, refetched, searched } = await startAfter(dataDir, [segment], known);
  const rest = (missing: number | null) => gapOf("aggTrade", 30 * second, 100 * second, missing);
  expect({ gaps, refetched, searched }).toEqual({ gaps: [rest(null), rest(1)], refetched: [], searched: [9] });
});
