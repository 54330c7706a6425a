/**
 * `bun test/bench/archive/read-a-day.ts [rounds]`: seconds and peak memory of the reading commands over one whole day of depth20@100ms of the
 * invented market, archived; beside them what unpacking the same archive takes zlib's zstd in a bare Bun program.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeDay } from "../../../server/archive/merge/merge-day.ts";
import { archivePath, type Day, dateStartUs, liveFolder, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { median } from "../cpu.ts";

const [, , rounds = "3", written] = process.argv;
const day: Day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-21" };
const segmentMs = 300_000;
const folder = written ?? mkdtempSync(join(tmpdir(), "rt-data-read-"));
const dataDir = join(folder, "data");
const main = join(import.meta.dir, "../../../server/main.ts");

const bare = `
  const out = require("node:fs").createWriteStream(process.argv[2]);
  require("node:fs").createReadStream(process.argv[1]).pipe(require("node:zlib").createZstdDecompress()).pipe(out);
`;

if (written === undefined) await measureAll();
else console.log(writeDay());

async function measureAll(): Promise<void> {
  // In a process of its own: what a process starts inherits its peak of memory.
  const writer = Bun.spawnSync([process.execPath, import.meta.path, rounds, folder], { stderr: "inherit" });
  const rows = Number(writer.stdout.toString());
  const archive = archivePath(dataDir, day);
  const out = (name: string) => join(folder, name);
  const rtData = (...words: string[]) => ["bun", main, ...words, "--data-dir", dataDir];
  const jobs: [name: string, words: string[], output: string | null][] = [
    ["bare Bun: unpack to a file", ["bun", "-e", bare, archive, out("bare.jsonl")], null],
    ["`ls`", rtData("ls"), null],
    ["`verify`", rtData("verify"), null],
    ["`cat` to a file", rtData("cat"), out("cat.jsonl")],
    ["`export` Parquet, float64", rtData("export", "--out", out("a.parquet")), null],
    ["`export` Parquet, decimal", rtData("export", "--out", out("b.parquet"), "--numbers", "decimal"), null],
    ["`export` CSV", rtData("export", "--out", out("c.csv")), null],
  ];
  const bytes = statSync(archive).size;
  console.log(`${rows} rows of depth20, archive of ${Math.round(bytes / 1e6)} MB; ${rounds} rounds\n`);
  console.log("| | seconds (min–max) | peak memory |\n|---|---|---|");
  const runs = new Map(jobs.map(([name]) => [name, [] as Run[]]));
  for (let round = 0; round < Number(rounds); round++) {
    for (const [name, words, output] of jobs) runs.get(name)?.push(await measure(words, output));
  }
  for (const [name, own] of runs) {
    const seconds = own.map((run) => run.seconds);
    const spread = `${Math.min(...seconds).toFixed(1)}–${Math.max(...seconds).toFixed(1)}`;
    const memory = Math.round(Math.max(...own.map((run) => run.memoryBytes)) / 1e6);
    console.log(`| ${name} | ${median(seconds).toFixed(1)} (${spread}) | ${memory} MB |`);
  }
  rmSync(folder, { recursive: true, force: true });
}

type Run = { readonly seconds: number; readonly memoryBytes: number };

async function measure(words: readonly string[], output: string | null): Promise<Run> {
  const started = performance.now();
  const [, ...rest] = words;
  const child = Bun.spawn([process.execPath, ...rest], {
    stdout: output === null ? "ignore" : Bun.file(output),
    stderr: "inherit",
  });
  if ((await child.exited) !== 0) throw new Error(`${words.join(" ")} ended with ${child.exitCode}`);
  return { seconds: (performance.now() - started) / 1000, memoryBytes: child.resourceUsage()?.maxRSS ?? Number.NaN };
}

/** Writes the day as the recorder's segments, merges it, and returns its rows. */
function writeDay(): number {
  const startMs = dateStartUs(day.date) / 1000;
  const market = createSyntheticMarket({ symbols: [day.symbol], seed: 1, startMs });
  mkdirSync(liveFolder(dataDir, day), { recursive: true });
  const inputs: string[] = [];
  let rows = 0;
  for (let windowMs = startMs; windowMs < startMs + 86_400_000; windowMs += segmentMs) {
    let text = "";
    for (let atMs = windowMs; atMs < windowMs + segmentMs; atMs += 100) {
      for (const { payload } of market.tick(atMs, (name) => name === "btcusdt@depth20@100ms")) {
        text += encodeLine(payload, atMs * 1000, 12);
        rows++;
      }
    }
    const name = new Date(windowMs).toISOString().slice(11, 16).replace(":", "-");
    const path = segmentPath(dataDir, { ...day, name }, "sealed");
    writeFileSync(path, Bun.zstdCompressSync(text, { level: 3 }));
    inputs.push(`${name}.jsonl.zst`);
  }
  mergeDay({
    dataDir,
    day,
    inputs,
    level: 3,
    recorder: { version: "bench", host: "bench" },
    gaps: [],
    clockOffsetMs: null,
  });
  return rows;
}
