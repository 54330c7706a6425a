import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createCatalogueSync } from "../../../server/app/data/catalogue-sync.ts";
import { createLiveCatalogue } from "../../../server/catalogue/live-catalogue.ts";
import { archiveFolder, archivePath, dateOf, manifestPath } from "../../../server/domain/day.ts";
import { openJournal } from "../../../server/journal/journal.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { archiveHere, day as pattern, writeDay } from "../../support/data/day-fixture.ts";
import { temporaryFolder } from "../../support/folder.ts";

const nowUs = () => Date.parse("2026-11-22T12:00:00Z") * 1000;
/** The limit includes pauses of the garbage collector. */
const mostMs = 15;

test("a scan of two thousand archives yields the main thread every few milliseconds, whether they are known or new", async () => {
  const made = temporaryFolder();
  await archiveHere(made, writeDay(made, { segments: 1 }));
  const manifest = readFileSync(manifestPath(made, pattern), "utf8");
  // The first scan includes the time to compile the code.
  await lookThrough(archives(manifest, 20));
  for (const longest of await lookThrough(archives(manifest, 200))) expect(longest).toBeLessThan(mostMs);
}, 60_000);

/** Creates a folder with `days` archived days of ten symbols. */
function archives(manifest: string, days: number): string {
  const dataDir = temporaryFolder();
  for (let symbol = 0; symbol < 10; symbol++) {
    for (let n = 1; n <= days; n++) {
      const day = { stream: "depth20", symbol: `SYM${symbol}USDT`, date: dateOf(nowUs() - n * 86_400_000_000) };
      mkdirSync(archiveFolder(dataDir, day), { recursive: true });
      writeFileSync(archivePath(dataDir, day), "");
      writeFileSync(
        manifestPath(dataDir, day),
        manifest.replaceAll(pattern.symbol, day.symbol).replaceAll(pattern.date, day.date),
      );
    }
  }
  return dataDir;
}

/** Returns the longest turn of a scan by an empty catalogue, and of a second scan by the same catalogue, ms. */
async function lookThrough(dataDir: string): Promise<number[]> {
  const journal = openJournal(dataDir, { log: silentLog });
  const catalogue = createLiveCatalogue(dataDir, journal, { nowUs, log: silentLog });
  const createCare = () =>
    createCatalogueSync({ catalogue, journal, dataDir, nowUs, renewFolder() {}, log: silentLog });
  const first = createCare();
  first.start();
  const longest: number[] = [];
  for (const care of [first, createCare()]) {
    const turns = measureTurns();
    await care.reconcile();
    longest.push(Math.max(...turns.stop()));
  }
  await journal.close(5000);
  catalogue.close();
  return longest;
}

/** CPU time that this thread takes between two turns of the event loop, ms. */
function measureTurns() {
  const turns: number[] = [0];
  let isOn = true;
  let before = process.threadCpuUsage();
  const turn = () => {
    const { user, system } = process.threadCpuUsage(before);
    turns[0] = Math.max(turns[0] ?? 0, (user + system) / 1000);
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
