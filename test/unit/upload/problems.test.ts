import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { archivePath } from "../../../server/domain/day.ts";
import { regionOf } from "../../../server/upload/store/signed-request.ts";
import { type Uploaded, type Uploading, uploadedPath, uploadingPath } from "../../../server/upload/upload-record.ts";
import { archiveHere, day, writeDay } from "../../support/data/day-fixture.ts";
import { archive, keep, keysOf, newDataDir, noise, type TestKeeping, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3, startS3rver } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

let s3: S3;
let faux: S3;
beforeAll(async () => {
  [s3, faux] = await Promise.all([startS3rver(), startFauxS3()]);
});
afterAll(async () => {
  await Promise.all([s3.stop(), faux.stop()]);
});

async function recorded(): Promise<string> {
  const dataDir = newDataDir();
  await archiveHere(dataDir, writeDay(dataDir, { segments: 1 }));
  return dataDir;
}

const errors = (keeping: TestKeeping) => keeping.lines.filter(({ level }) => level === "error");

/** A secret that is easy to find in any output. */
const secretKey = "VERY-secret-KEY-0123456789";

test.each([
  ["the access key is unknown", { accessKey: "nobody" }, /InvalidAccessKeyId.*correct upload.access_key/],
  ["the secret key is wrong", {}, /SignatureDoesNotMatch: the secret key is wrong/],
  ["nobody listens", { endpoint: "http://127.0.0.1:1" }, /upload.endpoint refuses connections/],
  ["the host is unknown", { endpoint: "http://nowhere.invalid" }, /upload.endpoint/],
] as const)("if %s, it is reported once with advice, retried, and no secret is shown", async (_, wrong, said) => {
  const dataDir = await recorded();
  const keeping = keep(dataDir, { ...s3, secretKey, ...wrong });
  await until(() => (keeping.status()?.failures ?? 0) >= 4, "four attempts");
  await keeping.stop();
  expect(errors(keeping)).toHaveLength(1);
  expect(String(errors(keeping)[0]?.fields.reason)).toMatch(said);
  expect(keeping.status()).toMatchObject({
    archives_uploaded: 0,
    archives_waiting: 1,
    problem: expect.stringMatching(said),
  });
  expect(keeping.text() + JSON.stringify(keeping.status())).not.toContain(secretKey);
});

test("a missing bucket is named; once it exists, uploads succeed and the end of the problem is logged", async () => {
  const bare = await startFauxS3();
  const dataDir = await recorded();
  const keeping = keep(dataDir, { ...bare, bucket: "later" });
  await until(() => keeping.status()?.problem !== null, "the problem to be known");
  expect(keeping.status()?.problem).toContain(
    "NoSuchBucket: the bucket does not exist: create it, or correct upload.bucket",
  );
  await fetch(`${bare.endpoint}/later`, { method: "PUT" });
  await keeping.settled();
  await keeping.stop();
  await bare.stop();
  expect(errors(keeping)).toHaveLength(1);
  expect(keeping.lines.map(({ message }) => message)).toContain("uploads work again");
  expect(keeping.status()?.problem).toBeNull();
});

test("a wrong clock is reported as the cause, with advice", async () => {
  const body = "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>";
  const proxy = s3Proxy(s3.endpoint, { answer: () => new Response(body, { status: 403 }) });
  const keeping = keep(await recorded(), { ...s3, endpoint: proxy.endpoint });
  await until(() => keeping.status()?.problem !== null, "the problem to be known");
  await keeping.stop();
  await proxy.stop();
  expect(keeping.status()?.problem).toMatch(/RequestTimeTooSkewed: the clock of this machine .* NTP/);
});

test("a store that fails occasionally still gets every archive", async () => {
  let requests = 0;
  // Ever longer runs of requests that succeed.
  const answer = () =>
    Number.isInteger(Math.sqrt(++requests)) ? new Response("down", { status: 500 + (requests % 4) }) : null;
  const proxy = s3Proxy(faux.endpoint, { answer });
  const dataDir = await recorded();
  const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "shaky" });
  await keeping.settled();
  await keeping.stop();
  await proxy.stop();
  expect(keeping.status()?.failures).toBeGreaterThan(1);
  expect(errors(keeping).length).toBeLessThanOrEqual(2);
  expect(await faux.keys("shaky/")).toEqual(keysOf(day, "shaky/"));
});

test("an object that differs from the sent bytes gets no manifest", async () => {
  const proxy = s3Proxy(faux.endpoint, { damage: (path) => path.endsWith(".jsonl.zst") });
  const dataDir = await recorded();
  const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "damaged" });
  await until(() => errors(keeping).length > 0, "the damage to be told");
  await keeping.stop();
  await proxy.stop();
  expect(String(errors(keeping)[0]?.fields.reason)).toContain("the store returns other bytes than were sent");
  expect(await faux.keys("damaged/")).toEqual(keysOf(day, "damaged/").slice(0, 1));
  expect(await Bun.file(uploadedPath(dataDir, day)).exists()).toBe(false);
});

test("if the store's ETag is not a checksum, the object is read back and compared", async () => {
  const proxy = s3Proxy(faux.endpoint, { hideChecksums: true });
  const dataDir = newDataDir();
  await archive(dataDir, day, noise(day, 15));
  const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "upload.prefix": "opaque" });
  await keeping.settled();
  await keeping.stop();
  await proxy.stop();
  const record = JSON.parse(readFileSync(uploadedPath(dataDir, day), "utf8")) as Uploaded;
  expect(record.verified_by).toBe("read_back");
  expect(await faux.keys("opaque/")).toEqual(keysOf(day, "opaque/"));
});

test("an archive that is damaged on this disk is not uploaded, others are", async () => {
  const dataDir = await recorded();
  const other = { ...day, symbol: "ETHUSDT" };
  await archiveHere(dataDir, writeDay(dataDir, { day: other, segments: 1 }));
  const path = archivePath(dataDir, day);
  const bytes = readFileSync(path);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await Bun.write(path, bytes);
  const keeping = keep(dataDir, s3, { "upload.prefix": "rotten" });
  await until(
    () => keeping.status()?.archives_uploaded === 1 && errors(keeping).length > 0,
    "the other to be uploaded",
  );
  await keeping.stop();
  expect(await s3.keys("rotten/")).toEqual(keysOf(other, "rotten/"));
  expect(errors(keeping)).toHaveLength(1);
  expect(String(errors(keeping)[0]?.fields.reason)).toContain("does not match its manifest");
});

test("a multipart upload that was started for other bytes is aborted, so that its parts are not charged", async () => {
  const dataDir = newDataDir();
  await archive(dataDir, day, noise(day, 15));
  let parts = 0;
  const answer = (request: Request) =>
    request.method === "PUT" && request.url.includes("partNumber=") && ++parts > 1
      ? new Response("", { status: 503 })
      : null;
  const proxy = s3Proxy(faux.endpoint, { answer });
  const settings = { "upload.prefix": "begun" };
  // The endpoint is stored too, so both recorders go through the same proxy.
  const first = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, settings);
  await until(() => parts > 2, "a first part to arrive and further parts to fail");
  await first.stop();
  const begun = JSON.parse(readFileSync(uploadingPath(dataDir, day), "utf8")) as Uploading;
  expect(begun.parts).toHaveLength(1);
  const part = `${faux.endpoint}/archive/${keysOf(day, "begun/")[0]}?partNumber=2&uploadId=${begun.upload_id}`;
  expect((await fetch(part, { method: "PUT", body: "x" })).status).toBe(200);

  await archive(dataDir, day, trades(day, [1], 0), "12-00");
  parts = Number.NEGATIVE_INFINITY;
  const second = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, settings);
  await second.settled();
  await second.stop();
  await proxy.stop();
  const gone = await fetch(part, { method: "PUT", body: "x" });
  expect([gone.status, await gone.text()]).toEqual([404, expect.stringContaining("NoSuchUpload")]);
  expect(await faux.keys("begun/")).toEqual(keysOf(day, "begun/"));
});

test("the region is derived from the endpoint's name, as common stores name them", () => {
  const regions = [
    ["https://s3.eu-central-1.amazonaws.com", "eu-central-1"],
    ["https://abc.r2.cloudflarestorage.com", "auto"],
    ["https://s3.us-west-004.backblazeb2.com", "us-west-004"],
    ["https://s3.ap-northeast-1.wasabisys.com", "ap-northeast-1"],
    ["https://nyc3.digitaloceanspaces.com", "nyc3"],
    ["https://fsn1.your-objectstorage.com", "fsn1"],
    ["https://s3.fr-par.scw.cloud", "fr-par"],
    ["https://s3.amazonaws.com", "us-east-1"],
    ["http://127.0.0.1:9000", "us-east-1"],
  ];
  expect(regions.map(([endpoint = ""]) => [endpoint, regionOf(endpoint)])).toEqual(regions);
});
