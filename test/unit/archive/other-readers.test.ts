import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { archivePath, type Day, dateOf, liveFolder, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import {
  drained,
  lines,
  realArchiver,
  sealAndMerge,
  segmentOf,
  temporaryData,
  today,
  writeDay,
  writeRaw,
} from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";

const past: Day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-21" };
const now: Day = { stream: "depth20", symbol: "币安人生USDT", date: today };
const { dataDir, remove } = temporaryData();

beforeAll(async () => {
  const archiver = realArchiver(dataDir);
  for (const segment of [...writeDay(dataDir, { day: past }), ...writeDay(dataDir, { day: now, segments: 2 })]) {
    archiver.seal(segment);
  }
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  await archiver.stop(0);
});
afterAll(remove);

test("DuckDB reads sealed segments, with stream, symbol and date as columns", async () => {
  const rows = await query(
    `select stream, symbol, date::varchar, count(*)::int, min(lastUpdateId)::int, max(lastUpdateId)::int
     from read_json('${dataDir}/live/**/*.jsonl.zst', hive_partitioning = true) group by all`,
  );
  expect(rows).toEqual([["depth20", now.symbol, today, 1800, 0, 1799]]);
});

test("DuckDB reads archives, with decimals as the exchange wrote them", async () => {
  const rows = await query(
    `select symbol, date::varchar, count(*)::int, sum(net_delay_ms is null)::int, any_value(bids[1][1] order by recv_us)
     from read_json('${dataDir}/archive/**/*.jsonl.zst', hive_partitioning = true) group by all`,
  );
  expect(rows).toEqual([[past.symbol, past.date, 2700, Math.ceil(2700 / 7), "86000.12000000"]]);
});

test("node:zlib and the Fetch streams read the whole archive", async () => {
  const bytes = readFileSync(archivePath(dataDir, past));
  expect(zstdDecompressSync(bytes).toString()).toBe(lines(0, 2700));
  const stream = new Response(bytes).body?.pipeThrough(new DecompressionStream("zstd" as CompressionFormat));
  expect(await new Response(stream).text()).toBe(lines(0, 2700));
});

test.skipIf(Bun.which("zstd") === null)(
  "the zstd command finds every file intact (skipped if it is not installed)",
  () => {
    const sealed = segmentPath(dataDir, segmentOf("00-00", now), "sealed");
    const { exitCode, stderr } = Bun.spawnSync(["zstd", "-t", archivePath(dataDir, past), sealed]);
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    const listed = Bun.spawnSync(["zstd", "-lv", archivePath(dataDir, past)]).stdout.toString();
    expect(listed).toMatch(/# Zstandard Frames: 1\n/);
    expect(listed).toMatch(/Check: XXH64/);
  },
);

const recording = join(
  process.env.RT_DATA_REAL_DATA ?? join(import.meta.dir, "../../../../shared/data"),
  "depth20+trade.btc-eth.2024-08-08.jsonl.gz",
);

test.skipIf(!existsSync(recording))(
  "a real recording is archived unchanged (skipped without ../shared/data)",
  async () => {
    const files = new Map<string, { day: Day; text: string }>();
    let lastUs = 0;
    for (const text of gunzipSync(readFileSync(recording)).toString().trimEnd().split("\n")) {
      const { t, raw } = JSON.parse(text) as { t: number; raw: string };
      const [, symbol = "", kind = ""] = /^\{"stream":"(\w+)@(\w+)/.exec(raw) ?? [];
      lastUs = Math.max(lastUs, t * 1000);
      const of = { stream: kind, symbol: symbol.toUpperCase(), date: dateOf(lastUs) };
      const file = files.get(liveFolder("", of)) ?? { day: of, text: "" };
      file.text += encodeLine(raw.slice(raw.indexOf(',"data":') + 8, -1), lastUs, null);
      files.set(liveFolder("", of), file);
    }
    const own = temporaryData();
    try {
      const segments = [...files.values()].map(({ day, text }) => {
        const segment = segmentOf("00-00", day);
        writeRaw(own.dataDir, segment, text);
        return segment;
      });
      const { failures, archived } = await sealAndMerge(own.dataDir, segments);
      expect(failures).toEqual([]);
      expect(archived).toHaveLength(4);
      for (const { day, text } of files.values()) {
        expect(zstdDecompressSync(readFileSync(archivePath(own.dataDir, day))).toString() === text).toBe(true);
      }
    } finally {
      own.remove();
    }
  },
);
