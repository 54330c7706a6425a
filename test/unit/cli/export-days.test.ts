import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { selectionOf, selectRecords } from "../../../server/cli/data/selection.ts";
import { exportInThreads, exportInTurn } from "../../../server/cli/export/export-days.ts";
import { exportSettings, planExport } from "../../../server/cli/export/export-plan.ts";
import { archivePath, manifestPath } from "../../../server/domain/day.ts";
import { createSourceCheck } from "../../../server/storage/read/source-check.ts";
import { query } from "../../support/data/duckdb.ts";
import { before, date, recordedFolder, secondOf, today } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

const days = [before, date].map((date) => ({ stream: "depth20", symbol: "BTCUSDT", date }));
let dataDir = "";
let place = "";
beforeAll(async () => {
  dataDir = await recordedFolder();
  place = temporaryFolder();
});
afterAll(() => {
  for (const folder of [dataDir, place]) rmSync(folder, { recursive: true });
});

/** Exports a data folder with this many threads. `told`: damage and results in the order in which they were told. */
function exportWith(workers: number, out: string, { from = dataDir, stop = new AbortController().signal } = {}) {
  const settings = exportSettings({ out: `${out}/`, format: "parquet" });
  const selection = selectionOf({ "data-dir": from });
  const jobs = planExport(selectRecords(selection), selection, settings);
  const told: string[] = [];
  const shares: number[] = [];
  const deps = {
    ...{ check: createSourceCheck(stop), gapsOf: () => null, stop },
    onDamage: (path: string, problem: string) => void told.push(`${relative(from, path)}: ${problem}`),
    onProgress: (share: number) => void shares.push(share),
  };
  async function run() {
    const results =
      workers > 1 ? exportInThreads(jobs, settings, { ...deps, workers }) : exportInTurn(jobs, settings, deps);
    for await (const { job, result } of results) told.push(`${relative(out, job.path)} ${JSON.stringify(result)}`);
  }
  return { told, shares, ended: run() };
}

const filesOf = (folder: string) =>
  (existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [])
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .sort();

function copyOfDays(change: (path: string) => Uint8Array): string {
  const from = temporaryFolder();
  for (const day of days) {
    cpSync(join(archivePath(dataDir, day), ".."), join(archivePath(from, day), ".."), { recursive: true });
    writeFileSync(archivePath(from, day), change(archivePath(dataDir, day)));
  }
  return from;
}

test("two threads write the files of one, byte for byte, and tell of them in the same order", async () => {
  const [one, two] = [join(place, "one"), join(place, "two")];
  const [alone, together] = [exportWith(1, one), exportWith(2, two)];
  await Promise.all([alone.ended, together.ended]);
  expect(together.told).toEqual(alone.told);
  expect(together.told).toHaveLength(9);
  expect(filesOf(two)).toEqual(filesOf(one));
  for (const name of filesOf(one))
    expect(readFileSync(join(two, name)).equals(readFileSync(join(one, name)))).toBe(true);
  expect(together.shares.every((share) => share >= 0 && share <= 1)).toBe(true);
}, 60_000);

test("a gap that ends after the last row of a day is marked in the next day's file, written by one thread or by two", async () => {
  const marks = (out: string) =>
    query(
      `select stream, symbol, date::text, recv_us from read_parquet('${out}/**/*.parquet', hive_partitioning = true, union_by_name = true)
       where since_gap order by all`,
    );
  // The second day ends in a gap until midnight.
  const expected = [
    ["aggTrade", "BTCUSDT", today, String(secondOf(today, 0))],
    ["aggTrade", "ETHUSDT", today, String(secondOf(today, 0) + 500)],
    ["depth20", "BTCUSDT", today, String(secondOf(today, 0))],
  ];
  for (const workers of [1, 2]) {
    const out = join(place, `marks-${workers}`);
    await exportWith(workers, out).ended;
    expect(await marks(out)).toEqual(expected);
  }
}, 60_000);

test("a damaged day is named and not written by threads either, and leaves no folder; the other day is written", async () => {
  const from = copyOfDays((path) => {
    const bytes = readFileSync(path);
    if (path.includes(before)) bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 16;
    return bytes;
  });
  const [one, two] = [join(place, "damaged-one"), join(place, "damaged-two")];
  const [alone, together] = [exportWith(1, one, { from }), exportWith(2, two, { from })];
  await Promise.all([alone.ended, together.ended]);
  expect(together.told).toEqual(alone.told);
  expect(together.told).toEqual([
    expect.stringContaining("its SHA-256 differs from its manifest"),
    expect.stringContaining('{"kind":"damaged"}'),
    expect.stringContaining('"kind":"written"'),
  ]);
  expect(readdirSync(two, { recursive: true }).sort()).toEqual(readdirSync(one, { recursive: true }).sort());
  rmSync(from, { recursive: true });
}, 60_000);

test("an error of one day ends the export, in the words of one thread", async () => {
  const target = join(place, "blocked");
  mkdirSync(target);
  writeFileSync(join(target, "stream=aggTrade"), "a file in the way");
  await expect(exportWith(2, target).ended).rejects.toThrow(/cannot write .*stream=aggTrade/);
  expect(filesOf(target).filter((name) => name.endsWith(".tmp"))).toEqual([]);
}, 60_000);

test("a stop during two long days removes their temporary files and new folders before the export ends", async () => {
  // Each day takes seconds of CPU: its archive repeats one zstd frame, which is noticed only at the end.
  const from = copyOfDays((path) => Buffer.concat(Array.from({ length: 2000 }, () => readFileSync(path))));
  for (const day of days) {
    const manifest = JSON.parse(readFileSync(manifestPath(from, day), "utf8"));
    const compressed_sha256 = new Bun.CryptoHasher("sha256").update(readFileSync(archivePath(from, day))).digest("hex");
    writeFileSync(manifestPath(from, day), JSON.stringify({ ...manifest, compressed_sha256 }));
  }
  const out = join(place, "stopped");
  const stop = new AbortController();
  const { told, shares, ended } = exportWith(2, out, { from, stop: stop.signal });
  const failed = ended.then(
    () => "no error",
    (error: unknown) => String(error),
  );
  const isUnderWay = () => (shares.at(-1) ?? 0) > 0;
  await until(
    () => isUnderWay() && filesOf(out).filter((name) => name.endsWith(".tmp")).length === 2,
    "two days and their progress",
  );
  stop.abort();
  expect(await failed).toContain("the export was stopped");
  expect([told, existsSync(out)]).toEqual([[], false]);
  rmSync(from, { recursive: true });
}, 60_000);
