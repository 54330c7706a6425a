/**
 * `bun test/bench/archive/export-day.ts [rounds] [million rows]`: CPU and peak memory of exporting a day of depth20 to Parquet, and beside it
 * DuckDB's own `read_json` → Parquet of the same archive in one thread, in turn, each in a process of its own. The last line is JSON.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeDay } from "../../../server/archive/merge/merge-day.ts";
import { archivePath, type Day, manifestPath } from "../../../server/domain/day.ts";
import { writeArchiveAsParquet } from "../../../server/export/parquet/archive-parquet.ts";
import type { NumberForm } from "../../../server/export/table-file.ts";
import { segmentFiles } from "../../../server/storage/list/listing.ts";
import { parseManifest } from "../../../server/storage/manifest.ts";
import { query } from "../../support/data/duckdb.ts";
import { writeDayOfLines } from "./day-of-lines.ts";

const day: Day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-21" };
const bytesOfLine = 1373;
const [, , rounds = "5", millions = "0.861", job, folder = ""] = process.argv;
const instrument = { base: "BTC", quote: "USDT", tick_size: "0.01", step_size: "0.00001", status: "TRADING" };

export type ExportFigures = {
  readonly rows: number;
  readonly archiveBytes: number;
  readonly jobs: Record<string, { readonly cpu: number[]; readonly memory: number[]; readonly bytes: number }>;
};

if (job === undefined) await measureAll();
else await runJob(job);

async function measureAll(): Promise<void> {
  const own = mkdtempSync(join(tmpdir(), "rt-data-export-"));
  const jobs: Record<string, { cpu: number[]; memory: number[]; bytes: number }> = {};
  try {
    await start("write", own);
    const manifest = parseManifest(readFileSync(manifestPath(own, day), "utf8"));
    for (let round = 0; round < Number(rounds); round++)
      for (const name of ["duckdb, lists of text", "duckdb, columns", "float64", "decimal", "ticks"]) {
        const { cpu, memory } = await start(name, own);
        const figures = jobs[name] ?? { cpu: [], memory: [], bytes: 0 };
        figures.cpu.push(cpu);
        figures.memory.push(memory);
        jobs[name] = { ...figures, bytes: statSync(join(own, "out.parquet")).size };
      }
    const figures: ExportFigures = { rows: manifest.rows, archiveBytes: manifest.compressed_bytes, jobs };
    console.log(JSON.stringify(figures));
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Runs a job in a process of its own; CPU in seconds, memory in MB. */
async function start(name: string, own: string): Promise<{ cpu: number; memory: number }> {
  const child = Bun.spawn([process.execPath, import.meta.path, rounds, millions, name, own], { stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`${name} ended with ${child.exitCode}`);
  const usage = child.resourceUsage();
  if (usage === undefined) throw new Error(`${name} has no figures`);
  return { cpu: Number(usage.cpuTime.total) / 1e6, memory: usage.maxRSS / 1e6 };
}

async function runJob(name: string): Promise<void> {
  const path = archivePath(folder, day);
  const target = join(folder, "out.parquet");
  if (name === "write") {
    await writeDayOfLines(folder, day, Number(millions) * 1e6 * bytesOfLine);
    const recorder = { version: "bench", host: "bench" };
    const facts = { recorder, gaps: [], clockOffsetMs: null };
    mergeDay({ dataDir: folder, day, inputs: segmentFiles(folder, day), level: 3, ...facts });
  } else if (name.startsWith("duckdb")) {
    const levels = ["bids", "asks"].flatMap((side) =>
      Array.from({ length: 20 }, (_, n) => n + 1).flatMap((n) => [
        `${side}[${n}][1]::double as ${side}_px_${n}`,
        `${side}[${n}][2]::double as ${side}_sz_${n}`,
      ]),
    );
    const columns = name.endsWith("columns") ? `recv_us, net_delay_ms, lastUpdateId, ${levels.join(", ")}` : "*";
    const json = `select ${columns} from read_json('${path}', hive_partitioning = false)`;
    await query(`set threads = 1; copy (${json}) to '${target}' (format parquet, compression zstd)`);
  } else {
    const manifest = { ...parseManifest(readFileSync(manifestPath(folder, day), "utf8")), instrument };
    const { signal: stop } = new AbortController();
    const numbers = name as NumberForm;
    await writeArchiveAsParquet({ path, manifest, gaps: [], startsAfterGap: false }, target, {
      ...{ numbers, levels: "columns", compression: "zstd", stop },
    });
  }
}
