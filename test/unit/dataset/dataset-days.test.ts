import { beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Day, manifestPath, nameOfDay } from "../../../server/domain/day.ts";
import { writeDurably } from "../../../server/platform/files/durable-files.ts";
import { encodeManifest, type Manifest, readManifest } from "../../../server/storage/manifest.ts";
import { root } from "../../house/graph.ts";
import { datasetHere, filesInSql, readTable, tableOnDisk, writeDueDays } from "../../support/data/dataset.ts";
import { archiveHere, writeRaw } from "../../support/data/day-fixture.ts";
import type { ReadTable } from "../../support/data/delta-reader.ts";
import { query } from "../../support/data/duckdb.ts";
import { before, date, recordedFolder, refetchedLine, secondOf } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";

const streams = { "stream=aggTrade": ["BTCUSDT", "ETHUSDT"], "stream=depth20": ["BTCUSDT"] } as const;
const days: Day[] = Object.entries(streams).flatMap(([table, symbols]) =>
  symbols.flatMap((symbol) => [before, date].map((on) => ({ stream: table.slice(7), symbol, date: on }))),
);

let whole = "";
beforeAll(async () => {
  whole = await recordedFolder();
});

/** A copy of the recorded folder. */
function recorded(): string {
  const dataDir = temporaryFolder();
  cpSync(join(whole, "archive"), join(dataDir, "archive"), { recursive: true });
  return dataDir;
}

async function tableOf(dataDir: string, name: string): Promise<ReadTable> {
  const table = await readTable(dataDir, name);
  if (table === null) throw new Error(`${name} does not exist`);
  return table;
}

/** Rows by day as DuckDB counts them in exactly the files that the logs name. */
async function countsOf(dataDir: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of Object.keys(streams)) {
    const files = filesInSql(dataDir, name, await tableOf(dataDir, name));
    const sql = `select symbol, date::text, count(*)::int from read_parquet(${files}, hive_partitioning = true) group by all`;
    for (const [symbol, on, rows] of await query(sql)) counts[`${on}/${name.slice(7)}/${symbol}`] = Number(rows);
  }
  return counts;
}

const manifestsOf = (dataDir: string) => days.map((day) => readManifest(dataDir, day) as Manifest);
const rowsInManifests = (dataDir: string) =>
  Object.fromEntries(manifestsOf(dataDir).map((manifest) => [nameOfDay(manifest), manifest.rows]));

test("each archived day becomes a partition with as many rows as its manifest says; coverage and gaps are tables", async () => {
  const dataDir = recorded();
  await writeDueDays(datasetHere(dataDir));
  expect(await countsOf(dataDir)).toEqual(rowsInManifests(dataDir));
  for (const name of Object.keys(streams)) {
    const table = await tableOf(dataDir, name);
    expect(table.files.map(({ rows }) => rows)).toEqual(table.files.map(() => 600));
    const sql = `describe select * from read_parquet(${filesInSql(dataDir, name, table)})`;
    const stored = (await query(sql))
      .map(([column]) => column)
      .filter((column) => !["stream", "symbol", "date"].includes(String(column)));
    // The partition columns are in the log, not in the files.
    expect(Object.keys(table.columns)).toEqual([...(stored as string[]), "symbol", "date"]);
  }
  const coverage = filesInSql(dataDir, "coverage", await tableOf(dataDir, "coverage"));
  const rows = await query(
    `select date::text, stream, symbol, rows::int, complete, archive_sha256, file from read_parquet(${coverage}, hive_partitioning = true)`,
  );
  const expected = manifestsOf(dataDir).map((m) => [
    m.date,
    m.stream,
    m.symbol,
    m.rows,
    m.gaps.length === 0,
    m.compressed_sha256,
  ]);
  expect(rows.map((row) => row.slice(0, 6)).sort()).toEqual(expected.sort());
  for (const [, stream, , , , , file] of rows)
    expect(existsSync(join(dataDir, "dataset", `stream=${stream}`, String(file)))).toBe(true);
  const gaps = filesInSql(dataDir, "gaps", await tableOf(dataDir, "gaps"));
  const found = await query(
    `select stream, symbol, from_us::bigint, to_us::bigint, cause, not settled and epoch_us(from_time) = from_us from read_parquet(${gaps})`,
  );
  const known = manifestsOf(dataDir).flatMap((m) =>
    m.gaps.map((gap) => [m.stream, m.symbol, String(gap.from_us), String(gap.to_us), gap.cause, true]),
  );
  expect(found.sort()).toEqual(known.sort());
});

test("a gap at the end of a day is marked in the table's next day, and unmarked once the gap is backfilled", async () => {
  const dataDir = recorded();
  const run = datasetHere(dataDir);
  const marks = async () => {
    const files = filesInSql(dataDir, "stream=aggTrade", await tableOf(dataDir, "stream=aggTrade"));
    return query(`select symbol, recv_us from read_parquet(${files}, hive_partitioning = true) where since_gap`);
  };
  const day = { stream: "aggTrade", symbol: "BTCUSDT", date: before };
  const setGap = (missing: number, repaired: number) => {
    const manifest = readManifest(dataDir, day) as Manifest;
    const span = { from_us: manifest.last_recv_us, to_us: manifest.last_recv_us + 5000 };
    const gaps = [{ ...span, cause: "missing" as const, missing, repaired }];
    writeDurably(manifestPath(dataDir, day), encodeManifest({ ...manifest, gaps }));
  };
  await writeDueDays(run);
  expect(await marks()).toEqual([]);
  setGap(7, 6);
  await writeDueDays(run);
  expect(await marks()).toEqual([["BTCUSDT", String(secondOf(date, 0))]]);
  setGap(7, 7);
  await writeDueDays(run);
  expect(await marks()).toEqual([]);
});

test("a late backfill replaces its day in one commit, under a new name; the old file stays for readers of the old version", async () => {
  const dataDir = recorded();
  const run = datasetHere(dataDir);
  await writeDueDays(run);
  const old = await tableOf(dataDir, "stream=aggTrade");
  const day = { stream: "aggTrade", symbol: "BTCUSDT", date };
  writeRaw(dataDir, { ...day, name: "00-20" }, refetchedLine(secondOf(date, 1200), 90_000));
  await archiveHere(dataDir, [{ ...day, name: "00-20" }], { before: "2026-11-22" });
  await writeDueDays(run);
  const now = await tableOf(dataDir, "stream=aggTrade");
  expect(now.version).toBe(old.version + 1);
  expect(await countsOf(dataDir)).toEqual({ ...rowsInManifests(dataDir), [nameOfDay(day)]: 601 });
  const [replaced] = now.removed;
  expect(old.files.map(({ path }) => path)).toContain(String(replaced));
  expect(existsSync(join(dataDir, "dataset", "stream=aggTrade", String(replaced)))).toBe(true);
  const coverage = filesInSql(dataDir, "coverage", await tableOf(dataDir, "coverage"));
  expect(await query(`select count(*)::int, sum(rows)::int from read_parquet(${coverage})`)).toEqual([[6, 3601]]);
  // DuckDB without an extension finds the same by the SQL of the documentation.
  for (const page of ["dataset.md", "dataset.ko.md"]) {
    const [, sql = ""] = /```sql\n(with log.*?)```/s.exec(readFileSync(join(root, "ops/docs", page), "utf8")) ?? [];
    const counted = await query(sql.replaceAll("'data/", `'${dataDir}/`));
    expect(counted.map(([symbol, on, rows]) => [symbol, on, rows])).toEqual([
      ...[
        ["BTCUSDT", before, "600"],
        ["BTCUSDT", date, "601"],
        ["ETHUSDT", before, "600"],
        ["ETHUSDT", date, "600"],
      ],
    ]);
  }
  // No day is due any more, so there is no commit.
  await writeDueDays(run);
  expect((await tableOf(dataDir, "stream=aggTrade")).version).toBe(now.version);
});

test("a changed gap in the manifest writes the day and its facts again", async () => {
  const dataDir = recorded();
  const run = datasetHere(dataDir);
  await writeDueDays(run);
  const day = { stream: "depth20", symbol: "BTCUSDT", date };
  const manifest = readManifest(dataDir, day) as Manifest;
  writeDurably(manifestPath(dataDir, day), encodeManifest({ ...manifest, gaps: [] }));
  expect(await run({ kind: "look", keepFrom: null })).toMatchObject({ due: { days: [day], facts: [] } });
  await writeDueDays(run);
  const gaps = filesInSql(dataDir, "gaps", await tableOf(dataDir, "gaps"));
  expect(await query(`select count(*)::int from read_parquet(${gaps})`)).toEqual([[2]]);
});

test("the whole dataset can be deleted and comes back; a deleted data file as well", async () => {
  const dataDir = recorded();
  await writeDueDays(datasetHere(dataDir));
  const before = await countsOf(dataDir);
  const [file] = (await tableOf(dataDir, "stream=depth20")).files;
  rmSync(join(dataDir, "dataset", "stream=depth20", file?.path ?? ""));
  await writeDueDays(datasetHere(dataDir));
  expect(await countsOf(dataDir)).toEqual(before);
  rmSync(join(dataDir, "dataset"), { recursive: true });
  await writeDueDays(datasetHere(dataDir));
  expect(await countsOf(dataDir)).toEqual(before);
});

test("a day that cannot be read fails alone, and its old file stays in the table", async () => {
  const dataDir = recorded();
  const run = datasetHere(dataDir);
  await writeDueDays(run);
  const day = { stream: "depth20", symbol: "BTCUSDT", date };
  const manifest = readManifest(dataDir, day) as Manifest;
  writeDurably(manifestPath(dataDir, day), encodeManifest({ ...manifest, compressed_sha256: "0".repeat(64) }));
  await expect(run({ kind: "day", site: "disk", day })).rejects.toThrow("it is not what its manifest says");
  expect((await tableOf(dataDir, "stream=depth20")).files).toHaveLength(2);
  expect((await tableOf(dataDir, "stream=depth20")).version).toBe(1);
});

test("another form of numbers does not mix with a table: the failure says what to do", async () => {
  const dataDir = recorded();
  await writeDueDays(datasetHere(dataDir));
  const day = { stream: "aggTrade", symbol: "BTCUSDT", date };
  await expect(datasetHere(dataDir, { numbers: "decimal" })({ kind: "day", site: "disk", day })).rejects.toThrow(
    "rt-data dataset --rebuild",
  );
  rmSync(join(dataDir, "dataset"), { recursive: true });
  await writeDueDays(datasetHere(dataDir, { numbers: "decimal" }));
  expect((await tableOf(dataDir, "stream=aggTrade")).columns.price).toBe("decimal(18,8)");
  expect(await countsOf(dataDir)).toEqual(rowsInManifests(dataDir));
});

test("replaced files go by a confirmed time alone, and never a file that the newest version names", async () => {
  const dataDir = recorded();
  const run = datasetHere(dataDir);
  await writeDueDays(run);
  const day = { stream: "aggTrade", symbol: "BTCUSDT", date };
  const manifest = readManifest(dataDir, day) as Manifest;
  writeDurably(manifestPath(dataDir, day), encodeManifest({ ...manifest, gaps: [] }));
  await writeDueDays(run);
  const sweep = { kind: "sweep", site: "disk", keepFrom: null, keepHours: 24 } as const;
  const inHours = (hours: number) => ({ kind: "confirmed", us: (Date.now() + hours * 3_600_000) * 1000 }) as const;
  expect(await run({ ...sweep, time: { kind: "unconfirmed", why: "test" } })).toMatchObject({ removed: 0 });
  expect(await run({ ...sweep, time: inHours(23) })).toMatchObject({ removed: 0 });
  // The day's file and the files of the facts of its date.
  expect(await run({ ...sweep, time: inHours(25) })).toMatchObject({ removed: 3 });
  expect(await run({ ...sweep, time: inHours(25) })).toMatchObject({ removed: 0 });
  expect(await countsOf(dataDir)).toEqual(rowsInManifests(dataDir));
});

test("days before the retention leave their table at a confirmed time, seven dates at a time; the archives stay", async () => {
  const dataDir = recorded();
  const run = datasetHere(dataDir);
  await writeDueDays(run);
  const sweep = { kind: "sweep", site: "disk", keepFrom: date, keepHours: 24 } as const;
  expect(await run({ ...sweep, time: { kind: "unconfirmed", why: "test" } })).toMatchObject({ expired: 0 });
  expect(await run({ ...sweep, time: { kind: "confirmed", us: Date.now() * 1000 } })).toMatchObject({
    expired: 3,
    removed: 0,
  });
  expect(Object.keys(await countsOf(dataDir)).sort()).toEqual(
    days
      .filter((day) => day.date === date)
      .map(nameOfDay)
      .sort(),
  );
  expect(await run({ kind: "look", keepFrom: date })).toMatchObject({ due: { days: [] } });
  expect(manifestsOf(dataDir)).toHaveLength(6);
});

test("the log is what the protocol of Delta Lake says, also after many commits and checkpoints", async () => {
  const dataDir = recorded();
  const day = { stream: "aggTrade", symbol: "ETHUSDT", date };
  const manifest = readManifest(dataDir, day) as Manifest;
  const [gap] = manifest.gaps;
  for (let n = 1; n <= 24; n++) {
    const gaps = gap === undefined ? [] : [{ ...gap, to_us: gap.to_us - n }];
    writeDurably(manifestPath(dataDir, day), encodeManifest({ ...manifest, gaps }));
    // A restart each time: everything is read from the files.
    await datasetHere(dataDir)({ kind: "day", site: "disk", day });
  }
  const table = await tableOf(dataDir, "stream=aggTrade");
  expect(table).toMatchObject({ version: 23, files: [{ rows: 600 }] });
  const names = await tableOnDisk(dataDir, "stream=aggTrade").log();
  expect(names.filter((name) => name.includes("checkpoint"))).toEqual([
    "00000000000000000019.checkpoint.parquet",
    "_last_checkpoint",
  ]);
  // The commits say the same as a missing checkpoint.
  rmSync(join(dataDir, "dataset/stream=aggTrade/_delta_log/00000000000000000019.checkpoint.parquet"));
  expect(await datasetHere(dataDir)({ kind: "day", site: "disk", day })).toMatchObject({ done: { kind: "current" } });
  expect(readFileSync(manifestPath(dataDir, day), "utf8")).not.toBe("");
});
