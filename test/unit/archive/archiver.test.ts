import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archivePath, liveFolder, manifestPath, quarantineFolder, segmentPath } from "../../../server/domain/day.ts";
import { recover } from "../../../server/recorder/recover/recovery.ts";
import { createFrameWalker } from "../../../server/storage/zstd/zstd-frame.ts";
import {
  archivedIds,
  archiveHere,
  day,
  dayUs,
  drained,
  filesBelow,
  line,
  lines,
  realArchiver,
  sealAndMerge,
  sealHere,
  seconds,
  segmentOf,
  temporaryData,
  today,
  writeDay,
  writeRaw,
} from "../../support/data/day-fixture.ts";

let dataDir = "";
let remove = () => {};
beforeEach(() => {
  ({ dataDir, remove } = temporaryData());
});
afterEach(() => remove());

test("a past day's segments become one archive with a manifest, and all other files of the day are removed", async () => {
  const { failures, archived } = await sealAndMerge(dataDir, writeDay(dataDir));

  expect(failures).toEqual([]);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 2700));
  expect(archived[0]).toMatchObject({ rows: 2700, first_id: 0, last_id: 2699, segments: ["00-00", "00-15", "00-30"] });
  expect(filesBelow(dataDir).map((path) => path.split("/").at(-1))).toEqual([
    "BTCUSDT-depth20-2026-11-21.jsonl.zst",
    "BTCUSDT-depth20-2026-11-21.manifest.json",
  ]);
  expect(existsSync(liveFolder(dataDir, day))).toBe(false);
});

test("an archive holds exactly the recorded bytes, in one zstd frame with checksum", async () => {
  await sealAndMerge(dataDir, writeDay(dataDir));
  const bytes = readFileSync(archivePath(dataDir, day));
  const walker = createFrameWalker();
  walker.push(bytes);
  expect(walker.shape()).toEqual({ frames: 1, complete: true, checksum: true });
  expect(Bun.zstdDecompressSync(bytes).toString()).toBe(lines(0, 2700));
});

test("a sealed segment is one whole zstd frame of the raw lines, and the raw file is gone", async () => {
  const archiver = realArchiver(dataDir);
  const [segment = segmentOf("")] = writeDay(dataDir, { segments: 1 });
  archiver.seal(segment);
  await drained(archiver);
  await archiver.stop(0);

  const bytes = readFileSync(segmentPath(dataDir, segment, "sealed"));
  const walker = createFrameWalker();
  walker.push(bytes);
  expect(walker.shape()).toMatchObject({ frames: 1, complete: true });
  expect(Bun.zstdDecompressSync(bytes).toString()).toBe(lines(0, 900));
  expect(readdirSync(liveFolder(dataDir, day))).toEqual(["00-00.jsonl.zst"]);
  expect(archiver.status()).toMatchObject({ segments_sealed: 1, segments_waiting: 0, failures: 0 });
});

test("a segment too large for wasm memory is sealed as well", async () => {
  const segment = segmentOf("00-00");
  const text = lines(0, 900).repeat(28);
  expect(text.length).toBeGreaterThan(32 * 1024 * 1024);
  writeRaw(dataDir, segment, text);
  const archiver = realArchiver(dataDir);
  archiver.seal(segment);
  await drained(archiver);
  await archiver.stop(0);
  expect(archiver.failures).toEqual([]);
  expect(Bun.zstdDecompressSync(readFileSync(segmentPath(dataDir, segment, "sealed"))).equals(Buffer.from(text))).toBe(
    true,
  );
});

test("today is not merged", async () => {
  const now = { ...day, date: today };
  await sealAndMerge(dataDir, writeDay(dataDir, { day: now, segments: 1 }));
  expect(existsSync(segmentPath(dataDir, segmentOf("00-00", now), "sealed"))).toBe(true);
  expect(existsSync(archivePath(dataDir, now))).toBe(false);
});

test("overlapping segments are merged by receipt time; for equal times the older name comes first", async () => {
  const even = seconds(0, 500).map((n) => line(n * 2));
  const odd = seconds(0, 500).map((n) => line(n * 2 + 1));
  const same = [line(999, 5000), line(999, 5001)];
  const segments = [segmentOf("00-00"), segmentOf("00-00_02"), segmentOf("00-15")];
  writeRaw(dataDir, segmentOf("00-00"), even.join(""));
  writeRaw(dataDir, segmentOf("00-00_02"), odd.join("") + same.join(""));
  writeRaw(dataDir, segmentOf("00-15"), lines(900, 1800));
  await sealAndMerge(dataDir, segments);

  const ids = archivedIds(dataDir);
  expect(ids.slice(0, 900)).toEqual(seconds(0, 900));
  expect(ids.slice(900, 1102)).toEqual([...seconds(900, 999).flatMap((n) => [n, n]), 999, 5000, 5001, 999]);
  expect(ids).toHaveLength(1000 + 2 + 900);
});

test("days are merged oldest first, each stream and symbol separately, also with symbols in non-Latin script", async () => {
  const coin = { stream: "depth20", symbol: "币安人生USDT", date: "2026-11-20" };
  const trades = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-21" };
  const segments = [day, trades, coin].flatMap((of) => writeDay(dataDir, { day: of, segments: 1 }));
  await sealHere(dataDir, segments);
  const { archived } = await sealAndMerge(dataDir, []);
  expect(archived.map(({ symbol, stream, date }) => ({ stream, symbol, date }))).toEqual([coin, trades, day]);
  expect(archivedIds(dataDir, coin)).toEqual(seconds(0, 900));
});

test("a later segment of an archived day is merged into its archive", async () => {
  await archiveHere(dataDir, writeDay(dataDir, { segments: 2 }));
  const late = writeDay(dataDir, { from: 3600, segments: 1 });
  const { archived, failures } = await sealAndMerge(dataDir, late);
  expect(failures).toEqual([]);
  expect(archivedIds(dataDir)).toEqual([...seconds(0, 1800), ...seconds(3600, 4500)]);
  expect(archived[0]).toMatchObject({ rows: 2700, segments: ["00-00", "00-15", "01-00"] });
  expect(filesBelow(dataDir)).toHaveLength(2);
});

test("an archive that does not match its manifest is not merged into, and no row is lost", async () => {
  await archiveHere(dataDir, writeDay(dataDir, { segments: 1 }));
  const damaged = readFileSync(archivePath(dataDir, day));
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 0xff;
  writeFileSync(archivePath(dataDir, day), damaged);
  const late = writeDay(dataDir, { from: 3600, segments: 1 });
  const { failures } = await sealAndMerge(dataDir, late);
  expect(failures).toHaveLength(1);
  expect(readFileSync(archivePath(dataDir, day))).toEqual(damaged);
  expect(existsSync(segmentPath(dataDir, segmentOf("01-00"), "sealed"))).toBe(true);
  expect(filesBelow(dataDir).filter((path) => path.endsWith(".tmp"))).toEqual([]);
});

test("an unreadable segment is moved to quarantine, named in the manifest and reported; the day is archived without it", async () => {
  const segments = writeDay(dataDir);
  await sealHere(dataDir, segments);
  const path = segmentPath(dataDir, segmentOf("00-15"), "sealed");
  const half = readFileSync(path).subarray(0, statSync(path).size >> 1);
  writeFileSync(path, half);

  const { archived, failures } = await sealAndMerge(dataDir, []);
  expect(archivedIds(dataDir)).toEqual([...seconds(0, 900), ...seconds(1800, 2700)]);
  expect(archived[0]).toMatchObject({ quarantined: ["00-15"], rows: 1800 });
  expect(failures.map((failure) => failure.path)).toEqual([join(quarantineFolder(dataDir, day), "00-15.jsonl.zst")]);
  expect(readFileSync(join(quarantineFolder(dataDir, day), "00-15.jsonl.zst"))).toEqual(half);
});

test("foreign lines are left out of the archive, kept and counted", async () => {
  const segment = segmentOf("00-00");
  const strange = `${"\0".repeat(5000)}\nnot a line\n{"recv_us":1,"net_delay_ms":"x"}\n`;
  writeRaw(dataDir, segment, lines(0, 10) + strange + lines(10, 20));
  const { archived } = await sealAndMerge(dataDir, [segment]);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 20));
  expect(archived[0]?.repaired.foreign_lines).toBe(3);
  expect(readFileSync(join(quarantineFolder(dataDir, day), "00-00.jsonl.zst.foreign"), "utf8")).toBe(strange);
});

test("a day waits for a raw segment that is still being written", async () => {
  const [first = segmentOf(""), second = segmentOf("")] = writeDay(dataDir, { segments: 2 });
  const archiver = realArchiver(dataDir);
  archiver.seal(first);
  await archiver.mergeDaysBefore(today);
  while (archiver.status().segments_waiting > 0) await Bun.sleep(2);
  expect(archiver.status()).toMatchObject({ days_waiting: 1, days_merged: 0 });
  expect(existsSync(segmentPath(dataDir, second, "open"))).toBe(true);

  archiver.seal(second);
  await drained(archiver);
  await archiver.stop(0);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 1800));
});

test("a segment that cannot be sealed stays raw, is reported once, and is archived up to its torn tail", async () => {
  const segment = segmentOf("00-00");
  writeRaw(dataDir, segment, `${lines(0, 100)}{"recv_us":17`);
  const { failures, archived } = await sealAndMerge(dataDir, [segment]);
  expect(failures).toMatchObject([{ operation: "seal", message: expect.stringContaining("torn") }]);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 100));
  expect(archived[0]?.repaired.torn_tails).toBe(1);
  expect(readFileSync(join(quarantineFolder(dataDir, day), "00-00.jsonl.merge.tail"), "utf8")).toBe('{"recv_us":17');
});

test("an empty segment is removed", async () => {
  const segment = segmentOf("00-00");
  writeRaw(dataDir, segment, "");
  const { failures, archived } = await sealAndMerge(dataDir, [segment]);
  expect({ failures, archived }).toEqual({ failures: [], archived: [] });
  expect(filesBelow(dataDir)).toEqual([]);
});

test("a manifest states minutes, ids, delays, the clock's offset, gaps and backfilled rows", async () => {
  const segment = segmentOf("00-00");
  const refetched = line(200).replace(/"net_delay_ms":[^,]+/, '"net_delay_ms":null,"repaired":true');
  writeRaw(dataDir, segment, lines(0, 200) + refetched + lines(201, 300));
  const span = { from_us: dayUs, to_us: dayUs + 5, cause: "reconnect" as const, missing: 12, repaired: 0 };
  const gap = { stream: "depth20", symbol: "BTCUSDT", ...span };
  const archiver = realArchiver(dataDir, { gaps: [gap], clockOffsetMs: () => 0.7 });
  archiver.seal(segment);
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  await archiver.stop(0);
  const text = readFileSync(manifestPath(dataDir, day), "utf8");
  const { manifest_sha256: own, ...stored } = JSON.parse(text);
  expect(stored).toEqual(archiver.archived[0] ?? {});
  const lastLine = `,\n  "manifest_sha256": "${own}"`;
  expect(own).toBe(new Bun.CryptoHasher("sha256").update(text.replace(lastLine, "")).digest("hex"));
  expect(stored.rows_per_minute.slice(0, 6)).toEqual([60, 60, 60, 60, 60, 0]);
  expect(stored).toMatchObject({
    first_recv_us: dayUs,
    last_recv_us: dayUs + 299e6,
    first_id: 0,
    last_id: 299,
    delay_p50_ms: 102,
    delay_p99_ms: 104,
    clock_offset_ms: 0.7,
    gaps: [span],
    repaired: { torn_tails: 0, refetched: 1, foreign_lines: 0 },
    recorder: { version: "0.0.0", host: "test" },
  });
});

test("stopping abandons a merge without a trace, and the next start does it", async () => {
  const segments = writeDay(dataDir, { segments: 20 });
  await sealHere(dataDir, segments);
  const before = filesBelow(dataDir);

  const archiver = realArchiver(dataDir, { level: 19 });
  await archiver.mergeDaysBefore(today);
  while (!filesBelow(dataDir).some((path) => path.endsWith(".tmp"))) await Bun.sleep(1);
  await archiver.stop(10_000);
  expect(filesBelow(dataDir)).toEqual(before);
  expect(archiver.status()).toMatchObject({ days_merged: 0, failures: 0 });

  await sealAndMerge(dataDir, []);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 18_000));
});

test("stopping seals the queued segments; past the deadline the rest stays raw and whole", async () => {
  const segments = writeDay(dataDir, { segments: 8 });
  const patient = realArchiver(dataDir);
  for (const segment of segments.slice(0, 4)) patient.seal(segment);
  await patient.stop(10_000);
  expect(patient.status()).toMatchObject({ segments_sealed: 4, segments_waiting: 0 });

  const hasty = realArchiver(dataDir);
  for (const segment of segments.slice(4)) hasty.seal(segment);
  await hasty.stop(0);
  expect(readdirSync(liveFolder(dataDir, day)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  await sealAndMerge(dataDir, segments.slice(4));
  expect(archivedIds(dataDir)).toEqual(seconds(0, 7200));
});

test("a worker that cannot be started is a reported failure, and the raw file stays", async () => {
  const [segment = segmentOf("")] = writeDay(dataDir, { segments: 1 });
  const archiver = realArchiver(dataDir, { startSealWorker: nowhere });
  archiver.seal(segment);
  await drained(archiver);
  await archiver.stop(0);
  expect(archiver.failures).toMatchObject([{ operation: "seal", path: segmentPath(dataDir, segment, "open") }]);
  expect(existsSync(segmentPath(dataDir, segment, "open"))).toBe(true);
});

test("a segment already sealed under that name is never overwritten", async () => {
  const [segment = segmentOf("")] = writeDay(dataDir, { segments: 1 });
  mkdirSync(liveFolder(dataDir, day), { recursive: true });
  writeFileSync(segmentPath(dataDir, segment, "sealed"), "something else");
  const archiver = realArchiver(dataDir);
  archiver.seal(segment);
  await drained(archiver);
  await archiver.stop(0);
  expect(archiver.failures).toHaveLength(1);
  expect(readFileSync(segmentPath(dataDir, segment, "sealed"), "utf8")).toBe("something else");
  expect(readFileSync(segmentPath(dataDir, segment, "open"), "utf8")).toBe(lines(0, 900));
});

test("a raw and a sealed segment of one name are not both merged; the next start decides between them", async () => {
  const [segment = segmentOf("")] = writeDay(dataDir, { segments: 1 });
  writeFileSync(segmentPath(dataDir, segment, "sealed"), Bun.zstdCompressSync(lines(0, 900)));
  const { failures } = await sealAndMerge(dataDir, [segment]);
  expect(failures.map((failure) => failure.operation)).toEqual(["seal", "merge"]);
  expect(existsSync(archivePath(dataDir, day))).toBe(false);
  const { orphans } = await recover(dataDir);
  await sealAndMerge(dataDir, orphans);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 900));
});

test("a failed merge is repeated when days are queued again, in the same process", async () => {
  const segments = writeDay(dataDir);
  const archiver = realArchiver(dataDir, { startSealWorker: nowhere });
  mkdirSync(join(dataDir, "archive"), { recursive: true });
  writeFileSync(join(dataDir, "archive", "stream=depth20"), "a file where a folder should be");
  for (const segment of segments) archiver.seal(segment);
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  expect(archiver.failures.map((failure) => failure.operation)).toEqual(["seal", "seal", "seal", "read"]);

  rmSync(join(dataDir, "archive"), { recursive: true });
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  await archiver.stop(0);
  expect(archivedIds(dataDir)).toEqual(seconds(0, 2700));
});

function nowhere(): Worker {
  return new Worker(new URL("./no-such.worker.ts", import.meta.url).href);
}
