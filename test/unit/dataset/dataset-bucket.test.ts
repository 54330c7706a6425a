import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createBucketAccess } from "../../../server/app/data/bucket-access.ts";
import { createBucketStore } from "../../../server/app/dataset/bucket-store.ts";
import type { RunDatasetJob } from "../../../server/dataset/dataset-jobs.ts";
import { createTable, type TableChange } from "../../../server/dataset/delta/commit.ts";
import { createLocalStore } from "../../../server/dataset/delta/local-store.ts";
import type { Day } from "../../../server/domain/day.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { appConfig } from "../../support/app-config.ts";
import { datasetHere, readTable, writeDueDays } from "../../support/data/dataset.ts";
import { type ReadTable, readDeltaTable } from "../../support/data/delta-reader.ts";
import { query } from "../../support/data/duckdb.ts";
import { secondOf, tradeLine } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { randomRuns } from "../../support/time/random-runs.ts";
import { archive, keep, keysOf, newDataDir } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const dates = ["2026-11-19", "2026-11-20"];
const dayOf = (symbol: string, date = "2026-11-20"): Day => ({ stream: "aggTrade", symbol, date });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

/** A trade a second, with ids that go on from day to day. */
function trades({ symbol, date }: Day, seconds: readonly number[], lateUs: number): string {
  const first = dates.indexOf(date) * 86_400;
  return seconds.map((second) => tradeLine(secondOf(date, second) + lateUs, first + second, symbol)).join("");
}

let s3: S3;
/** The store as S3 is: conditional writes hold, for everybody. */
let proxy: ReturnType<typeof s3Proxy>;
const locks = new Map<string, Promise<unknown>>();
beforeAll(async () => {
  s3 = await startFauxS3();
  proxy = s3Proxy(s3.endpoint, { conditions: true, locks });
});
afterAll(async () => {
  proxy.stop();
  await s3.stop();
});

type Store = Pick<S3, "endpoint" | "bucket" | "accessKey" | "secretKey">;
const through = (endpoint: string): Store => ({ ...s3, endpoint });

/** Uploads the archives of a folder, without a dataset. */
async function upload(dataDir: string, prefix: string, count: number): Promise<void> {
  const keeping = keep(dataDir, through(proxy.endpoint), { "upload.prefix": prefix });
  await keeping.settled(count);
  await keeping.stop();
}

function datasetAt(dataDir: string, prefix: string, endpoint = proxy.endpoint): RunDatasetJob {
  const { upload } = appConfig({
    ...{ "upload.endpoint": endpoint, "upload.bucket": s3.bucket, "upload.prefix": prefix },
    ...{ "upload.access_key": s3.accessKey, "upload.secret_key": s3.secretKey },
  });
  return datasetHere(dataDir, { upload, recorderId: "me" });
}

/** Reads a table in the bucket by the strict reader, with another client than ours. */
async function inBucket(prefix: string, name = "stream=aggTrade"): Promise<ReadTable | null> {
  const root = `${prefix}/dataset/${name}/`;
  return readDeltaTable({
    log: async () => (await s3.keys(`${root}_delta_log/`)).map((key) => key.slice(`${root}_delta_log/`.length)),
    async read(path) {
      const file = s3.client.file(root + path);
      return (await file.exists()) ? file.bytes() : null;
    },
  });
}

const partitions = (table: ReadTable | null) =>
  Object.fromEntries(
    (table?.files ?? []).map(({ partition, rows }) => [`${partition.symbol} ${partition.date}`, rows]),
  );

async function manifestAt(prefix: string, day: Day): Promise<Manifest> {
  return s3.client.file(keysOf(day, `${prefix}/`)[1] ?? "").json();
}

test("a recorder brings each day to the tables in the bucket, once the bucket has its archive; rows are the manifests'", async () => {
  const dataDir = newDataDir();
  for (const date of dates)
    await archive(dataDir, dayOf("BTCUSDT", date), trades(dayOf("BTCUSDT", date), range(0, 50), 5));
  const settings = { "upload.prefix": "live", "dataset.enabled": true };
  const pace = { settleMs: 20, retryMs: 50, sweepMs: 1_000_000 };
  const keeping = keep(dataDir, through(proxy.endpoint), settings, { pace });
  const isDone = () => {
    const status = keeping.datasetStatus();
    return status?.days_uploaded === 2 && status.days_waiting + status.uploads_waiting === 0;
  };
  await until(isDone, "the dataset to be in the bucket", 50_000).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(keeping.datasetStatus())} ${keeping.text().slice(-2000)}`);
  });
  await until(async () => ((await inBucket("live", "coverage"))?.files.length ?? 0) === 2, "the coverage", 50_000);
  expect(partitions(await inBucket("live"))).toEqual({ "BTCUSDT 2026-11-19": 50, "BTCUSDT 2026-11-20": 50 });
  expect(partitions(await readTable(dataDir, "stream=aggTrade"))).toEqual(partitions(await inBucket("live")));

  // A late backfill: the archive is replaced, then the day in both tables, in one commit each.
  const before = await inBucket("live");
  await archive(dataDir, dayOf("BTCUSDT"), trades(dayOf("BTCUSDT"), range(50, 60), 5), "00-30");
  keeping.onArchived(dayOf("BTCUSDT"));
  const isReplaced = async () => partitions(await inBucket("live"))["BTCUSDT 2026-11-20"] === 60;
  await until(isReplaced, "the late rows in the bucket", 50_000).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(keeping.datasetStatus())} ${keeping.text().slice(-2000)}`);
  });
  await keeping.stop();
  const after = await inBucket("live");
  expect(after?.version).toBe((before?.version ?? 0) + 1);
  expect((await manifestAt("live", dayOf("BTCUSDT"))).rows).toBe(60);
  expect(after?.removed).toHaveLength(1);
});

test("two recorders of one symbol: the bucket's table has the rows of their union, each once; each disk has its own", async () => {
  const [a, b] = [newDataDir(), newDataDir()];
  await archive(a, dayOf("BTCUSDT"), trades(dayOf("BTCUSDT"), range(0, 30), 10));
  await archive(b, dayOf("BTCUSDT"), trades(dayOf("BTCUSDT"), range(20, 50), 5));
  await upload(a, "union", 1);
  const first = datasetAt(a, "union");
  await writeDueDays(first);
  expect(await first({ kind: "day", site: "bucket", day: dayOf("BTCUSDT") })).toMatchObject({ done: { rows: 30 } });
  await upload(b, "union", 1);
  const second = datasetAt(b, "union");
  await writeDueDays(second);
  expect(await second({ kind: "day", site: "bucket", day: dayOf("BTCUSDT") })).toMatchObject({ done: { rows: 50 } });
  expect(await first({ kind: "day", site: "bucket", day: dayOf("BTCUSDT") })).toMatchObject({
    done: { kind: "current" },
  });
  const table = await inBucket("union");
  expect(partitions(table)).toEqual({ "BTCUSDT 2026-11-20": (await manifestAt("union", dayOf("BTCUSDT"))).rows });
  const file = join(temporaryFolder(), "union.parquet");
  await Bun.write(file, await s3.client.file(`union/dataset/stream=aggTrade/${table?.files[0]?.path}`).bytes());
  expect(
    await query(`select count(*)::int, count(distinct agg_trade_id)::int, max(agg_trade_id)::int from '${file}'`),
  ).toEqual([[50, 50, 86_449]]);
  expect(partitions(await readTable(b, "stream=aggTrade"))).toEqual({ "BTCUSDT 2026-11-20": 30 });
});

test("two recorders that commit at once are both in, whatever else they change", async () => {
  const symbols = [range(0, 5).map((n) => `A${n}USDT`), range(0, 5).map((n) => `B${n}USDT`)];
  const folders = await Promise.all(
    symbols.map(async (names) => {
      const dataDir = newDataDir();
      for (const name of names) await archive(dataDir, dayOf(name), trades(dayOf(name), range(0, 5), 5));
      return dataDir;
    }),
  );
  await Promise.all(folders.map((dataDir) => upload(dataDir, "both", 5)));
  await Promise.all(
    folders.map(async (dataDir, at) => {
      const run = datasetAt(dataDir, "both");
      await writeDueDays(run);
      for (const name of symbols[at] ?? []) await run({ kind: "day", site: "bucket", day: dayOf(name) });
      await run({ kind: "facts", site: "bucket", days: (symbols[at] ?? []).map((name) => dayOf(name)) });
    }),
  );
  const all = Object.fromEntries(symbols.flat().map((name) => [`${name} 2026-11-20`, 5]));
  expect(partitions(await inBucket("both"))).toEqual(all);
  expect((await inBucket("both", "coverage"))?.files.map(({ rows }) => rows)).toEqual([10]);
});

test.each(["disk", "bucket"])(
  "a change that another writer has overtaken on the %s is made again from the new version",
  async (site) => {
    const { upload } = appConfig({
      ...{ "upload.endpoint": proxy.endpoint, "upload.bucket": s3.bucket, "upload.prefix": "overtaken" },
      ...{ "upload.access_key": s3.accessKey, "upload.secret_key": s3.secretKey },
    });
    const dataDir = newDataDir();
    const time = () => ({ kind: "unconfirmed", why: "test" }) as const;
    const access = createBucketAccess({ upload, record: { data_dir: dataDir } }, { dataDir, time, log: silentLog });
    const open = () => {
      const bucket = createBucketStore(access.store, "overtaken/dataset/gaps");
      const disk = createLocalStore(join(dataDir, "dataset/gaps"), { writes: true });
      const store = site === "disk" ? disk : bucket;
      return createTable(store, { name: "gaps", partitionColumns: ["date"], nowMs: Date.now });
    };
    const change = (path: string): TableChange => {
      const add = {
        path,
        partitionValues: { date: "2026-11-20" },
        size: 1,
        modificationTime: Date.now(),
        stats: null,
        tags: {},
      };
      return { operation: "WRITE", add: [add], remove: [], columns: [{ name: "date", type: "date" }] };
    };
    const [first, second] = [open(), open()];
    for (const round of [0, 1, 2]) {
      let asked = 0;
      await first.commit(async (snapshot) => {
        if (asked++ === 0) await second.commit(() => change(`second-${round}`));
        else expect(snapshot.files.has(`second-${round}`)).toBe(true);
        return change(`first-${round}`);
      });
      expect(asked).toBe(2);
    }
    const { version, files } = await open().newest();
    expect([version, [...files.keys()].sort()]).toEqual([
      5,
      range(0, 6).map((n) => `${n < 3 ? "first" : "second"}-${n % 3}`),
    ]);
  },
);

test("whichever request a recorder is cut off at while it uploads and commits, the table reads, no row is doubled, and it catches up", async () => {
  const dataDir = newDataDir();
  await archive(dataDir, dayOf("BTCUSDT"), trades(dayOf("BTCUSDT"), range(0, 20), 5));
  await upload(dataDir, "cut", 1);
  const day = dayOf("BTCUSDT");
  await writeDueDays(datasetAt(dataDir, "cut"));
  await datasetAt(dataDir, "cut")({ kind: "day", site: "bucket", day });
  let rows = 20;
  let requests = 0;
  let cutAt = Number.POSITIVE_INFINITY;
  let cutWhen = "before";
  let onCut = () => {};
  const cut = s3Proxy(s3.endpoint, {
    ...{ conditions: true, locks },
    // From that request on the recorder, or its network, is dead.
    async hold(_, when) {
      if (when === "before") requests++;
      if (requests < cutAt || (requests === cutAt && when !== cutWhen)) return;
      onCut();
      await new Promise(() => {});
    },
  });

  async function attempt(): Promise<void> {
    const run = datasetAt(dataDir, "cut", cut.endpoint);
    await run({ kind: "day", site: "bucket", day });
    await run({ kind: "facts", site: "bucket", days: [day] });
  }

  /** A new archive of the day, here and in the bucket. */
  async function replaceArchive(): Promise<void> {
    rows++;
    await archive(dataDir, day, trades(day, [1000 + rows], 5), `01-${String(rows).padStart(2, "0")}`);
    await upload(dataDir, "cut", 1);
    await writeDueDays(datasetAt(dataDir, "cut"));
  }

  await replaceArchive();
  requests = 0;
  await attempt();
  const total = requests;
  expect(total).toBeGreaterThan(20);
  const points = randomRuns(10);
  for (let point = 0; point < points; point++) {
    await replaceArchive();
    const before = await inBucket("cut");
    [requests, cutAt] = [0, 1 + Math.floor(((point + Math.random()) * total) / points)];
    cutWhen = point % 2 === 0 ? "before" : "after";
    const label = `cut off ${cutWhen} request ${cutAt} of ${total}`;
    const isCut = new Promise<void>((resolve) => {
      onCut = resolve;
    });
    await Promise.race([attempt().catch(() => {}), isCut]);
    cutAt = Number.POSITIVE_INFINITY;
    const struck = await inBucket("cut");
    expect([label, partitions(struck)]).toEqual([
      label,
      { "BTCUSDT 2026-11-20": struck?.version === before?.version ? rows - 1 : rows },
    ]);
    await inBucket("cut", "coverage");
    await attempt();
    expect([label, partitions(await inBucket("cut"))]).toEqual([label, { "BTCUSDT 2026-11-20": rows }]);
    expect([label, (await inBucket("cut", "coverage"))?.files.map((file) => file.rows)]).toEqual([label, [1]]);
  }
  // Beside what a version names, the bucket has no data file of a cut-off attempt.
  const table = await inBucket("cut");
  const named = [...(table?.files ?? []).map(({ path }) => path), ...(table?.removed ?? [])];
  const keys = (await s3.keys("cut/dataset/stream=aggTrade/symbol=")).map((key) =>
    key.slice("cut/dataset/stream=aggTrade/".length),
  );
  expect(keys.filter((key) => !named.includes(key))).toEqual([]);
  cut.stop();
});

test("a day whose dataset here is gone is made from the bucket's archive; only this recorder's own days expire there", async () => {
  const dataDir = newDataDir();
  for (const date of dates)
    await archive(dataDir, dayOf("BTCUSDT", date), trades(dayOf("BTCUSDT", date), range(0, 10), 5));
  await upload(dataDir, "gone", 2);
  const run = datasetAt(dataDir, "gone");
  for (const date of dates)
    expect(await run({ kind: "day", site: "bucket", day: dayOf("BTCUSDT", date) })).toMatchObject({
      done: { kind: "written", rows: 10 },
    });
  rmSync(join(dataDir, "dataset"), { recursive: true, force: true });
  expect(await run({ kind: "day", site: "bucket", day: dayOf("BTCUSDT") })).toMatchObject({
    done: { kind: "current" },
  });
  await writeDueDays(datasetAt(dataDir, "gone"));
  const sweep = { kind: "sweep", site: "bucket", keepFrom: "2026-11-20", keepHours: 1 } as const;
  const time = { kind: "confirmed", us: (Date.now() + 7_200_000) * 1000 } as const;
  // The manifests of this test have no recorder id, so they stay.
  expect(await datasetAt(dataDir, "gone")({ ...sweep, time })).toMatchObject({ expired: 0 });
  expect(Object.keys(partitions(await inBucket("gone")))).toHaveLength(2);
});
