/**
 * `bun archive-size.ts`: bytes of an archive a record, on real depth20 frames, against the same lines in `zstd -19` and against the
 * original recorder's line in deflate-6; core-hours a day at each level, and the level that is taken when work piles up.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { levelFor } from "../../../server/archive/merge/compression-planner.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { createCompressor } from "../../../server/storage/zstd/zstd-stream.ts";
import { realMessages } from "../../support/simulator/real-data.ts";

type Frame = { readonly t: number; readonly payload: string };
type Book = {
  readonly bids: readonly (readonly [string, string])[];
  readonly asks: readonly (readonly [string, string])[];
};

const framesADay = 864_000;
const folder = mkdtempSync(join(tmpdir(), "rt-data-size-"));
const sets = [
  ["2024-08-08 BTC", framesOf("depth20+trade.btc-eth.2024-08-08.jsonl.gz", "btcusdt")],
  ["2024-08-08 ETH", framesOf("depth20+trade.btc-eth.2024-08-08.jsonl.gz", "ethusdt")],
  ["2021-04-04 BTC", framesOf("depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz", "btcusdt")],
  ["2021-04-04 ETH", framesOf("depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz", "ethusdt")],
  ["2021-04-04 DOT", framesOf("depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz", "dotusdt")],
] as const;

console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Bun ${Bun.version}; depth20 frames derived from real diffs\n`,
);
console.log(
  "| set | frames | raw, bytes a frame | original, deflate-6 | zstd -19 | archive, level 19 | / original (goal ≤ 0.85) | / zstd -19 (goal ≤ 1.02) |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
for (const [name, frames] of sets) {
  const lines = Buffer.from(frames.map(lineOf).join(""));
  const original = deflateRawSync(Buffer.from(frames.map(originalLine).join("")), { level: 6 }).length;
  const reference = zstd19(lines);
  const own = compress(lines, 19).bytes;
  const each = (bytes: number) => (bytes / frames.length).toFixed(1);
  const sizes = [each(lines.length), each(original), each(reference), each(own)];
  console.log(
    `| ${[name, frames.length, ...sizes, (own / original).toFixed(2), (own / reference).toFixed(3)].join(" | ")} |`,
  );
}

const all = sets.slice(0, 2).map(([, frames]) => Buffer.from(frames.map(lineOf).join("")));
const bytesOfDay = (symbols: number) =>
  (symbols * framesADay * sum(all, (lines) => lines.length)) / sum(sets.slice(0, 2), ([, frames]) => frames.length);
console.log(
  `\nA day of 15 symbols at ten frames a second is ${(bytesOfDay(15) / 1e9).toFixed(1)} GB of lines; of 300, ${(bytesOfDay(300) / 1e9).toFixed(0)} GB.\n`,
);
console.log("| level | bytes a frame | seconds a GB | core-hours a day, 15 symbols | 300 symbols |");
console.log("| --- | --- | --- | --- | --- |");
const frames = sum(sets.slice(0, 2), ([, list]) => list.length);
let slowness = 1;
for (const level of [19, 16, 12, 9, 6, 3]) {
  const runs = all.map((lines) => compress(lines, level));
  const seconds = sum(runs, (run) => run.seconds) / (sum(all, (lines) => lines.length) / 1e9);
  if (level === 19) slowness = (seconds * 4e6) / 1e9;
  const hours = (symbols: number) => ((seconds * bytesOfDay(symbols)) / 1e9 / 3600).toFixed(2);
  console.log(
    `| ${[level, (sum(runs, (run) => run.bytes) / frames).toFixed(1), seconds.toFixed(0), hours(15), hours(300)].join(" | ")} |`,
  );
}

console.log("\n| waiting to be merged | level taken on this machine |");
console.log("| --- | --- |");
for (const [symbols, days] of [
  [15, 1],
  [15, 4],
  [15, 8],
  [15, 30],
  [100, 1],
  [300, 1],
  [300, 3],
  [1000, 1],
] as const)
  console.log(
    `| ${symbols} symbols, ${days} ${days === 1 ? "day" : "days"} | ${levelFor(19, bytesOfDay(symbols) * days, slowness)} |`,
  );
console.log("\n| segments of | sealed (level 1), bytes a frame |");
console.log("| --- | --- |");
for (const minutes of [1, 2, 5]) {
  const windows = sets.slice(0, 2).flatMap(([, list]) => windowsOf(list, minutes));
  const bytes = sum(windows, (text) => Bun.zstdCompressSync(text, { level: 1 }).length);
  console.log(`| ${minutes} ${minutes === 1 ? "minute" : "minutes"} | ${(bytes / frames).toFixed(1)} |`);
}
rmSync(folder, { recursive: true });

function windowsOf(list: readonly Frame[], minutes: number): string[] {
  const windows = new Map<number, string>();
  for (const [n, frame] of list.entries()) {
    const window = Math.floor((frame.t - (list[0]?.t ?? 0)) / (minutes * 60_000));
    windows.set(window, (windows.get(window) ?? "") + lineOf(frame, n));
  }
  return [...windows.values()];
}

function framesOf(file: string, symbol: string): Frame[] {
  return realMessages(file).flatMap(({ t, raw }) => {
    const found = /^\{"stream":"([^"]+)","data":(.*)\}$/.exec(raw);
    return found?.[1] === `${symbol}@depth20@100ms` || found?.[1] === `${symbol}@depth20`
      ? [{ t, payload: found[2] ?? "" }]
      : [];
  });
}

/** Microseconds and delays are as irregular as in reality; the recordings have ms only. */
function lineOf({ t, payload }: Frame, n: number): string {
  const noise = Number(Bun.hash.wyhash(String(n)) % 1000n);
  return encodeLine(payload, t * 1000 + noise, 100 + (Math.floor(n / 40) % 5));
}

/** What the original writes: the receipt time in ms, prices and quantities as floats, no id. */
function originalLine({ t, payload }: Frame): string {
  const book = JSON.parse(payload) as Book;
  const side = (levels: Book["bids"]) => levels.map(([price, quantity]) => [Number(price), Number(quantity)]);
  return `${JSON.stringify({ timestamp: t, bids: side(book.bids), asks: side(book.asks) })}\n`;
}

function compress(lines: Buffer, level: number): { bytes: number; seconds: number } {
  let bytes = 0;
  const before = process.cpuUsage();
  const compressor = createCompressor(level, (piece) => {
    bytes += piece.length;
  });
  for (let at = 0; at < lines.length; at += 256 * 1024) compressor.write(lines.subarray(at, at + 256 * 1024));
  compressor.end();
  compressor.close();
  return { bytes, seconds: process.cpuUsage(before).user / 1e6 };
}

function zstd19(lines: Buffer): number {
  const path = join(folder, "lines");
  writeFileSync(path, lines);
  return Bun.spawnSync(["zstd", "-19", "-q", "-c", path]).stdout.length;
}

function sum<T>(list: readonly T[], value: (one: T) => number): number {
  return list.reduce((all, one) => all + value(one), 0);
}
