import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { exportSettings } from "../../../server/cli/export/export-plan.ts";
import { query } from "../../support/data/duckdb.ts";
import { recordedFolder } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";

let dataDir = "";
beforeAll(async () => {
  dataDir = await recordedFolder();
});

const books = ["--stream", "depth20", "--symbol", "BTCUSDT"];
const exportTo = (out: string, ...words: string[]) =>
  run(["export", "--data-dir", dataDir, ...books, "--out", out, ...words]);

test("a target that ends in .gz or .zst is compressed, with the very text of the plain file; DuckDB reads it", async () => {
  const folder = temporaryFolder();
  const plain = join(folder, "books.csv");
  expect(await exportTo(plain)).toMatchObject({ code: 0, errors: "" });
  const text = readFileSync(plain);
  const [gzip, zstd] = [`${plain}.gz`, `${plain}.zst`];
  for (const path of [gzip, zstd]) {
    const { code, output } = await exportTo(path);
    const size = readFileSync(path).length;
    expect([code, output]).toEqual([0, `${path}: 1,600 rows, ${size.toLocaleString("en")} bytes\n`]);
    expect(size).toBeLessThan(text.length / 3);
    expect(await query(`select count(*), max(last_update_id) from '${path}'`)).toEqual(
      await query(`select count(*), max(last_update_id) from '${plain}'`),
    );
  }
  expect(gunzipSync(readFileSync(gzip)).equals(text)).toBe(true);
  expect(zstdDecompressSync(readFileSync(zstd)).equals(text)).toBe(true);
  // A frame with a checksum, so that damage is noticed: bit 2 of the frame's descriptor.
  expect((readFileSync(zstd)[4] ?? 0) & 4).toBe(4);
  rmSync(folder, { recursive: true });
}, 60_000);

test("--format csv with a name that says only .gz writes a file; a folder of that name is a folder", async () => {
  const folder = temporaryFolder();
  expect(await exportTo(join(folder, "a.gz"), "--format", "csv")).toMatchObject({ code: 0 });
  expect(gunzipSync(readFileSync(join(folder, "a.gz"))).toString()).toStartWith("recv_us,");
  mkdirSync(join(folder, "b.gz"));
  expect(await exportTo(join(folder, "b.gz"), "--format", "csv")).toMatchObject({ code: 0 });
  expect(readdirSync(join(folder, "b.gz"))).toEqual(["stream=depth20"]);
  rmSync(folder, { recursive: true });
}, 60_000);

test("--compression compresses the CSV files of a folder, and standard output; DuckDB reads the folder as it is", async () => {
  const folder = temporaryFolder();
  for (const [word, ending, unpack] of [
    ["gzip", "gz", gunzipSync],
    ["zstd", "zst", zstdDecompressSync],
  ] as const) {
    const out = join(folder, word);
    const { code, output } = await exportTo(out, "--format", "csv", "--compression", word, "--json");
    const written: { path: string; rows: number }[] = JSON.parse(output);
    expect([code, written.map(({ rows }) => rows)]).toEqual([0, [600, 600, 400]]);
    for (const { path } of written) {
      expect(path).toEndWith(`.csv.${ending}`);
      expect(unpack(readFileSync(path)).toString()).toStartWith("recv_us,");
    }
    expect(await query(`select count(*) from read_csv('${out}/**/*.csv.${ending}')`)).toEqual([["1600"]]);
  }
  const piped = await exportTo("-", "--format", "csv", "--compression", "gzip");
  expect([piped.code, piped.errors, piped.output.charCodeAt(0)]).toEqual([0, "", 0x1f]);
  rmSync(folder, { recursive: true });
}, 60_000);

test("if a compressed export fails, the file that was there stays", async () => {
  const folder = temporaryFolder();
  const target = join(folder, "a.csv.gz");
  writeFileSync(target, "good");
  expect(await exportTo(target, "--from", "2026-11-21T12:00", "--to", "2026-11-21T12:01")).toMatchObject({ code: 1 });
  expect([readdirSync(folder), readFileSync(target, "utf8")]).toEqual([["a.csv.gz"], "good"]);
  rmSync(folder, { recursive: true });
});

test("combinations without meaning are refused in words", () => {
  for (const [out, flags, expected] of [
    ["a.parquet.gz", {}, "Parquet is compressed inside (--compression); give an --out without .gz"],
    ["a.gz", {}, "--format is missing; give csv or parquet (or an --out that ends with .csv, .csv.gz, .csv.zst or"],
    ["a", { format: "csvs" }, "give csv, parquet, feather, freqtrade, hftbacktest, tardis"],
    ["a.csv", { compression: "zstd" }, "let the name end with .csv.zst, or leave out --compression"],
    ["a.csv.gz", { compression: "none" }, "let the name end with .csv, or leave out --compression"],
    ["a.csv", { compression: "snappy" }, '--compression "snappy" is not accepted; give gzip, zstd, none'],
    ["a.parquet", { compression: "gzip" }, '--compression "gzip" is not accepted; give zstd, snappy, none'],
  ] as const)
    expect(() => exportSettings({ out, ...flags })).toThrow(expected);
});
