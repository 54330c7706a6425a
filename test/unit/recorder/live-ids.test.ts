import { expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { dateStartUs, liveFolder, segmentPath } from "../../../server/domain/day.ts";
import { encodeBackfilledLine, encodeLine } from "../../../server/domain/line.ts";
import { findLiveMissingIds, lastLiveUs } from "../../../server/storage/ids/live-ids.ts";
import { temporaryFolder } from "../../support/folder.ts";

const day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-22" };
const startUs = dateStartUs(day.date);
const names = Array.from({ length: 40 }, (_, n) => `${String(n >> 1).padStart(2, "0")}-${n % 2 === 0 ? "00" : "30"}`);
const span = (from: number, to: number) => ({ from_us: startUs + from * 1e6, to_us: startUs + to * 1e6 });
const lines = (n: number) =>
  [0, 1, 2].map((k) => encodeLine(`{"e":"aggTrade","a":${n * 3 + k}}`, startUs + (n * 3 + k) * 1e6, null)).join("");
const raw = (dataDir: string, name: string) => segmentPath(dataDir, { ...day, name }, "open");

function folderOfSegments(): string {
  const dataDir = temporaryFolder();
  mkdirSync(dirname(raw(dataDir, "00-00")), { recursive: true });
  for (const [n, name] of names.entries()) writeFileSync(raw(dataDir, name), lines(n));
  return dataDir;
}

function seal(dataDir: string, name: string, n: number): void {
  writeFileSync(segmentPath(dataDir, { ...day, name }, "sealed"), Bun.zstdCompressSync(lines(n)));
  rmSync(raw(dataDir, name));
}

test("segments that are sealed while the holes of a day are looked for are no holes", async () => {
  const dataDir = folderOfSegments();
  const found = findLiveMissingIds(dataDir, day, Number.MAX_SAFE_INTEGER);
  const last = lastLiveUs(dataDir, day);
  for (const [n, name] of names.entries()) if (n % 3 !== 0) seal(dataDir, name, n);
  expect(await found).toEqual([]);
  expect(await last).toBe(startUs + 119e6);
});

test("a day merged during the search for missing ids reports no missing ids", async () => {
  const dataDir = folderOfSegments();
  rmSync(raw(dataDir, names[1] ?? ""));
  const found = findLiveMissingIds(dataDir, day, Number.MAX_SAFE_INTEGER);
  for (const name of names.slice(3, 20)) rmSync(raw(dataDir, name));
  expect(existsSync(liveFolder(dataDir, day))).toBe(true);
  // Missing ids found before the merge stay found.
  expect(await found).toMatchObject([{ from_us: startUs + 2e6, to_us: startUs + 6e6, missing: 3 }]);
});

test("ids that another connection brought late are not missing, those that never came are", async () => {
  const dataDir = temporaryFolder();
  mkdirSync(dirname(raw(dataDir, "00-00")), { recursive: true });
  const ids = [1, 2, 5, 3, 4, 6, 9, 8, 10];
  const content = ids.map((id, n) => encodeLine(`{"e":"aggTrade","a":${id}}`, startUs + n * 1e6, null)).join("");
  writeFileSync(raw(dataDir, "00-00"), content);
  const found = await findLiveMissingIds(dataDir, day, Number.MAX_SAFE_INTEGER);
  expect(found).toMatchObject([{ from_us: startUs + 5e6, to_us: startUs + 6e6, missing: 1, cause: "missing" }]);
});

/** The gaps of a day with one segment. */
async function gapsIn(stream: string, content: string) {
  const dataDir = temporaryFolder();
  const path = segmentPath(dataDir, { ...day, stream, name: "00-00" }, "open");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return findLiveMissingIds(dataDir, { ...day, stream }, Number.MAX_SAFE_INTEGER);
}

test("missing diffs are found by the ids that each diff covers; those that came late are not missing", async () => {
  const diff = (U: number, u: number, s: number) => encodeLine(`{"U":${U},"u":${u},"b":[]}`, startUs + s * 1e6, null);
  const late = diff(10, 12, 3) + diff(6, 9, 4);
  const found = await gapsIn("depth", diff(1, 5, 1) + late + diff(13, 14, 5) + diff(16, 20, 6) + diff(21, 30, 90));
  expect(found).toEqual([
    { stream: "depth", symbol: "BTCUSDT", ...span(5, 6), cause: "missing", missing: null, repaired: 0 },
    { stream: "depth", symbol: "BTCUSDT", ...span(6, 90), cause: "crash", missing: null, repaired: 0 },
  ]);
});

test("missing trades between records of the same receipt are a gap, with those that were backfilled; a new numbering is no gap", async () => {
  const trade = (id: number, s: number) => encodeLine(`{"e":"aggTrade","a":${id}}`, startUs + s * 1e6, null);
  const backfilled = encodeBackfilledLine('{"a":3}', startUs);
  const found = await gapsIn("aggTrade", trade(1, 1) + trade(4, 1) + backfilled + trade(5, 2) + trade(200_000_000, 3));
  const moment = { from_us: startUs + 1e6, to_us: startUs + 1e6 + 1 };
  expect(found).toEqual([
    { stream: "aggTrade", symbol: "BTCUSDT", ...moment, cause: "missing", missing: 2, repaired: 1 },
  ]);
});

test("a stream that may rest for an hour has no gap because it rested", async () => {
  const dataDir = temporaryFolder();
  const snapshots = { ...day, stream: "depthSnapshot" };
  const path = segmentPath(dataDir, { ...snapshots, name: "00-00" }, "open");
  mkdirSync(dirname(path), { recursive: true });
  const book = (us: number) => encodeLine('{"lastUpdateId":1,"bids":[],"asks":[]}', us, null);
  writeFileSync(path, book(startUs) + book(startUs + 3600e6));
  expect(await findLiveMissingIds(dataDir, snapshots, Number.MAX_SAFE_INTEGER)).toEqual([]);
});
