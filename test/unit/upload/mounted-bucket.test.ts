import { expect, test } from "bun:test";
import { accessSync, constants, mkdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Day } from "../../../server/domain/day.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { archive, keep, newDataDir, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { until } from "../../support/wait.ts";

/** Mounting a bucket needs rclone, fusermount3 and the right to use /dev/fuse. */
function missing(): string | null {
  for (const program of ["rclone", "fusermount3"])
    if (Bun.which(program) === null) return `${program} is not installed`;
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return "/dev/fuse may not be used";
  }
}

const reason = missing();

/** Reads the bucket as a folder, through an S3 client that is not ours. */
async function mount(s3: S3, read: (folder: string) => Promise<void>): Promise<void> {
  const folder = join(temporaryFolder(), "bucket");
  mkdirSync(folder);
  const access = ["--s3-provider", "Other", "--s3-endpoint", s3.endpoint, "--s3-region", "us-east-1"];
  const keys = ["--s3-access-key-id", s3.accessKey, "--s3-secret-access-key", s3.secretKey];
  const words = ["rclone", "mount", `:s3:${s3.bucket}`, folder, "--read-only", "--config", "/dev/null"];
  const env = { PATH: process.env.PATH };
  const child = Bun.spawn([...words, ...access, ...keys], { stdout: "ignore", stderr: "pipe", env });
  try {
    // Never synchronously: the store that rclone asks runs in this very thread.
    const isMounted = async () => (await readdir(folder)).length > 0 || child.exitCode !== null;
    await until(isMounted, "the bucket to be mounted", 30_000);
    if (child.exitCode !== null) throw new Error(await new Response(child.stderr).text());
    await read(folder);
  } finally {
    child.kill("SIGTERM");
    await child.exited;
  }
}

test.skipIf(reason !== null)(
  `DuckDB reads the bucket in place, mounted by rclone, with stream, symbol and date as columns${reason === null ? "" : ` (skipped: ${reason})`}`,
  async () => {
    const s3 = await startFauxS3();
    const days: Day[] = [
      { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-10" },
      { stream: "aggTrade", symbol: "币安人生USDT", date: "2026-11-11" },
    ];
    for (const [n, day] of days.entries()) {
      // Two recorders each, so that the bucket holds a union.
      for (const ids of [
        [1, 2, 3 + n],
        [3, 4, 5],
      ]) {
        const dataDir = newDataDir();
        await archive(dataDir, day, trades(day, ids, 0));
        const keeping = keep(dataDir, s3, { "upload.prefix": "archive" });
        await keeping.settled();
        await keeping.stop();
      }
    }
    await mount(s3, async (folder) => {
      const instance = await DuckDBInstance.create(":memory:");
      const connection = await instance.connect();
      const reader = await connection.runAndReadAll(
        `select stream, symbol, date::varchar, count(*)::int, min(a)::int, max(a)::int
         from read_json('${folder}/archive/**/*.jsonl.zst', hive_partitioning = true)
         where date >= '2026-11-10' group by all order by symbol`,
      );
      expect(reader.getRowsJson()).toEqual(days.map(({ stream, symbol, date }) => [stream, symbol, date, 5, 1, 5]));
      connection.closeSync();
      instance.closeSync();
    });
    await s3.stop();
  },
  40_000,
);
