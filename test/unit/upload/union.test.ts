import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { verifyArchive } from "../../../server/archive/verify/verify-archive.ts";
import type { Day } from "../../../server/domain/day.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { combineFolder } from "../../../server/upload/day/combine-day.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { archive, keep, keysOf, newDataDir, noise, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3, startS3rver } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const day: Day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" };
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const idsOf = (lines: string) => [...lines.matchAll(/"a":(\d+)/g)].map((match) => Number(match[1]));

let s3: S3;
let faux: S3;
beforeAll(async () => {
  [s3, faux] = await Promise.all([startS3rver(), startFauxS3()]);
});
afterAll(async () => {
  await Promise.all([s3.stop(), faux.stop()]);
});

async function stored(at: S3, prefix: string, of = day): Promise<{ ids: number[]; manifest: Manifest }> {
  const [archived = "", manifest = ""] = keysOf(of, prefix);
  const bytes = await at.client.file(archived).bytes();
  return { ids: idsOf(zstdDecompressSync(bytes).toString()), manifest: await at.client.file(manifest).json() };
}

async function recorder(ids: readonly number[], lateUs: number): Promise<string> {
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, ids, lateUs));
  return dataDir;
}

test("two recorders of one symbol, one after the other: the bucket keeps the combined archive, and both count as uploaded", async () => {
  const [a, b] = [await recorder(range(0, 300), 10), await recorder([...range(100, 200), ...range(250, 400)], 5)];
  const settings = { "upload.prefix": "union" };
  const first = keep(a, s3, settings);
  await first.settled();
  await first.stop();
  const second = keep(b, s3, settings);
  await second.settled();
  await second.stop();
  const { ids, manifest } = await stored(s3, "union/");
  expect(ids).toEqual(range(0, 400));
  expect(manifest).toMatchObject({ rows: 400, first_id: 0, last_id: 399, sources: [{ rows: 300 }, { rows: 250 }] });
  expect(existsSync(join(combineFolder(b), `${day.symbol}-${day.stream}-${day.date}`))).toBe(false);

  const again = keep(a, s3, settings, { pace: { settleMs: 50 } });
  again.onArchived(day);
  await again.settled(0);
  await again.stop();
  expect((await stored(s3, "union/")).ids).toEqual(range(0, 400));
  expect(again.status()?.bytes_sent).toBe(0);
});

for (const [name, conditions] of [
  ["that looks at conditions", true],
  ["that ignores conditions", false],
] as const) {
  test(`three recorders at the same moment lose no row, on a store ${name}`, async () => {
    const proxy = s3Proxy(faux.endpoint, { conditions });
    const prefix = `race-${conditions}`;
    const parts = [range(0, 200), range(150, 350), [...range(0, 50), ...range(300, 500)]];
    const folders = await Promise.all(parts.map((ids, n) => recorder(ids, n)));
    const at = { ...faux, endpoint: proxy.endpoint };
    const keepers = folders.map((dataDir) =>
      keep(dataDir, at, { "upload.prefix": prefix }, { pace: { settleMs: 400 } }),
    );
    await Promise.all(keepers.map((keeper) => keeper.settled()));
    await Promise.all(keepers.map((keeper) => keeper.stop()));
    await proxy.stop();
    const { ids, manifest } = await stored(faux, `${prefix}/`);
    expect(ids).toEqual(range(0, 500));
    expect(manifest.rows).toBe(500);
    expect(manifest.sources).toHaveLength(3);
    expect(proxy.refused.length > 0 || !conditions).toBe(true);
  }, 60_000);
}

test("a recorder whose rows another recorder overwrote, on a store that ignores conditions, adds its rows again", async () => {
  const [a, b] = [await recorder(range(0, 30), 0), await recorder(range(20, 50), 0)];
  const settings = { "upload.prefix": "lost" };
  const keeping = keep(a, s3, settings, { pace: { settleMs: 300 } });
  await until(() => keeping.status()?.archives_uploaded === 1, "the first upload");
  for (const key of keysOf(day, "lost/")) {
    await s3.client.write(key, await Bun.file(join(b, key.replace("lost/", "archive/"))).bytes());
  }
  expect((await stored(s3, "lost/")).ids).toEqual(range(20, 50));
  await keeping.settled(2);
  await keeping.stop();
  expect((await stored(s3, "lost/")).ids).toEqual(range(0, 50));
});

test("an archive that appears during a multipart upload is combined, not replaced", async () => {
  const of = { ...day, stream: "depth20" };
  const dataDir = newDataDir();
  await archive(dataDir, of, noise(of, 15));
  const other = newDataDir();
  await archive(other, of, noise(of, 1).toString().replaceAll('Id":', 'Id":9'));
  let copied: Promise<unknown> | null = null;
  const proxy = s3Proxy(faux.endpoint, {
    answer(request) {
      if (!request.url.includes("partNumber=2")) return null;
      copied ??= Promise.all(
        keysOf(of, "late/").map(async (key) =>
          faux.client.write(key, await Bun.file(join(other, key.replace("late/", "archive/"))).bytes()),
        ),
      );
      return null;
    },
  });
  const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "late" });
  await keeping.settled();
  await keeping.stop();
  await proxy.stop();
  await copied;
  const messages = keeping.lines
    .map(({ message }) => message)
    .filter((message) => /^(uploaded|combined)/.test(message));
  expect(messages).toEqual(["combined an archive with another recorder's archive in the bucket"]);
  expect(keeping.lines.filter(({ level }) => level === "error")).toEqual([]);
});

describe("an unfinished upload of another recorder", () => {
  const slow = { pace: { settleMs: 60_000, retryMs: 20 } };

  test("an archive without manifest, just written by another recorder, is not touched: its manifest will follow", async () => {
    const dataDir = await recorder(range(0, 10), 0);
    const [archived = ""] = keysOf(day, "fresh/");
    await s3.client.write(archived, Bun.zstdCompressSync(trades(day, range(5, 20), 0)));
    const keeping = keep(dataDir, s3, { "upload.prefix": "fresh" }, { ...slow, nowUs: () => Date.now() * 1000 });
    await until(() => keeping.status()?.archives_unconfirmed === 1, "the day to be put off");
    await keeping.stop();
    expect(idsOf(zstdDecompressSync(await s3.client.file(archived).bytes()).toString())).toEqual(range(5, 20));
    expect(keeping.status()).toMatchObject({ archives_uploaded: 0, failures: 0 });
  });

  test("after an hour it is combined", async () => {
    const dataDir = await recorder(range(0, 10), 0);
    const [archived = ""] = keysOf(day, "old/");
    await s3.client.write(archived, Bun.zstdCompressSync(trades(day, range(5, 20), 0)));
    const keeping = keep(dataDir, s3, { "upload.prefix": "old" }, { nowUs: () => (Date.now() + 3_600_000) * 1000 });
    await keeping.settled();
    await keeping.stop();
    expect((await stored(s3, "old/")).ids).toEqual(range(0, 20));
  });

  test("this recorder's own archive without manifest, after a crash, gets its manifest at once", async () => {
    const dataDir = await recorder(range(0, 10), 0);
    const first = keep(dataDir, s3, { "upload.prefix": "ours" });
    await first.settled();
    await first.stop();
    await s3.client.delete(keysOf(day, "ours/")[1] ?? "");
    await Bun.file(join(dataDir, "archive", keysOf(day)[0]?.replace(".jsonl.zst", ".uploaded.json") ?? "")).delete();
    const second = keep(dataDir, s3, { "upload.prefix": "ours" }, slow);
    await until(() => second.status()?.archives_uploaded === 1, "the day to be found");
    await second.stop();
    expect(await s3.keys("ours/")).toEqual(keysOf(day, "ours/"));
    expect(second.status()?.bytes_sent).toBe(0);
  });
});

test("two shards fill one bucket side by side; copied with its keys, DuckDB and `verify` read it as hive partitions", async () => {
  const days = ["BTCUSDT", "ETHUSDT"].map((symbol, n) => ({ stream: "aggTrade", symbol, date: `2026-11-1${n}` }));
  for (const of of days) {
    const dataDir = newDataDir();
    await archive(dataDir, of, trades(of, range(0, 100), 0));
    const keeping = keep(dataDir, s3, { "upload.prefix": "shards" });
    await keeping.settled();
    await keeping.stop();
  }
  const copy = temporaryFolder();
  for (const key of await s3.keys("shards/")) {
    const path = join(copy, key.replace("shards/", "archive/"));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await s3.client.file(key).bytes());
  }
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `select stream, symbol, date::varchar, count(*)::int, min(a)::int, max(a)::int
     from read_json('${copy}/archive/**/*.jsonl.zst', hive_partitioning = true) group by all order by symbol`,
  );
  expect(reader.getRowsJson()).toEqual(days.map(({ stream, symbol, date }) => [stream, symbol, date, 100, 0, 99]));
  connection.closeSync();
  instance.closeSync();
  for (const of of days) expect((await verifyArchive(copy, of)).kind).toBe("ok");
});
