import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { archivePath, type Day, dateStartUs } from "../../../server/domain/day.ts";
import { type Uploaded, uploadedPath } from "../../../server/upload/upload-record.ts";
import { today } from "../../support/data/day-fixture.ts";
import { archive, keep, keysOf, newDataDir, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const day: Day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" };
const hourUs = 3_600_000_000;

let s3: S3;
beforeAll(async () => {
  s3 = await startFauxS3();
});
afterAll(() => s3.stop());

/** A clock that stands still until it is set on, and the waits that the program really has. */
function realPace() {
  let nowUs = dateStartUs(today) + hourUs;
  return {
    deps: {
      nowUs: () => nowUs,
      time: () => ({ kind: "confirmed", us: nowUs }) as const,
      pace: { settleMs: 3_600_000, retryMs: 5_000, lookMs: 0 },
    },
    pass(hours: number) {
      nowUs += hours * hourUs;
    },
  };
}

test("with the program's own waits: an upload is confirmed after an hour and not before, and a change made meanwhile is fixed", async () => {
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, [1, 2, 3], 0));
  const clock = realPace();
  const settings = { "upload.prefix": "hour", "archive.retention_days": 1 };
  const keeping = keep(dataDir, s3, settings, clock.deps);
  const record = () =>
    existsSync(uploadedPath(dataDir, day))
      ? (JSON.parse(readFileSync(uploadedPath(dataDir, day), "utf8")) as Uploaded)
      : null;
  await until(() => keeping.status()?.archives_uploaded === 1, "the upload");
  const [object = ""] = keysOf(day, "hour/");
  const bytes = Buffer.from(await s3.client.file(object).bytes());
  clock.pass(0.9);
  keeping.onArchived(day);
  await until(() => keeping.status()?.archives_waiting === 0, "it to be looked at");
  expect(record()?.confirmed_us).toBeNull();
  await s3.client.write(object, Buffer.alloc(bytes.length, 9));
  clock.pass(0.2);
  keeping.onArchived(day);
  await until(() => keeping.status()?.archives_uploaded === 2, "it to be uploaded again");
  expect(Buffer.from(await s3.client.file(object).bytes()).equals(bytes)).toBe(true);
  expect(record()?.confirmed_us).toBeNull();
  expect(existsSync(archivePath(dataDir, day))).toBe(true);
  clock.pass(1.1);
  keeping.onArchived(day);
  await until(() => !existsSync(archivePath(dataDir, day)), "the archive to be confirmed and to go");
  await keeping.stop();
  expect(Buffer.from(await s3.client.file(object).bytes()).equals(bytes)).toBe(true);
});

test("an object without a manifest is left alone for an hour, read at most once, and then combined", async () => {
  const other = newDataDir();
  await archive(other, day, trades(day, [3, 4], 9));
  const [object = ""] = keysOf(day, "bare/");
  await s3.client.write(object, await Bun.file(archivePath(other, day)).bytes());
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, [1, 2, 3], 0));
  const clock = realPace();
  const keeping = keep(dataDir, s3, { "upload.prefix": "bare" }, clock.deps);
  for (const hours of [0, 0.3, 0.3, 0.3]) {
    clock.pass(hours);
    keeping.onArchived(day);
    await until(() => keeping.status()?.archives_unconfirmed === 1, "it to be put off");
  }
  expect(await s3.keys("bare/")).toEqual([object]);
  clock.pass(0.2);
  keeping.onArchived(day);
  await until(() => keeping.status()?.archives_uploaded === 1, "the union");
  await keeping.stop();
  expect(await s3.keys("bare/")).toEqual(keysOf(day, "bare/"));
  expect(keeping.lines.map(({ message }) => message)).toContain(
    "combined an archive with another recorder's archive in the bucket",
  );
});

test("a store that takes an archive far too slowly is a problem of the store, until the archive is there", async () => {
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, [1, 2, 3], 0));
  const clock = realPace();
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  const proxy = s3Proxy(s3.endpoint, {
    async hold({ method }, when) {
      if (method !== "PUT" || when !== "before") return;
      isHeld = true;
      await held.promise;
    },
  });
  const keeping = keep(dataDir, { ...s3, endpoint: proxy.endpoint }, { "upload.prefix": "slow" }, clock.deps);
  await until(() => isHeld, "the upload to be held");
  clock.pass(5.9);
  expect(keeping.status()?.problem).toBeNull();
  clock.pass(0.2);
  expect(keeping.status()?.problem).toContain(
    `the upload of ${day.date}/aggTrade/BTCUSDT has been running for 6 hours`,
  );
  held.resolve();
  await until(() => keeping.status()?.archives_uploaded === 1, "the upload");
  expect(keeping.status()?.problem).toBeNull();
  await keeping.stop();
  await proxy.stop();
});
