import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { verifyArchive } from "../../../server/archive/verify/verify-archive.ts";
import { archivePath, liveFolder, manifestPath, type Segment, segmentPath } from "../../../server/domain/day.ts";
import { replaceFiles, systemFiles } from "../../../server/platform/files/files.ts";
import {
  archivedIds,
  day,
  drained,
  filesBelow,
  lines,
  realArchiver,
  sealHere,
  seconds,
  segmentOf,
  temporaryData,
  today,
  writeDay,
  writeRaw,
} from "../../support/data/day-fixture.ts";
import { mountMissing, mountSmallDisk, unmountAll } from "../../support/machine/mounts.ts";
import { until } from "../../support/wait.ts";

afterAll(unmountAll);

let dataDir = "";
let remove = () => {};
beforeEach(() => {
  ({ dataDir, remove } = temporaryData());
});
afterEach(() => remove());

const plenty = 1e9;

test("without room for merges segments are still sealed; without room for seals they stay raw; with room the work continues", async () => {
  const segments = writeDay(dataDir);
  const archiver = realArchiver(dataDir);
  archiver.setRoom({ forSeals: 0, forMerges: 0 });
  for (const segment of segments) archiver.seal(segment);
  await archiver.mergeDaysBefore(today);
  expect(archiver.status()).toMatchObject({ segments_sealed: 0, segments_waiting: 3, days_waiting: 1 });
  archiver.setRoom({ forSeals: plenty, forMerges: 0 });
  await until(() => archiver.status().segments_waiting === 0, "the segments to be sealed");
  archiver.setRoom({ forSeals: plenty, forMerges: 1000 });
  await Bun.sleep(300);
  expect(archiver.status()).toMatchObject({ segments_sealed: 3, days_merged: 0, days_waiting: 1 });
  archiver.setRoom({ forSeals: plenty, forMerges: plenty });
  await drained(archiver);
  await archiver.stop(0);
  expect(archiver.failures).toEqual([]);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 2700));
});

test("stopping does not wait for segments that there is no room to seal", async () => {
  const segments = writeDay(dataDir);
  const archiver = realArchiver(dataDir);
  archiver.setRoom({ forSeals: 0, forMerges: 0 });
  for (const segment of segments) archiver.seal(segment);
  await archiver.stop(60_000);
  expect(filesBelow(dataDir).every((path) => path.endsWith(".jsonl"))).toBe(true);
});

test.skipIf(mountMissing !== "")(
  `a disk that is full while a segment is sealed, or a day is merged, is reported once; both are done when there is room${mountMissing}`,
  async () => {
    dataDir = mountSmallDisk("8m");
    const ballast = join(dataDir, "ballast");
    const fill = (leave: number) => {
      const { bavail, bsize } = statfsSync(dataDir);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - leave));
    };
    const segments = writeDay(dataDir);
    const archiver = realArchiver(dataDir, { retryMs: 50 });
    const look = setInterval(() => archiver.setRoom({ forSeals: plenty, forMerges: plenty }), 10);
    fill(4096);
    for (const segment of segments) archiver.seal(segment);
    await archiver.mergeDaysBefore(today);
    await until(() => archiver.failures.length > 0, "the seal to fail");
    await Bun.sleep(300);
    expect(archiver.failures).toMatchObject([{ operation: "write", code: "ENOSPC" }]);
    for (const segment of segments)
      expect(readFileSync(segmentPath(dataDir, segment, "open"), "utf8")).toEndWith("}\n");

    archiver.setRoom({ forSeals: plenty, forMerges: 0 });
    clearInterval(look);
    rmSync(ballast);
    const sealing = setInterval(() => archiver.setRoom({ forSeals: plenty, forMerges: 0 }), 10);
    await until(() => archiver.status().segments_sealed === 3, "the segments to be sealed");
    clearInterval(sealing);

    fill(8192);
    const merging = setInterval(() => archiver.setRoom({ forSeals: plenty, forMerges: plenty }), 10);
    await until(() => archiver.failures.length > 1, "the merge to fail");
    await Bun.sleep(300);
    expect(archiver.failures.slice(1)).toMatchObject([{ code: "ENOSPC" }]);
    expect(existsSync(manifestPath(dataDir, day))).toBe(false);
    rmSync(ballast);
    await drained(archiver);
    clearInterval(merging);
    await archiver.stop(0);
    expect(archivedIds(dataDir)).toEqual(seconds(0, 2700));
    expect((await verifyArchive(dataDir, day)).kind).toBe("ok");
    expect(filesBelow(dataDir)).toHaveLength(2);
  },
  20_000,
);

test("a late segment of a merged day is merged into its archive, with the gaps known now", async () => {
  const [first, second, third] = writeDay(dataDir) as [Segment, Segment, Segment];
  const secondText = readFileSync(segmentPath(dataDir, second, "open"));
  rmSync(segmentPath(dataDir, second, "open"));
  const hole = { ...{ stream: day.stream, symbol: day.symbol }, from_us: 1, to_us: 2, cause: "missing" as const };
  const gaps = [{ ...hole, missing: 900, repaired: 0 }];
  const archiver = realArchiver(dataDir, { gaps });
  archiver.seal(first);
  archiver.seal(third);
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  expect(archivedIds(dataDir)).toEqual([...seconds(0, 900), ...seconds(1800, 2700)]);

  gaps[0] = { ...hole, missing: 900, repaired: 900 };
  const late = segmentOf("00-15");
  writeRaw(dataDir, late, secondText);
  archiver.seal(late);
  archiver.merge(day);
  await until(() => archiver.status().days_merged === 2, "the second merge");
  await archiver.stop(0);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 2700));
  expect(JSON.parse(readFileSync(manifestPath(dataDir, day), "utf8"))).toMatchObject({
    rows: 2700,
    gaps: [{ missing: 900, repaired: 900 }],
    segments: ["00-00", "00-15", "00-30"],
  });
  expect(filesBelow(dataDir)).toHaveLength(2);
  expect(existsSync(archivePath(dataDir, day))).toBe(true);
});

test("new information about the gaps of a merged day goes into its manifest; its archive stays unchanged", async () => {
  const hole = { ...{ stream: day.stream, symbol: day.symbol }, from_us: 1, to_us: 2, cause: "missing" as const };
  const gaps = [{ ...hole, missing: 9, repaired: 0 }];
  const archiver = realArchiver(dataDir, { gaps });
  for (const segment of writeDay(dataDir, { segments: 1 })) archiver.seal(segment);
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  const { mtimeMs, ino } = statSync(archivePath(dataDir, day));
  gaps[0] = { ...hole, missing: 9, repaired: 9 };
  archiver.merge(day);
  await drained(archiver);
  await archiver.stop(0);
  expect(archiver.archived.map(({ gaps: [gap] }) => gap?.repaired)).toEqual([0, 9]);
  expect(statSync(archivePath(dataDir, day))).toMatchObject({ mtimeMs, ino });
  const verified = await verifyArchive(dataDir, day);
  expect(verified.kind).toBe("ok");
  expect(verified.manifest?.gaps[0]?.repaired).toBe(9);
});

test("a late segment of today waits for the day's end", async () => {
  const tomorrow = { ...day, date: today };
  writeRaw(dataDir, segmentOf("00-00", tomorrow), lines(0, 10));
  const archiver = realArchiver(dataDir);
  await archiver.mergeDaysBefore(today);
  archiver.seal(segmentOf("00-00", tomorrow));
  await drained(archiver);
  await archiver.stop(0);
  expect(archiver.status()).toMatchObject({ segments_sealed: 1, days_merged: 0 });
});

function gone(): never {
  throw Object.assign(new Error("ENOTCONN: socket is not connected"), { code: "ENOTCONN" });
}

test("a segment is not taken for gone while its file system gives no answer", async () => {
  const segments = writeDay(dataDir, { segments: 1 });
  replaceFiles({ ...systemFiles, statSync: gone as never, existsSync: () => false });
  try {
    await expect(sealHere(dataDir, segments)).rejects.toThrow("ENOTCONN");
  } finally {
    replaceFiles(systemFiles);
  }
});

test("a day whose folder cannot be listed for a moment is merged later, and is not taken for an empty day", async () => {
  await sealHere(dataDir, writeDay(dataDir, { segments: 1 }));
  const archiver = realArchiver(dataDir, { retryMs: 1 });
  replaceFiles({ ...systemFiles, readdirSync: gone });
  try {
    archiver.merge(day);
  } finally {
    replaceFiles(systemFiles);
  }
  await until(() => archiver.failures.length > 0, "the failure to be reported");
  expect(archiver.failures).toMatchObject([{ code: "ENOTCONN" }]);
  await until(() => {
    archiver.setRoom({ forSeals: plenty, forMerges: plenty });
    return archiver.archived.length === 1;
  }, "the day to be merged");
  await archiver.stop(0);
  expect(existsSync(liveFolder(dataDir, day))).toBe(false);
});
