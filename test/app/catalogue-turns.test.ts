import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createCatalogueCare } from "../../server/app/catalogue.ts";
import { createLiveCatalogue } from "../../server/catalogue/live-catalogue.ts";
import { openJournal } from "../../server/journal/journal.ts";
import { silentLog } from "../../server/log.ts";
import { archiveFolder, archivePath, dateOf, manifestPath } from "../../server/segment.ts";
import { day as pattern, sealAndMerge, writeDay } from "../archive/day-fixture.ts";
import { temporaryFolder } from "../support/folder.ts";

const nowUs = () => Date.parse("2026-11-22T12:00:00Z") * 1000;
/** What compiling code for the first time costs is nobody's pattern. */
const firstTurns = 3;

test("the look through a thousand archives gives the main thread back after a few milliseconds, whether it knows them or not", async () => {
  const made = temporaryFolder();
  await sealAndMerge(made, writeDay(made, { segments: 1 }));
  const manifest = readFileSync(manifestPath(made, pattern), "utf8");
  const dataDir = temporaryFolder();
  for (let symbol = 0; symbol < 10; symbol++) {
    for (let n = 1; n <= 100; n++) {
      const day = { stream: "depth20", symbol: `SYM${symbol}USDT`, date: dateOf(nowUs() - n * 86_400_000_000) };
      mkdirSync(archiveFolder(dataDir, day), { recursive: true });
      writeFileSync(archivePath(dataDir, day), "");
      writeFileSync(
        manifestPath(dataDir, day),
        manifest.replaceAll(pattern.symbol, day.symbol).replaceAll(pattern.date, day.date),
      );
    }
  }
  const journal = openJournal(dataDir, { log: silentLog });
  const catalogue = createLiveCatalogue(dataDir, journal, { nowUs, log: silentLog });
  const createCare = () =>
    createCatalogueCare({ catalogue, journal, dataDir, nowUs, renewFolder() {}, log: silentLog });
  const first = createCare();
  first.start();
  for (const care of [first, createCare()]) {
    const turns = measureTurns();
    await care.reconcile();
    // CPU time of this thread: on a busy machine the wall clock says little.
    const longest = turns.stop().sort((a, b) => b - a);
    expect(longest[firstTurns]).toBeLessThan(10);
    expect(catalogue.archiveDays.totals().days).toBe(1000);
  }
  await journal.close(5000);
  catalogue.close();
}, 60_000);

/** CPU time that this thread takes between two turns of the event loop, ms. */
function measureTurns() {
  const turns: number[] = [];
  let isOn = true;
  let before = process.threadCpuUsage();
  const turn = () => {
    const { user, system } = process.threadCpuUsage(before);
    turns.push((user + system) / 1000);
    before = process.threadCpuUsage();
    if (isOn) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    stop() {
      isOn = false;
      return turns;
    },
  };
}
