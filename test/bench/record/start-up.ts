/**
 * `bun start-up.ts [rounds] [gigabytes]`: from the start of the process to the first record, in an empty folder and in a folder with N GB
 * (100) of archives (sparse files with real manifests) and a crash's open segments, with its catalogue and without; prints JSON.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mergeDay } from "../../../server/archive/merge/merge-day.ts";
import { archivePath, type Day, dateOf, liveFolder, manifestPath, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { writeDayOfLines } from "../archive/day-of-lines.ts";
import { type Sender, startRecorder, startSender, symbolNames } from "../processes.ts";

const [rounds = 5, gigabytes = 100] = process.argv.slice(2).map(Number);
const archiveBytes = 52e6;
const streams = ["depth20", "aggTrade"] as const;
const sender = await startSender(3000);
const empty: number[] = [];
for (let round = 0; round < rounds; round++) {
  const dataDir = mkdtempSync(join(tmpdir(), "rt-data-start-"));
  empty.push(await firstRecord(sender, dataDir));
  rmSync(dataDir, { recursive: true });
}
const full = mkdtempSync(join(tmpdir(), "rt-data-full-"));
const archives = await fill(full);
const withoutCatalogue: number[] = [];
const withCatalogue: number[] = [];
for (let round = 0; round < Math.min(rounds, 3); round++) {
  rmSync(join(full, "rt-data.sqlite"), { force: true });
  leaveOpen(full);
  withoutCatalogue.push(await firstRecord(sender, full));
  leaveOpen(full);
  withCatalogue.push(await firstRecord(sender, full));
}
rmSync(full, { recursive: true });
await sender.stop();
console.log(JSON.stringify({ empty, archives, withCatalogue, withoutCatalogue }));
process.exit(0);

/** ms from the start of the process until the live status counts a record. */
async function firstRecord(from: Sender, dataDir: string): Promise<number> {
  const began = performance.now();
  const recorder = await startRecorder(from, { symbols: 15, streams: "depth20@100ms,aggTrade", dataDir });
  while (!recorder.errors().includes("recording")) await Bun.sleep(2);
  const took = performance.now() - began;
  await recorder.stop();
  return took;
}

async function fill(dataDir: string): Promise<number> {
  const pattern: Day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-01-01" };
  const made = mkdtempSync(join(tmpdir(), "rt-data-made-"));
  await writeDayOfLines(made, pattern, 2e6);
  const inputs = readdirSync(liveFolder(made, pattern)).sort();
  mergeDay({
    ...{ dataDir: made, day: pattern, inputs, level: 3, gaps: [], clockOffsetMs: null },
    recorder: { version: "bench", host: "bench" },
  });
  const manifest = readFileSync(manifestPath(made, pattern), "utf8");
  const days = Math.ceil((gigabytes * 1e9) / archiveBytes / 15 / streams.length);
  let count = 0;
  for (let n = 2; n < days + 2; n++) {
    const date = dateOf(Date.now() * 1000 - n * 86_400_000_000);
    for (const symbol of symbolNames(15)) {
      for (const stream of streams) {
        const day = { stream, symbol, date };
        mkdirSync(dirname(archivePath(dataDir, day)), { recursive: true });
        copyFileSync(archivePath(made, pattern), archivePath(dataDir, day));
        truncateSync(archivePath(dataDir, day), archiveBytes);
        const told = { ...JSON.parse(manifest), ...day, compressed_bytes: archiveBytes };
        writeFileSync(manifestPath(dataDir, day), JSON.stringify(told));
        count++;
      }
    }
  }
  rmSync(made, { recursive: true });
  return count;
}

/** What a crash leaves: five minutes of each stream, the last line torn. */
function leaveOpen(dataDir: string): void {
  const nowUs = Date.now() * 1000 - 600_000_000;
  const lines = Array.from({ length: 3000 }, (_, n) =>
    encodeLine(
      `{"lastUpdateId":${n},"bids":[${'["1.00","2.00"],'.repeat(39)}["1.00","2.00"]],"asks":[]}`,
      nowUs + n,
      1,
    ),
  );
  for (const symbol of symbolNames(15)) {
    const day = { stream: "depth20", symbol, date: dateOf(nowUs) };
    mkdirSync(liveFolder(dataDir, day), { recursive: true });
    const name = `${String(Math.floor(Math.random() * 24)).padStart(2, "0")}-${String(Math.floor(Math.random() * 60)).padStart(2, "0")}`;
    writeFileSync(segmentPath(dataDir, { ...day, name }, "open"), `${lines.join("")}{"recv_us":17`);
  }
}
