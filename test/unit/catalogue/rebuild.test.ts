import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createCatalogueSync } from "../../../server/app/data/catalogue-sync.ts";
import { knownLastRun } from "../../../server/app/gaps/earlier-runs.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { createLiveCatalogue } from "../../../server/catalogue/live-catalogue.ts";
import { dateStartUs, manifestPath, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { createStream, parseStreamType, type StreamType } from "../../../server/domain/stream.ts";
import { openJournal } from "../../../server/journal/journal.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { recover } from "../../../server/recorder/recover/recovery.ts";
import { findLiveMissingIds } from "../../../server/storage/ids/live-ids.ts";
import { archiveHere, day, today, writeDay } from "../../support/data/day-fixture.ts";
import { temporaryFolder } from "../../support/folder.ts";

const live = { stream: "aggTrade", symbol: "BTCUSDT", date: today };
const streams = ["aggTrade", "depth20"].map((name) => createStream("BTCUSDT", parseStreamType(name) as StreamType));
const startUs = dateStartUs(live.date);
const trade = (id: number) => encodeLine(`{"e":"aggTrade","a":${id}}`, startUs + id * 1e6, null);
const refetched = (id: number) => trade(id).replace(',"e"', ',"repaired":true,"e"');
const gap = {
  ...day,
  from_us: dateStartUs(day.date) + 5,
  to_us: dateStartUs(day.date) + 9,
  cause: "reconnect" as const,
};
const { date: _, ...hole } = { ...gap, missing: 7, repaired: 2 };

function write(name: string, text: string, state: "open" | "sealed", dataDir: string): void {
  const path = segmentPath(dataDir, { ...live, name }, state);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, state === "sealed" ? Bun.zstdCompressSync(text) : text);
}

/** A merged day with a gap, and today without ids 3 to 5, of which 4 was backfilled. */
async function recordedFolder(): Promise<string> {
  const dataDir = temporaryFolder();
  await archiveHere(dataDir, writeDay(dataDir, { segments: 1 }), { gapsOf: () => [hole] });
  write("00-00", trade(1) + trade(2), "sealed", dataDir);
  write("00-00_02", refetched(4), "sealed", dataDir);
  write("00-05", trade(6) + trade(7), "open", dataDir);
  return dataDir;
}

/** Does what a start does with catalogue and journal. */
async function start(dataDir: string) {
  const log: string[] = [];
  const nowUs = () => startUs + 3600e6;
  const lines = createLog({ level: "info", format: "text", color: false }, (line) => log.push(line));
  const journal = openJournal(dataDir, { log: lines });
  const catalogue = createLiveCatalogue(dataDir, journal, { nowUs, log: lines });
  const care = createCatalogueSync({ catalogue, journal, dataDir, nowUs, renewFolder() {}, log: lines });
  care.start();
  const wasLost = journal.isNew && care.isFresh();
  const lastRun = knownLastRun(dataDir, streams, { journal, catalogue, nowUs: nowUs() });
  journal.beginRun(nowUs());
  care.noteEvent("start", "0.0.0");
  const recovered = await recover(dataDir);
  if (wasLost) await care.findUnmergedHoles(recovered.days, nowUs());
  await care.reconcile();
  const stop = async () => {
    await care.stop();
    await journal.close(5000);
    catalogue.close();
  };
  return { catalogue, journal, log, lastRun, stop };
}

for (const how of ["deleted", "damaged", "half overwritten", "replaced by a folder"] as const) {
  for (const journal of ["is gone as well", "is there"] as const) {
    test(`a catalogue that was ${how} is made again while the journal ${journal}: archives, gaps, holes of today, the last run`, async () => {
      const dataDir = await recordedFolder();
      await (await start(dataDir)).stop();
      const path = join(dataDir, "rt-data.sqlite");
      const size = readFileSync(path).length;
      if (how === "deleted") rmSync(path);
      if (how === "damaged") writeFileSync(path, "this is no database".repeat(1000));
      if (how === "half overwritten") writeFileSync(path, readFileSync(path).fill(0x55, Math.min(size - 100, 4096)));
      if (how === "replaced by a folder") {
        rmSync(path);
        mkdirSync(join(path, "inside"), { recursive: true });
      }
      if (journal === "is gone as well") rmSync(join(dataDir, "journal"), { recursive: true });
      const { catalogue, log, lastRun, stop } = await start(dataDir);
      expect(catalogue.gapsOf(day)).toEqual([hole]);
      expect(catalogue.gapsOf(live)).toEqual([
        {
          ...{ stream: live.stream, symbol: live.symbol, cause: "missing", missing: 3, repaired: 1 },
          ...{ from_us: startUs + 2e6, to_us: startUs + 6e6 },
        },
      ]);
      expect(catalogue.archiveDays.all()).toMatchObject([
        { ...day, rows: 900, gaps: 1, missing: 7, repaired: 2, hole_us: 4, minutes_with_rows: 15 },
      ]);
      expect(catalogue.archiveDays.all()[0]?.verified_us).toBeGreaterThan(0);
      expect(lastRun).toMatchObject({ lastRecvUs: startUs + 7e6, clean: false });
      expect(catalogue.events(9).map(({ kind }) => kind)).toEqual(["rebuild", "start"]);
      expect(log.some((line) => line.includes("rebuilt from journal and files"))).toBe(true);
      const aside = existsSync(join(dataDir, "quarantine")) ? readdirSync(join(dataDir, "quarantine")) : [];
      expect(aside.filter((name) => name.startsWith("rt-data.sqlite"))).toHaveLength(how === "deleted" ? 0 : 1);
      await stop();
    });
  }
}

test("if a first run crashed before it saved its progress, and its window is already sealed, the newest record tells its end", async () => {
  const dataDir = temporaryFolder();
  write("00-00", trade(1) + trade(2), "sealed", dataDir);
  const crashed = openCatalogue(dataDir);
  crashed.beginRun(startUs);
  crashed.close();
  const { catalogue, log, lastRun, stop } = await start(dataDir);
  expect(lastRun).toMatchObject({ lastRecvUs: startUs + 2e6, clean: false });
  expect(log).toEqual([]);
  expect(catalogue.events(9).map(({ kind }) => kind)).toEqual(["start"]);
  await stop();
});

test("archives added or removed by hand are known after the next start; a first start needs no rebuild", async () => {
  const dataDir = await recordedFolder();
  const empty = await start(temporaryFolder());
  expect(empty.catalogue.events(9).map(({ kind }) => kind)).toEqual(["start"]);
  await empty.stop();
  const first = await start(dataDir);
  expect(first.catalogue.archiveDays.all()).toHaveLength(1);
  await first.stop();
  rmSync(dirname(manifestPath(dataDir, day)), { recursive: true });
  const second = await start(dataDir);
  expect(second.catalogue.archiveDays.all()).toEqual([]);
  await second.stop();
});

test("a start reads only the changed manifests, each once", async () => {
  const dataDir = await recordedFolder();
  await (await start(dataDir)).stop();
  const path = manifestPath(dataDir, day);
  const { mtimeMs } = statSync(path);
  const at = (ms: number) => utimesSync(path, ms / 1000, ms / 1000);
  const unreadable = (log: string[]) => log.filter((line) => line.includes("cannot read the manifest")).length;
  writeFileSync(path, "no manifest");
  at(mtimeMs);
  const untouched = await start(dataDir);
  expect([unreadable(untouched.log), untouched.catalogue.archiveDays.all().length]).toEqual([0, 1]);
  await untouched.stop();
  at(mtimeMs + 1000);
  const changed = await start(dataDir);
  expect([unreadable(changed.log), changed.catalogue.archiveDays.all().length]).toEqual([1, 1]);
  await changed.stop();
});

test("a deleted catalogue is rebuilt even if another program has opened a new, empty file since", async () => {
  const dataDir = await recordedFolder();
  openCatalogue(dataDir).close();
  const { catalogue, log, stop } = await start(dataDir);
  expect(catalogue.gapsOf(day)).toEqual([hole]);
  expect(log.some((line) => line.includes("rebuilt from journal and files"))).toBe(true);
  await stop();
});

test("a database that is deleted while in use is written again with all its content", () => {
  const dataDir = join(temporaryFolder(), "data");
  mkdirSync(dataDir);
  const catalogue = openCatalogue(dataDir);
  catalogue.saveGaps([hole]);
  expect(catalogue.restoreFile()).toBe(false);
  rmSync(dataDir, { recursive: true });
  expect(catalogue.restoreFile()).toBe(true);
  catalogue.saveGaps([{ ...hole, from_us: hole.from_us + 1 }]);
  catalogue.close();
  const again = openCatalogue(dataDir);
  expect(again.gapsOf(day).map(({ from_us }) => from_us)).toEqual([hole.from_us, hole.from_us + 1]);
  again.close();
});

test("the newest ten thousand events are kept", () => {
  const catalogue = openCatalogue(temporaryFolder());
  catalogue.together(() => {
    for (let n = 0; n < 10_050; n++) catalogue.addEvent({ at_us: n, kind: "repair", message: String(n) });
  });
  const events = catalogue.events(20_000);
  expect([events.length, events[0]?.at_us, events.at(-1)?.at_us]).toEqual([10_000, 10_049, 50]);
  catalogue.close();
});

test("a stream without contiguous ids counts as missing after a minute, and an unreadable segment counts as missing ids", async () => {
  const dataDir = temporaryFolder();
  const of = { stream: "depth20", symbol: "BTCUSDT", date: today };
  const book = (second: number) => encodeLine('{"lastUpdateId":1,"bids":[],"asks":[]}', startUs + second * 1e6, null);
  const put = (name: string, text: string | Uint8Array, state: "open" | "sealed") => {
    const path = segmentPath(dataDir, { ...of, name }, state);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  put("00-00", book(0) + book(59) + book(130), "open");
  put("00-05", Bun.zstdCompressSync(book(310)).subarray(0, 20), "sealed");
  put("00-10", book(160) + book(161), "open");
  const found = await findLiveMissingIds(dataDir, of, Number.POSITIVE_INFINITY);
  expect(found.map(({ from_us, to_us, cause }) => [from_us - startUs, to_us - startUs, cause])).toEqual([
    [59e6, 130e6, "crash"],
    [130e6, 160e6, "crash"],
  ]);
});
