import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { archivePath, type Day, quarantineFolder } from "../../../server/domain/day.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { archive, keep, keysOf, newDataDir, type TestKeeping, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const days: Day[] = [16, 17, 18, 19, 20].map((n) => ({ stream: "aggTrade", symbol: "BTCUSDT", date: `2026-11-${n}` }));
const [refused] = days as [Day];
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const idsOf = (bytes: Uint8Array) =>
  [
    ...zstdDecompressSync(bytes)
      .toString()
      .matchAll(/"a":(\d+)/g),
  ].map((match) => Number(match[1]));
const subjects = (keeping: TestKeeping) => keeping.status()?.objects?.map(({ subject }) => subject) ?? [];
const errors = (keeping: TestKeeping) => keeping.lines.filter(({ level }) => level === "error");

let faux: S3;
beforeAll(async () => {
  faux = await startFauxS3();
});
afterAll(() => faux.stop());

async function recorded(): Promise<string> {
  const dataDir = newDataDir();
  for (const day of days) await archive(dataDir, day, trades(day, [1, 2, 3], 0));
  return dataDir;
}

const xml = (status: number, code: string) =>
  new Response(`<Error><Code>${code}</Code><Message>no</Message></Error>`, { status });

describe("a store that refuses one day for good, and takes all others", () => {
  test.each([
    ["Glacier", () => xml(403, "InvalidObjectState")],
    ["a lock on the object", () => xml(403, "AccessDenied")],
    ["a 403 without a word", () => new Response("", { status: 403 })],
    ["a 500", () => xml(500, "InternalError")],
    ["a key that is too long", () => xml(400, "KeyTooLongError")],
    ["an unknown code", () => xml(418, "Teapot")],
    ["an outage's own word", () => xml(503, "SlowDown")],
    ["a 403 for every request", () => xml(403, "AccessDenied")],
  ] as const)(
    "%s: the others go on, their local copies go, and the day is an incident of its own",
    async (name, answer) => {
      const dataDir = await recorded();
      let isRefusing = true;
      const proxy = s3Proxy(faux.endpoint, {
        answer: ({ url, method }) =>
          isRefusing && (name.endsWith("for every request") || method === "PUT") && url.includes(refused.date)
            ? answer()
            : null,
      });
      const prefix = name.replaceAll(/\W/g, "-");
      const settings = { "upload.prefix": prefix, "archive.retention_days": 1 };
      const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, settings);
      const others = days.slice(1);
      await until(() => others.every((day) => !existsSync(archivePath(dataDir, day))), "the others to go", 30_000);
      await until(() => subjects(keeping).length === 1, "the day to be told", 30_000);
      expect(subjects(keeping)).toEqual([`${refused.date}/aggTrade/BTCUSDT`]);
      await until(() => keeping.status()?.problem === null, "no outage", 30_000);
      expect(existsSync(archivePath(dataDir, refused))).toBe(true);
      expect((await faux.keys(`${prefix}/`)).filter((key) => !key.includes(refused.date))).toEqual(
        others.flatMap((day) => keysOf(day, `${prefix}/`)).sort(),
      );
      expect(errors(keeping).length).toBeLessThanOrEqual(2);
      isRefusing = false;
      await until(() => !existsSync(archivePath(dataDir, refused)), "the refused day to be taken and go", 30_000);
      expect(subjects(keeping)).toEqual([]);
      await keeping.stop();
      await proxy.stop();
      expect(await faux.keys(`${prefix}/`)).toEqual(days.flatMap((day) => keysOf(day, `${prefix}/`)).sort());
    },
  );

  test("a store that never answers for one key is distinguished from an outage as soon as another day succeeds", async () => {
    const dataDir = await recorded();
    const proxy = s3Proxy(faux.endpoint, {
      // As the network has it: the connection is cut.
      answer: ({ url, method }) => (method === "PUT" && url.includes(refused.date) ? xml(504, "HTTP 504") : null),
    });
    const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "silent" });
    await until(() => keeping.status()?.archives_uploaded === 4, "the others to be uploaded", 30_000);
    await until(() => subjects(keeping).length === 1 && keeping.status()?.problem === null, "the day alone", 30_000);
    await keeping.stop();
    await proxy.stop();
  });

  test("a store that refuses every day is an outage; it is logged once, and ends with the first successful day", async () => {
    const dataDir = await recorded();
    let isDown = true;
    const proxy = s3Proxy(faux.endpoint, {
      answer: ({ method }) => (isDown && method === "PUT" ? xml(403, "AccessDenied") : null),
    });
    const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "all" });
    await until(() => keeping.status()?.problem?.includes("AccessDenied") === true, "an outage");
    isDown = false;
    await keeping.settled(5);
    await keeping.stop();
    await proxy.stop();
    expect(keeping.status()).toMatchObject({ problem: null, objects: [] });
    expect(keeping.lines.filter(({ message }) => message === "uploads work again")).toHaveLength(1);
    expect(errors(keeping)).toHaveLength(1);
  });
});

describe("an object of the right size that does not match its manifest", () => {
  const [day] = days.slice(-1) as [Day];
  const put = async (prefix: string, manifest: string, bytes: Uint8Array) => {
    const [object = "", text = ""] = keysOf(day, prefix);
    await faux.client.write(object, bytes);
    await faux.client.write(text, manifest);
  };
  const other = async (ids: readonly number[]) => {
    const dataDir = newDataDir();
    await archive(dataDir, day, trades(day, ids, 7));
    const path = archivePath(dataDir, day);
    return { bytes: readFileSync(path), manifest: readFileSync(path.replace(".jsonl.zst", ".manifest.json"), "utf8") };
  };

  test("garbage is reported, kept for a person, read a bounded number of times, and replaced", async () => {
    const theirs = await other(range(500, 900));
    await put("garbage/", theirs.manifest, Buffer.alloc(theirs.bytes.length, 3));
    const dataDir = newDataDir();
    await archive(dataDir, day, trades(day, range(0, 300), 0));
    let reads = 0;
    const proxy = s3Proxy(faux.endpoint, {
      answer({ method, url }) {
        if (method === "GET" && url.endsWith(`${day.date}.jsonl.zst`)) reads++;
        return null;
      },
    });
    const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "garbage" });
    await keeping.settled();
    await keeping.stop();
    await proxy.stop();
    const [object = "", manifest = ""] = keysOf(day, "garbage/");
    expect(idsOf(await faux.client.file(object).bytes())).toEqual(range(0, 300));
    expect((await faux.client.file(manifest).json()) as Manifest).toMatchObject({ rows: 300 });
    expect(readdirSync(quarantineFolder(dataDir, day))).toEqual(["bucket.jsonl.zst"]);
    expect(subjects(keeping)).toEqual([`${day.date}/aggTrade/BTCUSDT`]);
    expect(reads).toBeLessThanOrEqual(3);
  });

  test("another recorder's archive under a wrong manifest: its rows are combined with this disk's rows", async () => {
    const theirs = await other(range(200, 500));
    const text = theirs.manifest.replace(/"compressed_sha256": "[0-9a-f]{8}/, '"compressed_sha256": "00000000');
    await put("misfit/", text, theirs.bytes);
    const dataDir = newDataDir();
    await archive(dataDir, day, trades(day, range(0, 300), 0));
    const keeping = keep(dataDir, faux, { "upload.prefix": "misfit" });
    await keeping.settled();
    await keeping.stop();
    expect(idsOf(await faux.client.file(keysOf(day, "misfit/")[0] ?? "").bytes())).toEqual(range(0, 500));
    expect(subjects(keeping)).toEqual([`${day.date}/aggTrade/BTCUSDT`]);
  });

  test("an invalid or huge manifest is ignored, and the rows are kept", async () => {
    const theirs = await other(range(200, 500));
    for (const [prefix, text] of [
      ["no-json", "<html>"],
      ["large", `{"manifest_version": 1, "x": "${"y".repeat(70 * 1024 * 1024)}"}`],
    ] as const) {
      await put(`${prefix}/`, "{}", theirs.bytes);
      const dataDir = newDataDir();
      await archive(dataDir, day, trades(day, range(0, 300), 0));
      let gone = false;
      const proxy = s3Proxy(faux.endpoint, {
        answer({ method, url }) {
          if (!url.endsWith(`${day.date}.manifest.json`)) return null;
          gone ||= method === "PUT" || method === "DELETE";
          return gone ? null : new Response(text, { headers: { etag: '"x"' } });
        },
      });
      const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": prefix });
      await keeping.settled();
      await keeping.stop();
      await proxy.stop();
      expect(idsOf(await faux.client.file(keysOf(day, `${prefix}/`)[0] ?? "").bytes())).toEqual(range(0, 500));
    }
  });
});
