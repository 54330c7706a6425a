/**
 * `bun first-record.ts [days] [main.ts]`: from the start of the process to its first record in a folder with N archived days (60,000)
 * of 300 symbols × 2 streams, stubs with real manifests: without journal and catalogue, with both, without the catalogue, and while the
 * catalogue is locked. Each also: how many archived days were looked through beside the recording in the first minute at most, how late
 * the main thread was then at most, and memory. `main.ts` is another version's, to compare with; TMPDIR says where. Prints JSON.
 */
import { Database } from "bun:sqlite";
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeDay } from "../../../server/archive/merge/merge-day.ts";
import {
  archiveFolder,
  archivePath,
  type Day,
  dateOf,
  dateStartUs,
  liveFolder,
  manifestPath,
} from "../../../server/domain/day.ts";
import { until } from "../../support/wait.ts";
import { writeDayOfLines } from "../archive/day-of-lines.ts";
import { startRecorder, startSender, symbolNames } from "../processes.ts";

const days = Number(process.argv[2] ?? 60_000);
const main = process.argv[3];
const symbols = symbolNames(300);
const streams = ["depth20", "aggTrade"] as const;
/** Hard links that every file system allows for a file. */
const linksAtMost = 30_000;
const longestMs = 900_000;
const watchedMs = 60_000;

const dataDir = mkdtempSync(join(tmpdir(), "rt-data-first-"));
const sender = await startSender(3000, symbols.length);
try {
  const made = await fill();
  console.log(JSON.stringify({ days: made, streams: symbols.length * streams.length }));
  for (const [name, prepare] of Object.entries({
    "neither journal nor catalogue": () => forget("rt-data.sqlite", "journal"),
    "both there": () => {},
    "without the catalogue": () => forget("rt-data.sqlite"),
  })) {
    prepare();
    console.log(JSON.stringify({ [name]: await measure() }));
  }
  const database = new Database(join(dataDir, "rt-data.sqlite"));
  database.run("begin immediate");
  console.log(JSON.stringify({ "catalogue locked": await measure().catch((error) => String(error).slice(0, 100)) }));
  database.close();
} finally {
  await sender.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);

function forget(...names: string[]): void {
  for (const name of readdirSync(dataDir))
    if (names.some((one) => name.startsWith(one))) rmSync(join(dataDir, name), { recursive: true });
}

async function measure() {
  const began = performance.now();
  const words = main === undefined ? {} : { words: [process.execPath, main] };
  const settings = { symbols: symbols.length, streams: "depth20@100ms,aggTrade", dataDir, ...words };
  const recorder = await startRecorder(sender, settings);
  await until(() => /\brecording\b.*after_ms/.test(recorder.errors()), "the first record", longestMs);
  const first_record_ms = Math.round(performance.now() - began);
  // Our share of the start: from the start of the clock, not of the process.
  const after_ms = Number(/after_ms=(\d+)/.exec(recorder.errors())?.[1]);
  let days_checked = 0;
  const isDone = async () => {
    const { catch_up } = await recorder.status();
    days_checked = Math.max(days_checked, catch_up?.days_checked ?? 0);
    return catch_up === undefined || catch_up.doing === null || performance.now() - began > watchedMs;
  };
  await until(isDone, "the archives to be looked through", longestMs);
  const watched_s = Math.round((performance.now() - began) / 100) / 10;
  const lag = (await (await fetch(`${recorder.url}/metrics`)).text()).match(/^.*lag.*_bucket.*$/gm) ?? [];
  const memory_mb = Math.round((await recorder.status()).hardware.process_memory_bytes / 1e6);
  await recorder.stop();
  return { first_record_ms, after_ms, days_checked, watched_s, late_at_most_s: latest(lag), memory_mb };
}

/** The bound of the first bucket that holds everything. */
function latest(buckets: readonly string[]): string | null {
  const counts = buckets.map((line) => Number(line.split(" ").at(-1)));
  const at = counts.indexOf(counts.at(-1) ?? 0);
  return /le="([^"]+)"/.exec(buckets[at] ?? "")?.[1] ?? null;
}

async function fill(): Promise<number> {
  const pattern: Day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-01-01" };
  const made = mkdtempSync(join(tmpdir(), "rt-data-made-"));
  await writeDayOfLines(made, pattern, 2e6);
  const inputs = readdirSync(liveFolder(made, pattern)).sort();
  mergeDay({
    ...{ dataDir: made, day: pattern, inputs, level: 3, gaps: [], clockOffsetMs: null },
    recorder: { version: "bench", host: "bench" },
  });
  const manifest = readFileSync(manifestPath(made, pattern), "utf8");
  const archive = readFileSync(archivePath(made, pattern)).subarray(0, 100);
  rmSync(made, { recursive: true });
  let count = 0;
  let stub = "";
  for (let n = 2; count < days; n++) {
    const date = dateOf(Date.now() * 1000 - n * 86_400_000_000);
    for (const symbol of symbols) {
      for (const stream of streams) {
        const day = { stream, symbol, date };
        mkdirSync(archiveFolder(dataDir, day), { recursive: true });
        if (count++ % linksAtMost === 0) {
          stub = join(dataDir, `stub-${count}`);
          writeFileSync(stub, archive);
        }
        linkSync(stub, archivePath(dataDir, day));
        writeFileSync(
          manifestPath(dataDir, day),
          manifest
            .replace('"stream": "depth20"', `"stream": "${stream}"`)
            .replace('"symbol": "BTCUSDT"', `"symbol": "${symbol}"`)
            .replace('"date": "2026-01-01"', `"date": "${date}"`)
            .replace(/("(?:first|last)_recv_us": )\d+/g, `$1${dateStartUs(date) + 80_000_000_000}`),
        );
      }
    }
  }
  return count;
}
