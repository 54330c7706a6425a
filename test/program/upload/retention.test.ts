import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRetention } from "../../../server/archive/retention/retention.ts";
import { keptFrom, planRetention } from "../../../server/archive/retention/retention-plan.ts";
import {
  archiveFolder,
  archivePath,
  type Day,
  dateStartUs,
  liveFolder,
  manifestPath,
} from "../../../server/domain/day.ts";
import { createBandwidthLimit } from "../../../server/platform/fetch/bandwidth-limit.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { encodeManifest, readManifest } from "../../../server/storage/manifest.ts";
import { createObjectStore } from "../../../server/upload/store/object-store.ts";
import { sweepBucket } from "../../../server/upload/sweep-bucket.ts";
import { rtData, start } from "../../support/program.ts";
import { archive, keep, keysOf, newDataDir, rememberingLog, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3, startS3rver } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const days: Day[] = [17, 18, 19, 20, 21].map((n) => ({ stream: "aggTrade", symbol: "BTCUSDT", date: `2026-11-${n}` }));
const [oldest] = days as [Day];
const none = { endpoint: "", bucket: "", accessKey: "", secretKey: "" };

let s3: S3;
beforeAll(async () => {
  s3 = await startS3rver();
});
afterAll(() => s3.stop());

async function recorded(): Promise<string> {
  const dataDir = newDataDir();
  for (const day of days) await archive(dataDir, day, trades(day, [1, 2, 3], 0));
  return dataDir;
}

const datesLeft = (dataDir: string) =>
  days.filter((day) => existsSync(archivePath(dataDir, day))).map(({ date }) => date.slice(-2));
const removals = ({ lines }: { lines: { message: string; fields: Record<string, unknown> }[] }) =>
  lines.filter(({ message }) => message === "removed an archive from this disk");

test("days over the age limit are removed, oldest first and completely, each with its reason in the log", async () => {
  const dataDir = await recorded();
  const gone: string[] = [];
  const onRemoved = ({ date }: Day) => void gone.push(date);
  const keeping = keep(dataDir, none, { "archive.retention_days": 3 }, { onRemoved });
  await until(() => removals(keeping).length === 3, "three days to go");
  await keeping.stop();
  expect(gone).toEqual(["2026-11-17", "2026-11-18", "2026-11-19"]);
  // Today is 2026-11-22: with it, the 21st and the 20th are three days.
  expect(datesLeft(dataDir)).toEqual(["20", "21"]);
  expect(removals(keeping).map(({ fields }) => fields.date)).toEqual(["2026-11-17", "2026-11-18", "2026-11-19"]);
  expect(removals(keeping)[0]?.fields.reason).toBe("it is older than 2026-11-20 (archive.retention_days = 3)");
  expect(existsSync(archiveFolder(dataDir, oldest))).toBe(false);
  expect(readdirSync(join(dataDir, "removing"))).toEqual([]);
});

test("at most seven dates are removed per hour, and the rest is reported; with an unconfirmed time no day is removed", async () => {
  const dataDir = newDataDir();
  const ten: Day[] = Array.from({ length: 10 }, (_, n) => ({ ...oldest, date: `2026-11-${n + 10}` }));
  for (const day of ten) await archive(dataDir, day, trades(day, [1, 2, 3], 0));
  const left = () => ten.filter((day) => existsSync(archivePath(dataDir, day))).length;
  const unsure = keep(
    dataDir,
    none,
    { "archive.retention_days": 1 },
    { time: () => ({ kind: "unconfirmed", why: "?" }) },
  );
  unsure.onArchived(oldest);
  await until(() => existsSync(dataDir), "a look");
  await unsure.stop();
  expect(left()).toBe(10);
  const keeping = keep(dataDir, none, { "archive.retention_days": 1 });
  const told = () => keeping.lines.filter(({ message }) => message.startsWith("more archives exceed a limit"));
  await until(() => told().length > 0, "the rest to be told", 30_000);
  keeping.onArchived(oldest);
  await until(() => told().length > 1, "another look", 30_000);
  expect(keeping.removalsWaiting()).toEqual({
    ...{ dates: 3, archives: 3, from: "2026-11-17", to: "2026-11-19", limit: 7 },
  });
  await keeping.stop();
  expect(left()).toBe(3);
  expect(told()[0]).toMatchObject({ level: "error", fields: { removed: 7, postponed: 3 } });
  expect(told()[1]).toMatchObject({ fields: { removed: 0, postponed: 3 } });
});

test("a data folder without archives is not an error", async () => {
  const limits = { days: 3, gb: 1, minFreeGb: 1 };
  const retention = createRetention(
    { dataDir: newDataDir(), limits, unconfirmed: "keep", isCapped: true },
    { time: () => ({ kind: "confirmed", us: dateStartUs("2026-11-22") }), notUploaded: () => null, log: silentLog },
  );
  expect(await retention.run()).toEqual({ removed: [], kept: [], postponed: 0 });
});

test("the age and order of a wrongly dated archive count from its merge", async () => {
  const dataDir = newDataDir();
  const day: Day = { ...oldest, date: "2026-09-23" };
  const clock = { cause: "clock", missing: 0, repaired: 0 } as const;
  const startUs = dateStartUs(day.date);
  for (const one of [day, ...days]) await archive(dataDir, one, trades(one, [1, 2, 3], 0));
  const manifest = readManifest(dataDir, day);
  if (manifest === null) throw new Error("no manifest");
  // In two pieces that touch.
  const gaps = [
    { ...clock, from_us: startUs, to_us: startUs + 2e6 },
    { ...clock, from_us: startUs + 2e6, to_us: startUs + 60e6 },
  ];
  writeFileSync(manifestPath(dataDir, day), encodeManifest({ ...manifest, gaps }));
  const mergedOn = (date: string) => {
    const at = new Date(`${date}T12:00:00Z`);
    utimesSync(manifestPath(dataDir, day), at, at);
  };
  const run = async (settings: object, date: string) => {
    mergedOn(date);
    const limits = { days: 0, gb: 0, minFreeGb: 0, ...settings };
    const time = () => ({ kind: "confirmed", us: dateStartUs("2026-11-22") }) as const;
    const retention = createRetention(
      { dataDir, limits, unconfirmed: "keep", isCapped: false },
      { time, notUploaded: () => null, log: silentLog },
    );
    return (await retention.run(true)).removed.map(({ day: { date } }) => date.slice(5));
  };
  expect(await run({ days: 3 }, "2026-11-20")).toEqual(["11-17", "11-18", "11-19"]);
  expect(await run({ days: 3 }, "2026-11-19")).toEqual(["09-23", "11-17", "11-18", "11-19"]);
  expect(await run({ gb: 1e-9 }, "2026-11-20")).toEqual(["11-17", "11-18", "11-19", "11-20", "11-21"]);
  expect(await run({ gb: 1e-9 }, "2026-11-16")).toEqual(["09-23", "11-17", "11-18", "11-19", "11-20", "11-21"]);
});

test("the limits of size and free disk remove the oldest days, and no more than needed", () => {
  const gb = 1e9;
  const candidates = days.map((day) => ({ day, bytes: 2 * gb }));
  const plan = (limits: object, freeBytes = 100 * gb, isSafe: (day: Day) => boolean = () => true) => {
    const gone: string[] = [];
    const all = { days: 0, gb: 0, minFreeGb: 0, ...limits };
    const steps = planRetention(candidates, all, { today: "2026-11-21", freeBytes });
    for (let step = steps.next(); !step.done; ) {
      const ok = isSafe(step.value.day);
      if (ok) gone.push(step.value.day.date.slice(-2));
      step = steps.next(ok);
    }
    return gone;
  };
  expect(plan({ gb: 7 })).toEqual(["17", "18"]);
  expect(plan({ minFreeGb: 13 }, 10 * gb)).toEqual(["17", "18"]);
  expect(plan({ minFreeGb: 13 }, 13 * gb)).toEqual([]);
  expect(plan({ gb: 7 }, 0, (day) => day !== oldest)).toEqual(["18", "19"]);
  // Today never goes, however little is free.
  expect(plan({ minFreeGb: 1000 }, 0)).toEqual(["17", "18", "19", "20"]);
  expect(plan({})).toEqual([]);
  expect([keptFrom("2026-11-22", 1), keptFrom("2026-11-22", 30), keptFrom("2026-11-22", 0)]).toEqual([
    "2026-11-22",
    "2026-10-24",
    null,
  ]);
});

test("a day that is damaged, has no manifest or waits for a merge is kept, logged once, and does not block other days", async () => {
  const dataDir = await recorded();
  const [damaged, bare, waiting] = days as [Day, Day, Day];
  writeFileSync(archivePath(dataDir, damaged), "x");
  await Bun.file(archivePath(dataDir, bare).replace(".jsonl.zst", ".manifest.json")).delete();
  mkdirSync(liveFolder(dataDir, waiting), { recursive: true });
  const keeping = keep(dataDir, none, { "archive.retention_days": 1 });
  await until(() => removals(keeping).length === 2, "two days to go");
  keeping.onArchived(oldest);
  await until(() => !existsSync(join(dataDir, "removing")), "another look");
  await keeping.stop();
  expect(datesLeft(dataDir)).toEqual(["17", "18", "19"]);
  const kept = keeping.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields.kept_since);
  expect(kept).toEqual(["it does not match its manifest", "segments of this day wait to be merged"]);
});

test("with an upload, a day is removed only after it was verified in the bucket and confirmed later", async () => {
  const dataDir = await recorded();
  let isDown = true;
  const down = () => (isDown ? new Response("", { status: 503 }) : null);
  const faux = await startFauxS3();
  const proxy = s3Proxy(faux.endpoint, { answer: down });
  const keeping = keep(dataDir, { ...faux, endpoint: proxy.endpoint }, { "archive.retention_days": 2 });
  await until(() => (keeping.status()?.failures ?? 0) > 1, "uploads to fail");
  expect(datesLeft(dataDir)).toHaveLength(5);
  const kept = () => keeping.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields.kept_since);
  await until(() => kept().length === 4, "the reasons to be told");
  expect(new Set(kept())).toEqual(new Set(["it is not uploaded yet"]));
  isDown = false;
  await keeping.settled(5);
  await until(() => datesLeft(dataDir).length === 1, "four days to go");
  await keeping.stop();
  await proxy.stop();
  expect(datesLeft(dataDir)).toEqual(["21"]);
  expect(await faux.keys()).toEqual(days.flatMap((day) => keysOf(day)).sort());
  await faux.stop();
});

test("a day that is uploaded and verified stays on this disk until it has been seen in the bucket later on", async () => {
  const dataDir = await recorded();
  const settings = { "archive.retention_days": 2, "upload.prefix": "later" };
  const pace = { settleMs: 60_000 };
  const first = keep(dataDir, s3, settings, { pace });
  await until(() => first.status()?.archives_uploaded === 5, "all to be uploaded");
  await first.stop();
  const keeping = keep(dataDir, s3, settings, { pace });
  const kept = () => keeping.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields.kept_since);
  await until(() => kept().filter((why) => why === "its upload is not confirmed yet").length === 4, "the reasons");
  await keeping.stop();
  expect(keeping.status()).toMatchObject({ archives_uploaded: 0, archives_unconfirmed: 5 });
  expect(datesLeft(dataDir)).toHaveLength(5);
});

test("the bucket has its own limit: only older days are removed there, and they are not uploaded again", async () => {
  const dataDir = await recorded();
  const settings = { "upload.prefix": "aged" };
  const all = keep(dataDir, s3, settings);
  await all.settled(5);
  await all.stop();
  await s3.client.write("aged/stream=aggTrade/symbol=BTCUSDT/date=2026-11-17/notes.txt", "mine");
  await s3.client.write(
    "other/stream=aggTrade/symbol=BTCUSDT/date=2026-11-17/BTCUSDT-aggTrade-2026-11-17.jsonl.zst",
    "x",
  );
  const keeping = keep(dataDir, s3, { ...settings, "upload.retention_days": 4 });
  const left = [
    ...days.slice(2).flatMap((day) => keysOf(day, "aged/")),
    "aged/stream=aggTrade/symbol=BTCUSDT/date=2026-11-17/notes.txt",
  ];
  await until(async () => (await s3.keys("aged/")).length === left.length, "two days to go from the bucket");
  await keeping.stop();
  expect(await s3.keys("aged/")).toEqual(left.sort());
  expect(await s3.keys("other/")).toHaveLength(1);
  expect(datesLeft(dataDir)).toHaveLength(5);
  expect(keeping.status()?.archives_uploaded).toBe(0);
  // The answer to a removal may be lost with an idle connection; the object is then found gone.
  const told = keeping.lines.filter(({ message }) => message === "removed an archive from the bucket");
  expect([1, 2]).toContain(told.length);
});

test("a wrongly dated day is uploaded and stays in the bucket: its date does not tell its age", async () => {
  const dataDir = newDataDir();
  const day: Day = { ...oldest, date: "2026-09-23" };
  for (const one of [day, ...days]) await archive(dataDir, one, trades(one, [1, 2, 3], 0));
  const manifest = readManifest(dataDir, day);
  if (manifest === null) throw new Error("no manifest");
  const span = { from_us: dateStartUs(day.date), to_us: dateStartUs(day.date) + 60e6 };
  const gaps = [{ ...span, cause: "clock" as const, missing: 0, repaired: 0 }];
  writeFileSync(manifestPath(dataDir, day), encodeManifest({ ...manifest, gaps }));
  const settings = { "upload.prefix": "wrong-date", "upload.retention_days": 4 };
  for (const run of ["first", "second"]) {
    const keeping = keep(dataDir, s3, settings);
    if (run === "first") await keeping.settled(4);
    const swept = ({ message }: { message: string }) => message === "kept an archive with a wrong date in the bucket";
    if (run === "second") await until(() => keeping.lines.some(swept), "the bucket to be swept");
    await keeping.stop();
  }
  const left = [day, ...days.slice(2)].flatMap((one) => keysOf(one, "wrong-date/"));
  expect(await s3.keys("wrong-date/")).toEqual(left.sort());
});

test("parts of an upload that was idle for a week are removed, other parts stay", async () => {
  const upload = (key: string, id: string, date: string) =>
    `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${date}T00:00:00.000Z</Initiated></Upload>`;
  const key = keysOf(oldest)[0] ?? "";
  const listed = [
    upload(key, "old", "2026-11-01"),
    upload(key, "new", "2026-11-21"),
    upload("x/y", "foreign", "2026-11-01"),
  ];
  const aborted: string[] = [];
  const proxy = s3Proxy(s3.endpoint, {
    answer(request) {
      if (request.method === "DELETE") aborted.push(new URL(request.url).search);
      return new Response(
        request.method === "GET" ? `<ListMultipartUploadsResult>${listed.join("")}</ListMultipartUploadsResult>` : null,
      );
    },
  });
  const store = createObjectStore({ ...s3, endpoint: proxy.endpoint, region: "" }, new AbortController().signal);
  await sweepBucket(store, "", {
    keepFrom: null,
    nowMs: Date.parse("2026-11-22T00:00:00Z"),
    log: rememberingLog().log,
  });
  await proxy.stop();
  expect(aborted).toEqual(["?uploadId=old"]);
});

test("the bandwidth limit holds over every second, whatever the pieces", async () => {
  let nowMs = 0;
  const slept: number[] = [];
  const sleep = Bun.sleep;
  const passed: { atMs: number; bytes: number }[] = [];
  try {
    Bun.sleep = ((ms: number) => {
      slept.push(ms);
      nowMs += ms;
      return Promise.resolve();
    }) as typeof Bun.sleep;
    const pacer = createBandwidthLimit(8, () => nowMs);
    for (let n = 0; n < 400; n++) {
      const bytes = 1000 + ((n * 7919) % 130_000);
      await pacer.acquire(bytes);
      passed.push({ atMs: nowMs, bytes });
      if (n % 50 === 49) nowMs += 3000;
    }
  } finally {
    Bun.sleep = sleep;
  }
  const inSecondFrom = (ms: number) =>
    passed.filter(({ atMs }) => atMs >= ms && atMs < ms + 1000).reduce((sum, { bytes }) => sum + bytes, 0);
  const most = Math.max(...passed.map(({ atMs }) => inSecondFrom(atMs)));
  expect(most).toBeGreaterThan(900_000);
  // 8 Mbit/s, a tenth of it at once after a pause, and one piece that was on its way.
  expect(most).toBeLessThan(1_000_000 + 100_000 + 131_000);
});

test("`rt-data retention --dry-run` lists the archives to remove and keeps them; without the flag they are removed", async () => {
  const dataDir = await recorded();
  const run = async (...words: string[]) => {
    const program = start([...rtData, "retention", "--data-dir", dataDir, ...words], {
      env: { RT_DATA_ARCHIVE_RETENTION_DAYS: "1" },
    });
    return { code: await program.ended, output: program.output(), errors: program.errors() };
  };
  const dry = await run("--dry-run");
  expect([dry.code, dry.errors]).toEqual([0, ""]);
  expect(dry.output).toContain("would be removed  2026-11-17 aggTrade BTCUSDT");
  expect(dry.output).toContain("5 archives would be removed");
  expect(datesLeft(dataDir)).toHaveLength(5);
  const json = JSON.parse((await run("--dry-run", "--json")).output);
  expect(json).toMatchObject({
    dry_run: true,
    removed: [{ ...oldest, reason: expect.any(String) }, {}, {}, {}, {}],
    kept: [],
  });
  expect((await run()).output).toContain("5 archives removed");
  expect(datesLeft(dataDir)).toEqual([]);
  const aimless = start([...rtData, "retention", "--data-dir", dataDir], { env: {} });
  expect(await aimless.ended).toBe(2);
  expect(aimless.errors()).toContain("archive.retention_days");
  for (const [words, expected] of [
    [["--json"], /^\[\]\n$/],
    [[], /^0 archives would be removed: no limit is set: archive\.retention_days, /],
  ] as const) {
    const list = start([...rtData, "retention", "--data-dir", dataDir, "--dry-run", ...words], { env: {} });
    expect([await list.ended, list.output(), list.errors()]).toEqual([0, expect.stringMatching(expected), ""]);
  }
  for (const days of ["1", "0"]) {
    const absent = start([...rtData, "retention", "--dry-run", "--data-dir", `${dataDir}/absent`], {
      env: { RT_DATA_ARCHIVE_RETENTION_DAYS: days },
    });
    expect([await absent.ended, absent.errors()]).toEqual([2, expect.stringContaining("absent does not exist")]);
  }
  expect(existsSync(`${dataDir}/absent`)).toBe(false);
});
