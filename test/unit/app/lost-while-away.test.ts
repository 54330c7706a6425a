import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createLostWhileAway } from "../../../server/app/gaps/lost-while-away.ts";
import { segmentPath } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeBackfilledLine, encodeLine } from "../../../server/domain/line.ts";
import type { LastRecord } from "../../../server/journal/entry.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { readLineBytes } from "../../../server/storage/read/archive-reader.ts";
import { temporaryFolder } from "../../support/folder.ts";

const second = 1_000_000;
const noonUs = Date.parse("2026-11-22T12:00:00Z") * 1000;
const startedUs = noonUs + 600 * second;
const row = (s: number) => encodeLine(`{"a":${s},"u":${s}}`, noonUs + s * second, null);

function put(dataDir: string, stream: string, name: string, text: string, sealed = false): void {
  const segment = { stream, symbol: "BTCUSDT", date: "2026-11-22", name };
  const path = segmentPath(dataDir, segment, sealed ? "sealed" : "open");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, sealed ? Bun.zstdCompressSync(text) : text);
}

const pauseOf = (stream: string, from: number): Gap => ({
  ...{ stream, symbol: "BTCUSDT", from_us: noonUs + from * second, to_us: startedUs, cause: "crash" },
  ...{ missing: null, repaired: 0 },
});

/** Returns the gaps that a start records if the newest record of a stream in the journal is from `notedS`. */
async function startAfter(dataDir: string, stream: string, notedS: number, known: readonly Gap[]) {
  const gaps: Gap[] = [];
  const noted: LastRecord = [stream, "BTCUSDT", noonUs + notedS * second, notedS];
  const lost = createLostWhileAway({
    ...{ dataDir, startedUs, readLines: readLineBytes, log: silentLog },
    journal: { gapsOfStream: () => known, lastRecords: () => [noted], saveGaps: (found) => gaps.push(...found) },
  });
  lost.begin();
  await lost.check(new AbortController().signal);
  return gaps.map(({ from_us, to_us, cause, missing }) => [
    (from_us - noonUs) / second,
    (to_us - noonUs) / second,
    ...[cause, missing],
  ]);
}

test("records that were on disk at the end of the last run and are gone now are a gap up to the pause; the pause counts missing trades", async () => {
  const dataDir = temporaryFolder();
  for (const stream of ["depth20", "aggTrade"]) {
    put(dataDir, stream, "12-00", row(1) + row(200), true);
    // Backfilled trades and the records of this run do not count.
    put(dataDir, stream, "12-05", encodeBackfilledLine('{"a":9}', noonUs + 500 * second), true);
    put(dataDir, stream, "12-10", row(601) + row(602));
  }
  expect(await startAfter(dataDir, "depth20", 420, [pauseOf("depth20", 430)])).toEqual([[200, 430, "disk", null]]);
  expect(await startAfter(dataDir, "aggTrade", 420, [pauseOf("aggTrade", 430)])).toEqual([[200, 430, "disk", 0]]);
  expect(await startAfter(dataDir, "depth20", 420, [pauseOf("depth20", 200)])).toEqual([]);
});

test("there is no gap if the newest saved record still exists, or if the stream has no file at all", async () => {
  const dataDir = temporaryFolder();
  put(dataDir, "depth20", "12-00", row(1) + row(420), true);
  expect(await startAfter(dataDir, "depth20", 420, [])).toEqual([]);
  expect(await startAfter(dataDir, "bookTicker", 420, [])).toEqual([]);
});
