import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { archiveFolder, archivePath, type Day } from "../../../server/domain/day.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { type Uploaded, uploadedPath } from "../../../server/upload/upload-record.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { archive, keep, keysOf, newDataDir, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const day: Day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" };
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const idsOf = (bytes: Uint8Array) =>
  [
    ...zstdDecompressSync(bytes)
      .toString()
      .matchAll(/"a":(\d+)/g),
  ].map((match) => Number(match[1]));

let faux: S3;
beforeAll(async () => {
  faux = await startFauxS3();
});
afterAll(() => faux.stop());

/** Uploaded and confirmed, without a limit that would remove it yet. */
async function uploaded(prefix: string, endpoint = faux.endpoint): Promise<{ dataDir: string; bytes: Buffer }> {
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, range(0, 500), 0));
  const keeping = keep(dataDir, { ...faux, endpoint }, { "upload.prefix": prefix });
  await keeping.settled();
  await keeping.stop();
  return { dataDir, bytes: readFileSync(archivePath(dataDir, day)) };
}

const garbage = (bytes: Buffer) => Buffer.from(bytes.map((byte, n) => (n === bytes.length >> 1 ? byte ^ 1 : byte)));

type Damage = (keys: readonly string[], bytes: Buffer) => Promise<unknown>;
const [object, manifest] = [(keys: readonly string[]) => keys[0] ?? "", (keys: readonly string[]) => keys[1] ?? ""];

const damages: [string, Damage][] = [
  ["the object is replaced by one bit more or less", (keys, bytes) => faux.client.write(object(keys), garbage(bytes))],
  ["the object is replaced by garbage", (keys, b) => faux.client.write(object(keys), Buffer.alloc(b.length, 7))],
  ["the object is cut short", (keys, bytes) => faux.client.write(object(keys), bytes.subarray(0, 100))],
  ["the object is gone", (keys) => faux.client.delete(object(keys))],
  ["the manifest is gone", (keys) => faux.client.delete(manifest(keys))],
  ["the manifest is not a manifest", (keys) => faux.client.write(manifest(keys), "{}")],
  [
    "the manifest is of another day",
    async (keys) => {
      const text = await faux.client.file(manifest(keys)).text();
      await faux.client.write(manifest(keys), text.replace("2026-11-20", "2026-11-19"));
    },
  ],
  ["both are gone", async (keys) => Promise.all(keys.map((key) => faux.client.delete(key)))],
];

for (const [kind, hideChecksums] of [
  ["a store whose ETags are checksums", false],
  ["a store with useless ETags", true],
] as const) {
  describe(`on ${kind}, after the upload was confirmed`, () => {
    test.each(damages)("%s: no archive leaves this disk before the bucket is correct again", async (what, damage) => {
      const prefix = `proof-${what.replaceAll(" ", "-")}-${hideChecksums}`;
      let takesNothing = true;
      const proxy = s3Proxy(faux.endpoint, {
        hideChecksums,
        conditions: !hideChecksums,
        answer: ({ method }) => (takesNothing && method === "PUT" ? new Response("", { status: 500 }) : null),
      });
      takesNothing = false;
      const { dataDir, bytes } = await uploaded(prefix, proxy.endpoint);
      takesNothing = true;
      await damage(keysOf(day, `${prefix}/`), bytes);
      const settings = { "upload.prefix": prefix, "archive.retention_days": 1 };
      const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, settings);
      const kept = () =>
        keeping.lines.find(({ message }) => message === "cannot remove an archive that exceeds a limit");
      await until(() => kept() !== undefined, "the archive to be kept");
      expect(kept()?.fields.kept_since).toContain("it is missing from the bucket");
      await until(() => (keeping.status()?.failures ?? 0) > 0, "it to be uploaded again, in vain");
      expect(keeping.status()?.objects?.map(({ subject }) => subject)).toEqual(["2026-11-20/aggTrade/BTCUSDT"]);
      expect(readFileSync(archivePath(dataDir, day)).equals(bytes)).toBe(true);
      takesNothing = false;
      await until(() => !existsSync(archivePath(dataDir, day)), "the archive to go from this disk", 30_000);
      await keeping.stop();
      await proxy.stop();
      const keys = keysOf(day, `${prefix}/`);
      expect(idsOf(await faux.client.file(object(keys)).bytes())).toEqual(range(0, 500));
      const stored = (await faux.client.file(manifest(keys)).json()) as Manifest;
      const sha256 = new Bun.CryptoHasher("sha256").update(await faux.client.file(object(keys)).bytes()).digest("hex");
      expect(stored).toMatchObject({ rows: 500, compressed_sha256: sha256 });
    });
  });
}

test("an object that is replaced before its confirmation is not confirmed, but uploaded again", async () => {
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, range(0, 500), 0));
  const settings = { "upload.prefix": "early", "archive.retention_days": 1 };
  const keeping = keep(dataDir, faux, settings, { pace: { settleMs: 400 } });
  await until(() => keeping.status()?.archives_uploaded === 1, "the upload");
  const bytes = readFileSync(archivePath(dataDir, day));
  await faux.client.write(object(keysOf(day, "early/")), Buffer.alloc(bytes.length, 1));
  await until(() => !existsSync(archivePath(dataDir, day)), "the archive to go from this disk", 30_000);
  await keeping.stop();
  expect(idsOf(await faux.client.file(object(keysOf(day, "early/"))).bytes())).toEqual(range(0, 500));
  const said = keeping.lines.filter(({ message }) => message.startsWith("an archive in the bucket was changed"));
  expect(said.map(({ fields }) => fields.reason)).toContain("the object does not match its manifest");
});

test("`rt-data retention` asks the bucket as well; a dry run removes no archive", async () => {
  const { dataDir, bytes } = await uploaded("cli");
  const run = async (...words: string[]) => {
    const program = start([...rtData, "retention", "--data-dir", dataDir, ...words], {
      env: {
        ...{ RT_DATA_ARCHIVE_RETENTION_DAYS: "1", RT_DATA_UPLOAD_ENDPOINT: faux.endpoint },
        ...{ RT_DATA_UPLOAD_BUCKET: faux.bucket, RT_DATA_UPLOAD_PREFIX: "cli" },
        ...{ RT_DATA_UPLOAD_ACCESS_KEY: "any", RT_DATA_UPLOAD_SECRET_KEY: "any" },
      },
    });
    expect(await program.ended).toBe(0);
    return program.output();
  };
  await faux.client.write(object(keysOf(day, "cli/")), garbage(bytes));
  const gone = "kept  2026-11-20 aggTrade BTCUSDT  it is missing from the bucket: the object does not match";
  expect(await run("--dry-run")).toContain(gone);
  expect(JSON.parse(readFileSync(uploadedPath(dataDir, day), "utf8")) as Uploaded).toMatchObject({
    bytes: bytes.length,
  });
  expect(await run()).toContain(gone);
  expect(existsSync(archivePath(dataDir, day))).toBe(true);
  // The recorder finds at its next start that it has to upload it.
  expect(existsSync(uploadedPath(dataDir, day))).toBe(false);
  const keeping = keep(dataDir, faux, { "upload.prefix": "cli" });
  await keeping.settled();
  await keeping.stop();
  expect(await run("--dry-run")).toContain("1 archives would be removed");
  expect(await run()).toContain("1 archives removed");
  expect(existsSync(archivePath(dataDir, day))).toBe(false);
}, 60_000);

describe("an object is only replaced by an object that contains its rows", () => {
  const segmentRows = (at: number) => trades(day, [at], 0);

  test("archive and manifest moved away by hand, a late segment merged: the bucket keeps all rows and gets the new row", async () => {
    const { dataDir } = await uploaded("moved");
    const aside = temporaryFolder();
    for (const end of [".jsonl.zst", ".manifest.json"]) {
      const path = archivePath(dataDir, day).replace(".jsonl.zst", end);
      renameSync(path, join(aside, `x${end}`));
    }
    expect(existsSync(uploadedPath(dataDir, day))).toBe(true);
    await archive(dataDir, day, segmentRows(700));
    const keeping = keep(dataDir, faux, { "upload.prefix": "moved" });
    await keeping.settled();
    await keeping.stop();
    const keys = keysOf(day, "moved/");
    expect(idsOf(await faux.client.file(object(keys)).bytes())).toEqual([...range(0, 500), 700]);
    expect((await faux.client.file(manifest(keys)).json()) as Manifest).toMatchObject({ rows: 501 });
  });

  test("the whole folder gone, and as many other rows under the same name: the rows are still combined", async () => {
    const { dataDir } = await uploaded("other");
    rmSync(archiveFolder(dataDir, day), { recursive: true });
    await archive(dataDir, day, trades(day, range(600, 1200), 0));
    const keeping = keep(dataDir, faux, { "upload.prefix": "other" });
    await keeping.settled();
    await keeping.stop();
    const ids = idsOf(await faux.client.file(object(keysOf(day, "other/"))).bytes());
    expect(ids).toEqual([...range(0, 500), ...range(600, 1200)]);
  });

  test("a day that is merged again replaces its own object without a download", async () => {
    const { dataDir } = await uploaded("grown");
    await archive(dataDir, day, segmentRows(700), "12-00");
    let reads = 0;
    const proxy = s3Proxy(faux.endpoint, {
      answer({ method, url }) {
        if (method === "GET" && url.endsWith(".jsonl.zst")) reads++;
        return null;
      },
    });
    // The endpoint is part of the record, so this upload does not know the first upload.
    const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "grown" });
    await until(() => keeping.status()?.archives_uploaded === 1, "the upload");
    await keeping.stop();
    await proxy.stop();
    expect(idsOf(await faux.client.file(object(keysOf(day, "grown/"))).bytes())).toEqual([...range(0, 500), 700]);
    expect(keeping.lines.map(({ message }) => message)).toContain("uploaded an archive");
    // Once: whether the object is what its manifest says.
    expect(reads).toBeLessThanOrEqual(1);
  });
});
