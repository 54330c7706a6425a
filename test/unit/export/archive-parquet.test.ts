import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archivePath } from "../../../server/domain/day.ts";
import {
  type ArchiveParquetOptions,
  type ArchiveSource,
  writeArchiveAsParquet,
} from "../../../server/export/parquet/archive-parquet.ts";
import { type Manifest, readManifest } from "../../../server/storage/manifest.ts";
import { archiveHere, day, temporaryData, writeDay } from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";

let dataDir = "";
let remove = () => {};
let manifest: Manifest;
beforeAll(async () => {
  ({ dataDir, remove } = temporaryData());
  await archiveHere(dataDir, writeDay(dataDir));
  manifest = readManifest(dataDir, day) as Manifest;
});
afterAll(() => remove());

function write(target: string, source: Partial<ArchiveSource> = {}, options: Partial<ArchiveParquetOptions> = {}) {
  const whole = { path: archivePath(dataDir, day), manifest, gaps: manifest.gaps, startsAfterGap: false, ...source };
  const { signal: stop } = new AbortController();
  return writeArchiveAsParquet(whole, target, {
    ...{ numbers: "float64", levels: "columns", compression: "zstd", stop },
    ...options,
  });
}

test("an archived day becomes one Parquet file with every row, and its size, checksum and statistics are told", async () => {
  const target = join(dataDir, "out", "day.parquet");
  const shares: number[] = [];
  const written = await write(target, {}, { onProgress: (share) => shares.push(share) });
  const file = readFileSync(target);
  expect(written).toMatchObject({ rows: manifest.rows, bytes: file.length });
  expect(written.sha256).toBe(new Bun.CryptoHasher("sha256").update(file).digest("hex"));
  expect(shares.at(-1)).toBe(1);
  expect(await query(`select count(*), min(recv_us), max(recv_us) from '${target}'`)).toEqual([
    [String(manifest.rows), String(manifest.first_recv_us), String(manifest.last_recv_us)],
  ]);
  const facts = written.columns.map(({ name, nulls, least, greatest }) => ({ name, nulls, least, greatest }));
  expect(facts[0]).toEqual({
    ...{ name: "recv_us", nulls: 0, least: manifest.first_recv_us, greatest: manifest.last_recv_us },
  });
  const names = facts.map(({ name }) => `count(*) - count(${name})`).join(", ");
  const [nulls = []] = await query(`select ${names} from '${target}'`);
  expect(nulls).toEqual(facts.map(({ nulls }) => String(nulls)));
});

test("a stopped export and a damaged archive leave no file behind", async () => {
  const target = join(dataDir, "new", "day.parquet");
  const stop = new AbortController();
  await expect(write(target, {}, { stop: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow("was stopped");
  const wrong = { ...manifest, compressed_sha256: "0".repeat(64) };
  await expect(write(target, { manifest: wrong })).rejects.toThrow("it is not what its manifest says");
  expect(readdirSync(dataDir)).not.toContain("new");
});

test("an existing file stays as it was until a better file is complete", async () => {
  const target = join(dataDir, "day.parquet");
  writeFileSync(target, "before");
  await expect(write(target, { manifest: { ...manifest, rows: manifest.rows + 1 } })).rejects.toThrow(
    "it is not what its manifest says",
  );
  expect(readFileSync(target, "utf8")).toBe("before");
});

test("since_gap marks the first row after a gap, unless the gap was backfilled in full or the exchange had halted", async () => {
  const target = join(dataDir, "marks.parquet");
  const at = (second: number) => manifest.first_recv_us + second * 1e6;
  const gap = { cause: "silent", missing: null, repaired: 0 } as const;
  const gaps = [
    { ...gap, from_us: at(9) + 1, to_us: at(10) },
    { ...gap, from_us: at(19), to_us: at(20) + 1, missing: 7, repaired: 6 },
    { ...gap, from_us: at(29), to_us: at(30), missing: 7, repaired: 7 },
    { ...gap, from_us: at(39), to_us: at(40), cause: "halted" as const },
    { ...gap, from_us: at(49), to_us: at(50) },
    { ...gap, from_us: at(49) + 5, to_us: at(50) - 5 },
  ];
  await write(target, { gaps });
  expect(await query(`select recv_us from '${target}' where since_gap order by all`)).toEqual(
    [10, 21, 50].map((second) => [String(at(second))]),
  );
});

test("the first row is marked, once, if the day before ended in a gap, also beside a gap of its own", async () => {
  const target = join(dataDir, "marks.parquet");
  const firstUs = manifest.first_recv_us;
  const gap = { cause: "silent", missing: null, repaired: 0, from_us: firstUs - 5, to_us: firstUs } as const;
  for (const gaps of [[], [gap]]) {
    await write(target, { gaps, startsAfterGap: true });
    expect(await query(`select recv_us from '${target}' where since_gap`)).toEqual([[String(firstUs)]]);
  }
});

const instrument = { base: "BTC", quote: "USDT", tick_size: "0.01", step_size: "0.00001", status: "TRADING" };

test("ticks are whole multiples of the day's tick and step size, and the file says which", async () => {
  const target = join(dataDir, "ticks.parquet");
  await write(target, { manifest: { ...manifest, instrument } }, { numbers: "ticks" });
  const exact = join(dataDir, "decimal.parquet");
  await write(exact, {}, { numbers: "decimal" });
  const differs = "a.bid_px_1 * 0.01 <> b.bid_px_1 or a.ask_sz_20 * 0.00001 <> b.ask_sz_20";
  const joined = `'${target}' a join '${exact}' b using (recv_us)`;
  expect(await query(`select typeof(bid_px_1) from '${target}' limit 1`)).toEqual([["BIGINT"]]);
  expect(await query(`select count(*), count(*) filter (${differs}) from ${joined}`)).toEqual([
    [String(manifest.rows), "0"],
  ]);
  const facts = new Map(
    (await query(`select key::varchar, value::varchar from parquet_kv_metadata('${target}')`)) as [string, string][],
  );
  expect(facts.get("rt_data.archive_sha256")).toBe(manifest.compressed_sha256);
  expect([facts.get("rt_data.tick_size"), facts.get("rt_data.step_size")]).toEqual(["0.01", "0.00001"]);
  expect([facts.get("rt_data.stream"), facts.get("rt_data.symbol")]).toEqual(["depth20", "BTCUSDT"]);
  expect(Number(facts.get("rt_data.coverage"))).toBeGreaterThan(0);
  expect(JSON.parse(facts.get("rt_data.gaps") ?? "")).toEqual([]);
});

test("ticks need known units, and values that are multiples of them", async () => {
  const target = join(dataDir, "new", "ticks.parquet");
  await expect(write(target, {}, { numbers: "ticks" })).rejects.toThrow("use --numbers decimal");
  const coarse = { ...manifest, instrument: { ...instrument, tick_size: "1.00" } };
  await expect(write(target, { manifest: coarse }, { numbers: "ticks" })).rejects.toThrow(
    "not a multiple of its unit 1;",
  );
  expect(readdirSync(dataDir)).not.toContain("new");
});
