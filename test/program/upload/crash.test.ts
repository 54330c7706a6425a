import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { archivePath, type Day } from "../../../server/domain/day.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { type Uploading, uploadedPath, uploadingPath } from "../../../server/upload/upload-record.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { archive, keysOf, newDataDir, noise, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { until } from "../../support/wait.ts";

const big: Day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-20" };
const small: Day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-21" };
const secret = "S3CR3T-0123456789-abcdef";

let s3: S3;
const exchange = createSimulatedExchange(
  {},
  { source: createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 1 }), log: silentLog },
);
let urls = { wsUrl: "", restUrl: "" };
beforeAll(async () => {
  s3 = await startFauxS3();
  urls = await exchange.start();
});
afterAll(async () => {
  await exchange.stop();
  await s3.stop();
});

/** `rt-data record` with an upload, its secret in a file as systemd hands it over. */
function record(dataDir: string, over: Record<string, string> = {}): Program {
  const secretFile = join(temporaryFolder(), "secret_key");
  Bun.write(secretFile, `${secret}\n`);
  return start([...rtData, "record", "--port", "0", "--data-dir", dataDir, "--symbols", "BTCUSDT,ETHUSDT"], {
    env: {
      ...{ RT_DATA_EXCHANGE_WS_URL: urls.wsUrl, RT_DATA_EXCHANGE_REST_URL: urls.restUrl },
      ...{ RT_DATA_UPLOAD_ENDPOINT: s3.endpoint, RT_DATA_UPLOAD_BUCKET: s3.bucket },
      ...{ RT_DATA_UPLOAD_ACCESS_KEY: "any", RT_DATA_UPLOAD_SECRET_KEY_FILE: secretFile },
      ...{ RT_DATA_LOG_LEVEL: "debug", RT_DATA_UPLOAD_PREFIX: "crash" },
      ...over,
    },
  });
}

const statusOf = async (url: string) => (await (await fetch(`${url}/api/status`)).json()) as Status;

test("killed during a multipart upload, the recorder continues it at the next start and sends no part again", async () => {
  const dataDir = newDataDir();
  await archive(dataDir, big, noise(big, 36));
  await archive(dataDir, small, trades(small, [1, 2, 3], 0));
  const bytes = readFileSync(archivePath(dataDir, big));
  expect(bytes.length).toBeGreaterThan(3 * 8 * 1024 * 1024);

  const killed = record(dataDir, { RT_DATA_UPLOAD_BANDWIDTH_MBPS: "120" });
  await killed.url();
  const journal = () =>
    existsSync(uploadingPath(dataDir, big)) ? readFileSync(uploadingPath(dataDir, big), "utf8") : "{}";
  const parts = () => (JSON.parse(journal()) as Partial<Uploading>).parts?.length ?? 0;
  await until(() => parts() >= 1, "the first part to be there", 30_000);
  killed.kill("SIGKILL");
  await killed.ended;
  const arrived = parts();
  expect(await s3.keys("crash/")).toEqual([]);

  const program = record(dataDir);
  const url = await program.url();
  await until(async () => (await statusOf(url)).upload?.archives_uploaded === 2, "both days to be uploaded", 30_000);
  const { upload, shard } = await statusOf(url);
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);

  expect(await s3.keys("crash/")).toEqual([...keysOf(big, "crash/"), ...keysOf(small, "crash/")].sort());
  const uploaded = Buffer.from(await s3.client.file(keysOf(big, "crash/")[0] ?? "").bytes());
  expect(uploaded.equals(bytes)).toBe(true);
  expect(existsSync(uploadingPath(dataDir, big))).toBe(false);
  expect(JSON.parse(readFileSync(uploadedPath(dataDir, big), "utf8"))).toMatchObject({ verified_by: "etag" });
  expect({ shard, upload }).toMatchObject({
    shard: "1/1",
    upload: { problem: null, failures: 0, archives_waiting: 0 },
  });
  expect(arrived).toBeGreaterThanOrEqual(1);
  const told = killed.errors() + program.errors() + program.output() + JSON.stringify(upload);
  expect(told).not.toContain(secret);
  expect(upload?.bytes_sent).toBe(
    bytes.length + readFileSync(archivePath(dataDir, small)).length - arrived * 8 * 1024 * 1024,
  );
}, 60_000);

test("recorders of two shards subscribe to every symbol once, and report their own symbols", async () => {
  const programs = ["1/2", "2/2"].map((shard) => record(newDataDir(), { RT_DATA_RECORD_SHARD: shard }));
  const statuses = await Promise.all(
    programs.map(async (program) => {
      const url = await program.url();
      await until(async () => (await statusOf(url)).ready, "data to flow", 30_000);
      return statusOf(url);
    }),
  );
  expect(statuses.map(({ shard }) => shard)).toEqual(["1/2", "2/2"]);
  expect(statuses.flatMap(({ symbols }) => symbols.map(({ symbol }) => symbol)).sort()).toEqual(["BTCUSDT", "ETHUSDT"]);
  for (const { symbols } of statuses) expect(symbols).toHaveLength(1);
  for (const program of programs) program.kill("SIGTERM");
  for (const program of programs) expect(await program.ended).toBe(0);
  expect(programs[0]?.errors()).toMatch(/symbols=/);
}, 60_000);
