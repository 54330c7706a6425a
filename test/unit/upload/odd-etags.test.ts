import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { archivePath, type Day } from "../../../server/domain/day.ts";
import { archive, keep, keysOf, newDataDir, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const day: Day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-17" };

let faux: S3;
beforeAll(async () => {
  faux = await startFauxS3();
});
afterAll(() => faux.stop());

/** A proxy that gives every ETag another form, in front of a store with conditions: If-Match holds for strong ETags that are the same. */
function store(form: (etag: string) => string | null) {
  const behind = s3Proxy(faux.endpoint, { conditions: true });
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const match = request.headers.get("if-match");
      if (match !== null) {
        const head = await fetch(behind.endpoint + pathname, {
          method: "HEAD",
          headers: { authorization: request.headers.get("authorization") ?? "" },
        });
        const shown = form(head.headers.get("etag") ?? "");
        if (shown?.startsWith('"') !== true || shown !== match) return new Response(null, { status: 412 });
      }
      const headers = new Headers(request.headers);
      headers.delete("if-match");
      const body = request.body === null ? undefined : await request.arrayBuffer();
      const response = await fetch(behind.endpoint + pathname + search, { method: request.method, headers, body });
      const answered = new Headers(response.headers);
      const etag = form(answered.get("etag") ?? "");
      if (etag === null) answered.delete("etag");
      else answered.set("etag", etag);
      const isHead = request.method === "HEAD";
      return new Response(isHead ? null : await response.arrayBuffer(), { status: response.status, headers: answered });
    },
  });
  return {
    ...{ endpoint: `http://127.0.0.1:${server.port}`, bucket: faux.bucket, accessKey: "any", secretKey: "any" },
    async stop() {
      await server.stop(true);
      await behind.stop();
    },
  };
}

async function rowsOf(prefix: string, of: Day): Promise<number> {
  const [key = ""] = keysOf(of, prefix);
  return zstdDecompressSync(await faux.client.file(key).bytes())
    .toString()
    .trim()
    .split("\n").length;
}

test.each([
  ["weak", (etag: string) => `W/${etag}`],
  ["missing", () => null],
] as const)("a store whose ETags are %s gets an archive that was merged again", async (name, form) => {
  const s3 = store(form);
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, [1, 2, 3], 0));
  const keeping = keep(dataDir, s3, { "upload.prefix": name });
  await keeping.settled();
  await archive(dataDir, day, trades(day, [100, 101], 0), "00-15");
  keeping.onArchived(day);
  await keeping.settled(2);
  expect(await rowsOf(`${name}/`, day)).toBe(5);
  await keeping.stop();
  await s3.stop();
});

test("a store whose ETags change by themselves: a day that cannot be replaced is reported, and stays on this disk", async () => {
  let count = 0;
  const s3 = store(() => `"${(count++).toString(16).padStart(32, "0")}"`);
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, [1, 2, 3], 0));
  const keeping = keep(dataDir, s3, { "upload.prefix": "unstable" });
  await keeping.settled();
  await archive(dataDir, day, trades(day, [100, 101], 0), "00-15");
  keeping.onArchived(day);
  const isTold = () => keeping.status()?.objects?.some(({ problem }) => problem.includes("changes ETags by itself"));
  await until(() => isTold() === true, "the trouble to be told", 30_000);
  await keeping.stop();
  await s3.stop();
  expect(existsSync(archivePath(dataDir, day))).toBe(true);
  expect(await faux.keys("unstable/")).toEqual(keysOf(day, "unstable/"));
}, 60_000);
