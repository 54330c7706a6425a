import { afterEach, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { takeInventory } from "../../../server/archive/data-inventory.ts";
import { type Day, segmentPath } from "../../../server/domain/day.ts";
import { replaceFiles, systemFiles } from "../../../server/platform/files/files.ts";
import { filesBelow } from "../../../server/storage/list/files-below.ts";
import { findRecordedStreams } from "../../../server/storage/list/listing.ts";
import { readWhileMoving } from "../../../server/storage/list/moving-files.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import { date, secondLines, tradeLine } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";

afterEach(() => replaceFiles(systemFiles));

const day: Day = { stream: "aggTrade", symbol: "BTCUSDT", date };

/** Calls `act` after each listing of a folder. */
function afterEachListing(act: (folder: string) => void): void {
  const readdirSync = ((folder: string, options: object) => {
    const entries = systemFiles.readdirSync(folder, options as never);
    act(folder);
    return entries;
  }) as typeof systemFiles.readdirSync;
  replaceFiles({ ...systemFiles, readdirSync });
}

test("a day that is merged while a folder is listed is found at least once", () => {
  const dataDir = temporaryFolder();
  writeRaw(dataDir, { ...day, name: "00-00" }, secondLines(date, 0, 300, tradeLine));
  mkdirSync(join(dataDir, "archive"));
  let listings = 0;
  afterEachListing(() => {
    // The listing of the data folder itself, then of its first folder.
    if (++listings !== 2) return;
    const folder = join(dataDir, "archive/stream=aggTrade");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "merged"), "");
    rmSync(join(dataDir, "live"), { recursive: true });
  });
  const found = filesBelow(dataDir);
  expect(listings).toBeGreaterThan(2);
  expect(found).toContain(join(dataDir, "archive/stream=aggTrade/merged"));
});

test("folders that vanish while a folder is listed are passed over, however many", () => {
  const dataDir = temporaryFolder();
  const symbols = Array.from({ length: 20 }, (_, n) => `S${n}USDT`);
  for (const symbol of symbols) writeRaw(dataDir, { ...day, symbol, name: "00-00" }, "\n");
  afterEachListing((folder) => {
    if (folder.endsWith("stream=aggTrade"))
      for (const symbol of symbols.slice(1)) rmSync(join(folder, `symbol=${symbol}`), { recursive: true });
  });
  expect(filesBelow(dataDir)).toEqual([segmentPath(dataDir, { ...day, symbol: "S0USDT", name: "00-00" }, "open")]);
});

test("links to folders are followed, and a link to a folder above it ends", () => {
  const dataDir = temporaryFolder();
  const disk = temporaryFolder();
  mkdirSync(join(disk, "stream=aggTrade"));
  writeFileSync(join(disk, "stream=aggTrade/file"), "");
  symlinkSync(disk, join(dataDir, "archive"));
  symlinkSync(".", join(disk, "again"));
  symlinkSync(join(disk, "nowhere"), join(dataDir, "broken"));
  symlinkSync("circle", join(dataDir, "circle"));
  expect(filesBelow(dataDir)).toEqual([join(dataDir, "archive/stream=aggTrade/file")]);
});

test("a folder that does not exist is an error in words", () => {
  const folder = join(temporaryFolder(), "gone");
  expect(() => filesBelow(folder)).toThrow(`cannot read ${folder}: `);
});

test("a day is counted in full although another of its segments is sealed during each attempt", async () => {
  const dataDir = temporaryFolder();
  const names = Array.from({ length: 12 }, (_, n) => `00-${String(n * 5).padStart(2, "0")}`);
  for (const [n, name] of names.entries())
    writeRaw(dataDir, { ...day, name }, secondLines(date, n * 300, (n + 1) * 300, tradeLine));
  const streams = findRecordedStreams(dataDir);
  const waiting = [...names];
  afterEachListing((folder) => {
    if (!folder.endsWith(`date=${date}`)) return;
    const name = waiting.shift();
    if (name === undefined) return;
    const open = segmentPath(dataDir, { ...day, name }, "open");
    const text = systemFiles.readFileSync(open);
    writeFileSync(`${open}.zst.tmp`, Bun.zstdCompressSync(text));
    renameSync(`${open}.zst.tmp`, `${open}.zst`);
    rmSync(open);
  });
  const [inventory] = await takeInventory(streams, () => null, { dataDir, quick: false });
  expect(inventory?.days).toMatchObject([{ state: "live", rows: 3600, problem: null }]);
});

test("a listed file that cannot be opened, while no file moves, is reported as a loss at once", async () => {
  const folder = temporaryFolder();
  symlinkSync(join(folder, "nowhere"), join(folder, "file"));
  let attempts = 0;
  const reading = readWhileMoving(
    () => ["file"],
    async () => {
      attempts += 1;
      return systemFiles.readFileSync(join(folder, "file"));
    },
  );
  await expect(reading).rejects.toThrow("ENOENT");
  expect(attempts).toBe(1);
});

test("an error that is not a missing file is told at once", async () => {
  let listed = 0;
  const reading = readWhileMoving(
    () => [String(listed++)],
    async () => {
      throw new Error("damaged");
    },
  );
  await expect(reading).rejects.toThrow("damaged");
  expect(listed).toBe(2);
});
