import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { archivePath, type Day } from "../../../server/domain/day.ts";
import { archive, keep, keysOf, newDataDir, noise, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3, startS3rver } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const day: Day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" };
const dueNow = { "archive.retention_days": 1 };

let stores: readonly S3[];
let faux: S3;
beforeAll(async () => {
  faux = await startFauxS3();
  stores = [faux, await startS3rver()];
});
afterAll(async () => {
  for (const store of stores) await store.stop();
});

async function recorded(lines: string | Buffer = trades(day, [1, 2, 3], 0)): Promise<string> {
  const dataDir = newDataDir();
  await archive(dataDir, day, lines);
  return dataDir;
}

const refusal = (status: number, code: string) => new Response(`<Error><Code>${code}</Code></Error>`, { status });

test.each([
  ["one request", 1],
  ["parts", 15],
])("a bucket with an object lock, which wants an MD5 with each write, takes an archive in %s", async (_, megabytes) => {
  const dataDir = await recorded(noise(day, megabytes));
  const bytes = readFileSync(archivePath(dataDir, day));
  const proxy = s3Proxy(faux.endpoint, { wantsMd5: true });
  const prefix = `lock-${megabytes}`;
  const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": prefix, ...dueNow });
  await until(() => !existsSync(archivePath(dataDir, day)), "the archive to leave this disk", 30_000);
  await keeping.stop();
  await proxy.stop();
  expect(keeping.status()?.failures).toBe(0);
  const [object = ""] = keysOf(day, `${prefix}/`);
  expect(Buffer.from(await faux.client.file(object).bytes()).equals(bytes)).toBe(true);
});

test("an archive that a lifecycle rule has moved to cold storage is proved by its ETag and leaves this disk", async () => {
  const dataDir = await recorded();
  let isCold = false;
  const proxy = s3Proxy(faux.endpoint, {
    answer: ({ method, url }) =>
      isCold && method === "GET" && url.endsWith(".zst") ? refusal(403, "InvalidObjectState") : null,
  });
  const s3 = { ...faux, endpoint: proxy.endpoint };
  const warm = keep(dataDir, s3, { "upload.prefix": "cold" });
  await warm.settled();
  await warm.stop();
  isCold = true;
  const keeping = keep(dataDir, s3, { "upload.prefix": "cold", ...dueNow });
  await until(() => !existsSync(archivePath(dataDir, day)), "the archive to leave this disk");
  await keeping.stop();
  await proxy.stop();
  expect(await faux.keys("cold/")).toEqual(keysOf(day, "cold/"));
});

test("a store that shows a write only later gets each day once, and no day leaves this disk before it is visible", async () => {
  const dataDir = await recorded();
  /** When an object was first written. Until it is visible, it is 404. */
  const writtenMs = new Map<string, number>();
  const isVisible = (path: string) => performance.now() - (writtenMs.get(path) ?? 0) > 400;
  let goneBefore = false;
  const proxy = s3Proxy(faux.endpoint, {
    answer({ method, url }) {
      const { pathname } = new URL(url);
      if (method === "PUT" && !writtenMs.has(pathname)) writtenMs.set(pathname, performance.now());
      if (writtenMs.has(pathname) && !isVisible(pathname)) goneBefore ||= !existsSync(archivePath(dataDir, day));
      return method === "PUT" || isVisible(pathname) ? null : refusal(404, "NoSuchKey");
    },
  });
  const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "late", ...dueNow });
  await until(() => !existsSync(archivePath(dataDir, day)), "the archive to leave this disk", 30_000);
  await keeping.stop();
  await proxy.stop();
  expect(goneBefore).toBe(false);
  expect(await faux.keys("late/")).toEqual(keysOf(day, "late/"));
});

test("a key without the right to list, for which a missing object is a 403, is told to get that right", async () => {
  const dataDir = await recorded();
  const proxy = s3Proxy(faux.endpoint, {
    answer: ({ method }) => (method === "GET" || method === "HEAD" ? refusal(403, "AccessDenied") : null),
  });
  const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "blind", ...dueNow });
  await until(() => (keeping.status()?.objects?.length ?? 0) > 0, "the day to be reported");
  await keeping.stop();
  await proxy.stop();
  expect(keeping.status()?.objects?.[0]?.problem).toContain("allow it to get, put, delete and list in this bucket");
  expect(existsSync(archivePath(dataDir, day))).toBe(true);
  expect(await faux.keys("blind/")).toEqual([]);
});

test.each(["a b+c%20(é)*'!~=@:,$;^`|", "한국/🚀", "%2e%2e/x", "+"])(
  "the prefix %s is the same key to the signature, to a store and to the next request",
  async (prefix) => {
    for (const s3 of stores) {
      const dataDir = await recorded();
      const keeping = keep(dataDir, s3, { "upload.prefix": prefix, ...dueNow });
      await until(() => !existsSync(archivePath(dataDir, day)), "the archive to leave this disk");
      await keeping.stop();
      for (const key of keysOf(day, `${prefix}/`)) expect([key, await s3.client.exists(key)]).toEqual([key, true]);
    }
  },
);
