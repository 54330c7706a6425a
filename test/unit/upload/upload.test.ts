import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { archivePath, type Day, manifestPath } from "../../../server/domain/day.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { type Uploaded, uploadedPath, uploadingPath } from "../../../server/upload/upload-record.ts";
import { archiveHere, day, lines, writeDay } from "../../support/data/day-fixture.ts";
import { archive, keep, keysOf, newDataDir, noise } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3, startS3rver } from "../../support/upload/s3.ts";
import { until } from "../../support/wait.ts";

const coin: Day = { stream: "aggTrade", symbol: "币安人生USDT", date: "2026-11-20" };

// What s3rver makes the ETag of a multipart upload of is not what S3 makes it of.
for (const [name, start, multipart] of [
  ["s3rver", startS3rver, "read_back"],
  ["fauxqs", startFauxS3, "etag"],
] as const) {
  describe(`on ${name}`, () => {
    let s3: S3;
    beforeAll(async () => {
      s3 = await start();
    });
    afterAll(() => s3.stop());
    const bytesOf = async (key = "") => Buffer.from(await s3.client.file(key).bytes());
    const record = (dataDir: string, of = day) =>
      JSON.parse(readFileSync(uploadedPath(dataDir, of), "utf8")) as Uploaded;

    test("archives and manifests are uploaded automatically, under their paths on disk, and equal the files on disk", async () => {
      const dataDir = newDataDir();
      await archiveHere(dataDir, writeDay(dataDir));
      await archive(dataDir, coin, lines(0, 50));
      const keeping = keep(dataDir, s3, { "upload.prefix": "/plain/" });
      await keeping.settled(2);
      await keeping.stop();
      expect(await s3.keys("plain/")).toEqual([...keysOf(coin, "plain/"), ...keysOf(day, "plain/")].sort());
      for (const of of [day, coin]) {
        const [archived, manifest] = keysOf(of, "plain/");
        expect(await bytesOf(archived)).toEqual(readFileSync(archivePath(dataDir, of)));
        expect(await bytesOf(manifest)).toEqual(readFileSync(manifestPath(dataDir, of)));
      }
      expect(record(dataDir)).toMatchObject({ verified_by: "etag", confirmed_us: expect.any(Number) });
    });

    test("an uploaded archive is not uploaded again, not even if its local records are lost", async () => {
      const dataDir = newDataDir();
      await archiveHere(dataDir, writeDay(dataDir, { segments: 1 }));
      const first = keep(dataDir, s3, { "upload.prefix": "once" });
      await first.settled();
      await first.stop();
      const lost = record(dataDir);
      await Bun.file(uploadedPath(dataDir, day)).delete();
      const second = keep(dataDir, s3, { "upload.prefix": "once" });
      await second.settled();
      await second.stop();
      expect(second.status()?.bytes_sent).toBe(0);
      expect(record(dataDir)).toMatchObject({
        etag: lost.etag,
        object_sha256: lost.object_sha256,
        verified_by: "manifest",
      });
    });

    test("a day that is merged again is uploaded again, and its manifest with it", async () => {
      const dataDir = newDataDir();
      await archiveHere(dataDir, writeDay(dataDir, { segments: 1 }));
      const keeping = keep(dataDir, s3, { "upload.prefix": "again" });
      await keeping.settled();
      await archiveHere(dataDir, writeDay(dataDir, { from: 3600, segments: 1 }));
      keeping.onArchived(day);
      await keeping.settled(2);
      await keeping.stop();
      const [archived, manifest] = keysOf(day, "again/");
      expect(await bytesOf(archived)).toEqual(readFileSync(archivePath(dataDir, day)));
      expect((JSON.parse((await bytesOf(manifest)).toString()) as Manifest).rows).toBe(1800);
      expect(keeping.lines.filter(({ message }) => message.startsWith("combined"))).toEqual([]);
    });

    test("a newer manifest of the same rows, for example after a backfill, replaces the manifest in the bucket", async () => {
      const dataDir = newDataDir();
      await archiveHere(dataDir, writeDay(dataDir, { segments: 1 }));
      const keeping = keep(dataDir, s3, { "upload.prefix": "told" });
      await keeping.settled();
      const gap = { from_us: 1, to_us: 2, cause: "reconnect", missing: 3, repaired: 3 };
      const manifest = JSON.parse(readFileSync(manifestPath(dataDir, day), "utf8")) as Manifest;
      writeFileSync(manifestPath(dataDir, day), JSON.stringify({ ...manifest, gaps: [gap] }));
      keeping.onArchived(day);
      await keeping.settled();
      await keeping.stop();
      const stored = JSON.parse((await bytesOf(keysOf(day, "told/")[1])).toString()) as Manifest;
      expect(stored.gaps as unknown[]).toEqual([gap]);
    });

    test("a large archive is uploaded in parts, and is complete afterwards", async () => {
      const dataDir = newDataDir();
      await archive(dataDir, day, noise(day, 15));
      const keeping = keep(dataDir, s3, { "upload.prefix": "large" });
      await keeping.settled();
      await keeping.stop();
      const bytes = readFileSync(archivePath(dataDir, day));
      expect(bytes.length).toBeGreaterThan(2 * 5 * 1024 * 1024);
      expect((await bytesOf(keysOf(day, "large/")[0])).equals(bytes)).toBe(true);
      expect(record(dataDir)).toMatchObject({ verified_by: multipart, bytes: bytes.length });
      expect(await Bun.file(uploadingPath(dataDir, day)).exists()).toBe(false);
    });
  });
}

test("the demo never uploads, even if a config with a bucket exists", async () => {
  const s3 = await startS3rver();
  const dataDir = newDataDir();
  await archiveHere(dataDir, writeDay(dataDir, { segments: 1 }));
  const keeping = keep(dataDir, s3, { "archive.retention_days": 1 }, { mode: "demo" });
  await until(() => !existsSync(archivePath(dataDir, day)), "retention to go on without waiting for an upload");
  await keeping.stop();
  expect(keeping.status()).toBeNull();
  expect(await s3.keys()).toEqual([]);
  await s3.stop();
});
