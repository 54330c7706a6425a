import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ArchiveLifecycleDeps } from "../../../server/app/data/archive-lifecycle.ts";
import { loadConfig } from "../../../server/config/config.ts";
import type { Day } from "../../../server/domain/day.ts";
import { recorderId } from "../../../server/storage/lock/recorder-id.ts";
import { drained, realArchiver, segmentOf, today, writeRaw } from "../../support/data/day-fixture.ts";
import { keep, keysOf, newDataDir, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { until } from "../../support/wait.ts";

const dates = ["2026-11-16", "2026-11-17", "2026-11-20"];
const daysOf = (symbol: string): Day[] => dates.map((date) => ({ stream: "aggTrade", symbol, date }));
const old = (symbol: string) => daysOf(symbol).slice(0, 2);

let s3: S3;
beforeAll(async () => {
  s3 = await startFauxS3();
});
afterAll(() => s3.stop());

/** A recorder of its own data folder; both are on one host. */
async function recorder(
  symbol: string,
  ids: readonly number[],
): Promise<{ dataDir: string; deps: Partial<ArchiveLifecycleDeps> }> {
  const dataDir = newDataDir();
  const id = recorderId(dataDir);
  const made = { version: "0.0.0", host: "one-host", ...(id !== undefined && { id }) };
  const archiver = realArchiver(dataDir, { recorder: made });
  for (const day of daysOf(symbol)) {
    const segment = segmentOf("00-00", day);
    writeRaw(dataDir, segment, trades(day, ids, 0));
    archiver.seal(segment);
  }
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  await archiver.stop(0);
  return { dataDir, deps: { recorder: made } };
}

type Made = Awaited<ReturnType<typeof recorder>>;

async function upload({ dataDir, deps }: Made, prefix: string): Promise<void> {
  const keeping = keep(dataDir, s3, { "upload.prefix": prefix }, deps);
  await keeping.settled(3);
  await keeping.stop();
}

/** Runs with a limit of 4 days in the bucket until it has swept it. */
async function sweep({ dataDir, deps }: Made, prefix: string, settings: Record<string, unknown> = {}): Promise<void> {
  const keeping = keep(dataDir, s3, { "upload.prefix": prefix, "upload.retention_days": 4, ...settings }, deps);
  const said = /^(?:kept archives in the bucket that are older|removed an archive from the bucket)/;
  await until(() => keeping.lines.some(({ message }) => said.test(message)), "the bucket to be swept");
  await Bun.sleep(300);
  await keeping.stop();
}

test("a recorder's bucket retention removes its own days and no days of another shard, on one host and in one bucket", async () => {
  const [a, b] = [await recorder("BTCUSDT", [1, 2, 3]), await recorder("ETHUSDT", [1, 2, 3])];
  for (const made of [a, b]) await upload(made, "shards");
  await sweep(b, "shards");
  const left = [...daysOf("BTCUSDT"), ...daysOf("ETHUSDT").slice(2)].flatMap((day) => keysOf(day, "shards/")).sort();
  expect(await s3.keys("shards/")).toEqual(left);
});

test("days that two recorders recorded stay, unless the recorder with the limit may remove shared days", async () => {
  const [a, b] = [await recorder("BTCUSDT", [1, 2, 3]), await recorder("BTCUSDT", [3, 4])];
  for (const made of [a, b]) await upload(made, "both");
  const all = daysOf("BTCUSDT").flatMap((day) => keysOf(day, "both/"));
  await sweep(b, "both");
  expect(await s3.keys("both/")).toEqual(all.sort());
  await sweep(b, "both", { "upload.retention_shared": true });
  expect(await s3.keys("both/")).toEqual(keysOf(daysOf("BTCUSDT")[2] as Day, "both/"));
});

test("with retention_shared, days of other recorders alone still stay; a manifest without archive is removed by its owner's limit", async () => {
  const [a, b] = [await recorder("BTCUSDT", [1, 2, 3]), await recorder("ETHUSDT", [3, 4])];
  for (const made of [a, b]) await upload(made, "alone");
  const [first] = old("ETHUSDT") as [Day];
  await s3.client.delete(keysOf(first, "alone/")[0] ?? "");
  await sweep(b, "alone", { "upload.retention_shared": true });
  const left = [...daysOf("BTCUSDT"), ...daysOf("ETHUSDT").slice(2)].flatMap((day) => keysOf(day, "alone/")).sort();
  expect(await s3.keys("alone/")).toEqual(left);
});

test("the id of a data folder stays the same, and an invalid id file is not replaced", async () => {
  const dataDir = newDataDir();
  const id = recorderId(dataDir);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(recorderId(dataDir)).toBe(id as string);
  await Bun.write(`${dataDir}/recorder-id`, "broken");
  expect(recorderId(dataDir)).toBeUndefined();
});

test.each([
  [
    "prefix",
    [
      "..",
      "a/../b",
      "../a",
      "a/..",
      ".",
      "a/./b",
      "a//b",
      "//a",
      "a//",
      "/",
      "a/ /b",
      "a\\b",
      "a\u202eb",
      "x".repeat(513),
    ],
  ],
  ["bucket", ["..", "a/b", "a/../b", "../a", "a b", "-a", "a?b", "a#b"]],
] as const)("upload.%s with invalid names is refused, with the accepted names", (key, values) => {
  for (const value of values) {
    const loaded = loadConfig(null, { [`upload.${key}`]: value }, {});
    const problems = loaded.ok ? [] : loaded.problems.map(({ problem }) => problem);
    if (value === "/") expect(loaded.ok || problems.length > 0).toBe(true);
    else expect([value, problems]).toEqual([value, [expect.stringContaining("is not accepted; give")]]);
  }
});

test("a prefix may have a slash at either end, which does not count", () => {
  for (const [given, used] of [
    ["/a/b/", "a/b"],
    ["a", "a"],
    ["", ""],
    ["market data/2026", "market data/2026"],
  ] as const) {
    const loaded = loadConfig(null, { "upload.prefix": given }, {});
    expect(loaded.ok && loaded.config.upload.prefix).toBe(used);
  }
});
