/**
 * `CHDB=FOLDER bun test ./test/bench/archive/read-dataset.ts`: the dataset of real recordings (../shared/data), on disk and in an S3 server on
 * loopback, read by ClickHouse (npm `chdb`, 546 MB; FOLDER has it in node_modules: `npm i --prefix FOLDER chdb`, and node runs it) and by
 * DuckDB. Counts of each partition against the manifests, before and after a late backfill; then the time of a query on the archive and on the
 * dataset. Prints Markdown.
 */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Day, dateOf, liveFolder, type Segment } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { parseStreamName } from "../../../server/domain/stream.ts";
import { archivedDays } from "../../../server/storage/list/listing.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { readManifest } from "../../../server/storage/manifest.ts";
import { appConfig } from "../../support/app-config.ts";
import { datasetHere, filesInSql, readTable, writeDueDays } from "../../support/data/dataset.ts";
import { archiveHere, writeRaw } from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";
import { realMessages } from "../../support/simulator/real-data.ts";
import { keep, newDataDir } from "../../support/upload/bucket.ts";
import { startFauxS3 } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";

const chdb = process.env.CHDB ?? "";
const recordings = [
  "depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz",
  "depth20+trade.btc-eth.2024-08-08.jsonl.gz",
  "raw-depth+trade+bookTicker.btc-eth.2024-08-08.jsonl.gz",
];

/** Writes the messages as raw segments of their days; the last `late` messages of each stream only if asked for. */
async function record(dataDir: string, isLate: boolean): Promise<void> {
  const texts = new Map<string, { segment: Segment; lines: string[] }>();
  for (const [at, file] of recordings.entries()) {
    for (const { t, raw } of realMessages(file)) {
      const [, name = "", payload = ""] = /^\{"stream":"([^"]+)","data":(.*)\}$/.exec(raw) ?? [];
      const stream = parseStreamName(name);
      // Trades of 2024 are in two files.
      if (stream === null || (at === 2 && stream.type.folder === "trade")) continue;
      const day: Day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(t * 1000) };
      const key = liveFolder("", day);
      const entry = texts.get(key) ?? { segment: { ...day, name: isLate ? "23-59_02" : "23-00" }, lines: [] };
      entry.lines.push(encodeLine(payload, t * 1000, null));
      texts.set(key, entry);
    }
  }
  const segments: Segment[] = [];
  for (const { segment, lines } of texts.values()) {
    const cut = Math.floor(lines.length * 0.9);
    writeRaw(dataDir, segment, (isLate ? lines.slice(cut) : lines.slice(0, cut)).join(""));
    segments.push(segment);
  }
  await archiveHere(dataDir, segments);
}

/** Counts by `stream/symbol/date`, as ClickHouse says. */
async function clickHouse(tables: readonly string[], from: (table: string) => string): Promise<Record<string, number>> {
  const script = join(chdb, "read-dataset.mjs");
  writeFileSync(
    script,
    `import { query } from "chdb"; process.chdir("/");
     for (const [name, from] of JSON.parse(process.argv[2]))
       process.stdout.write(query("select '" + name + "', symbol, toString(date), count() from " + from + " group by all", "TabSeparated"));`,
  );
  const wanted = JSON.stringify(tables.map((name) => [name, from(name)]));
  // The S3 server runs in this process, which must not wait.
  const child = Bun.spawn(["node", script, wanted], { cwd: chdb, stdout: "pipe", stderr: "inherit" });
  const rows = (await new Response(child.stdout).text())
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  return Object.fromEntries(
    rows.map(([name = "", symbol, date, count]) => [`${name.slice(7)}/${symbol}/${date}`, Number(count)]),
  );
}

test("other readers count what the manifests say, here and in a bucket, also after a late backfill", async () => {
  const s3 = await startFauxS3();
  const proxy = s3Proxy(s3.endpoint, { conditions: true });
  const dataDir = newDataDir();
  const at = { ...s3, endpoint: proxy.endpoint };
  const { upload } = appConfig({
    ...{ "upload.endpoint": proxy.endpoint, "upload.bucket": s3.bucket, "upload.prefix": "real" },
    ...{ "upload.access_key": s3.accessKey, "upload.secret_key": s3.secretKey },
  });
  for (const isLate of [false, true]) {
    await record(dataDir, isLate);
    const days = await archivedDays(dataDir);
    const keeping = keep(dataDir, at, { "upload.prefix": "real" });
    await keeping.settled(days.length);
    await keeping.stop();
    const run = datasetHere(dataDir, { upload });
    await writeDueDays(run);
    for (const day of days) await run({ kind: "day", site: "bucket", day });
    const manifests = days.map((day) => readManifest(dataDir, day) as Manifest);
    const expected = Object.fromEntries(manifests.map((m) => [`${m.stream}/${m.symbol}/${m.date}`, m.rows]));
    const tables = readdirSync(join(dataDir, "dataset")).filter((name) => name.startsWith("stream="));
    const here = await clickHouse(tables, (name) => `deltaLakeLocal('${join(dataDir, "dataset", name)}')`);
    expect(here).toEqual(expected);
    const url = (name: string) => `${s3.endpoint}/${s3.bucket}/real/dataset/${name}/`;
    const there = await clickHouse(tables, (name) => `deltaLake('${url(name)}', '${s3.accessKey}', '${s3.secretKey}')`);
    expect(there).toEqual(expected);
    const counted: Record<string, number> = {};
    for (const name of tables) {
      const table = await readTable(dataDir, name);
      if (table === null) throw new Error(name);
      const sql = `select symbol, date::text, count(*)::int from read_parquet(${filesInSql(dataDir, name, table)}, hive_partitioning = true) group by all`;
      for (const [symbol, date, rows] of await query(sql)) counted[`${name.slice(7)}/${symbol}/${date}`] = Number(rows);
    }
    expect(counted).toEqual(expected);
    const sum = Object.values(expected).reduce((total, rows) => total + rows, 0);
    console.log(
      `${isLate ? "after" : "before"} the late backfill: ${days.length} partitions of ${tables.length} tables, ${sum} rows: manifests = ClickHouse here = ClickHouse in the bucket = DuckDB`,
    );
  }
  const size = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).reduce(
      (sum, name) => sum + (statSync(join(folder, name)).isFile() ? statSync(join(folder, name)).size : 0),
      0,
    );
  for (const stream of ["depth20", "depth", "trade", "aggTrade", "bookTicker"]) {
    const [archive, dataset] = ["archive", "dataset"].map((root) => size(join(dataDir, root, `stream=${stream}`)));
    console.log(`${stream}: archive ${archive} bytes, dataset (both versions of each day) ${dataset} bytes`);
  }
  proxy.stop();
  await s3.stop();
}, 600_000);
mkdirSync(chdb, { recursive: true });
