/**
 * `bun seal-and-merge.ts [rows]`: sealing and merging by this program's own code in one thread, as its workers do, against the native
 * `zstd` of the same level on the same bytes: MB of raw lines a second of CPU, user and system. Prints JSON; in a process of its own.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { mergeDay } from "../../../server/archive/merge/merge-day.ts";
import { sealSegment } from "../../../server/archive/seal/seal-segment.ts";
import { archivePath, type Day, liveFolder, segmentPath } from "../../../server/domain/day.ts";
import { loadZstd } from "../../../server/storage/zstd/zstd-wasm.ts";
import { writeDayOfLines } from "./day-of-lines.ts";

const megabytes = Number(process.argv[2] ?? 60);
const level = 19;
const day: Day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-21" };
const dataDir = mkdtempSync(join(tmpdir(), "rt-data-seal-"));
const folder = liveFolder(dataDir, day);
await writeDayOfLines(dataDir, day, megabytes * 1e6);
const inputs = readdirSync(folder).sort();
const raw = Buffer.concat(inputs.map((name) => zstdDecompressSync(readFileSync(join(folder, name)))));
const plain = join(dataDir, "plain.jsonl");
writeFileSync(plain, raw);
const compress = await loadZstd();
const segment = { stream: "depth20", symbol: "ETHUSDT", date: day.date, name: "00-00" };
mkdirSync(liveFolder(dataDir, segment), { recursive: true });
const piece = raw.subarray(0, raw.indexOf(10, 16_000_000) + 1);
writeFileSync(join(dataDir, "piece.jsonl"), piece);

const seal: Record<"ours" | "zstd" | "compressing alone", number[]> = { ours: [], zstd: [], "compressing alone": [] };
for (let round = 0; round < 6; round++) {
  writeFileSync(segmentPath(dataDir, segment, "open"), piece);
  const ours = cpuOf(() => sealSegment({ dataDir, segment, level: 1 }, compress));
  rmSync(segmentPath(dataDir, segment, "sealed"));
  const alone = cpuOf(() => compress(piece, 1));
  const zstd = native(["-1", "-T1"], join(dataDir, "piece.jsonl"));
  // The first round is that of a worker that has just begun.
  if (round === 0) continue;
  seal.ours.push(piece.length / ours);
  seal["compressing alone"].push(piece.length / alone);
  seal.zstd.push(piece.length / zstd);
}
const merge: Record<"ours" | "zstd", number[]> = { ours: [], zstd: [] };
const recorder = { version: "bench", host: "bench" };
for (let round = 0; round < 2; round++) {
  const before = process.cpuUsage();
  mergeDay({ dataDir, day, inputs, level, recorder, gaps: [], clockOffsetMs: null });
  const { user, system } = process.cpuUsage(before);
  merge.ours.push(raw.length / (user + system));
  merge.zstd.push(raw.length / native([`-${level}`, "--long=27", "-T1", "--check"], plain));
  if (round === 0) {
    rmSync(dirname(archivePath(dataDir, day)), { recursive: true });
    await writeDayOfLines(dataDir, day, megabytes * 1e6);
  }
}
const sizes = [statSync(archivePath(dataDir, day)).size, statSync(join(dataDir, "out.zst")).size];
rmSync(dataDir, { recursive: true });
console.log(JSON.stringify({ seal, merge, sizes }));

/** µs of CPU. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function native(words: string[], file: string): number {
  const run = Bun.spawnSync(["zstd", "-q", "-f", ...words, file, "-o", join(dataDir, "out.zst")]);
  if (!run.success) throw new Error(`zstd: ${run.stderr}`);
  return Number(run.resourceUsage?.cpuTime.total ?? Number.NaN);
}
