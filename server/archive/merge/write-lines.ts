import { type Day, dateStartUs } from "../../domain/day.ts";
import { recordId } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { FileError } from "../../platform/errors.ts";
import { createOutput } from "../../platform/files/durable-files.ts";
import { createLineStats, delayQuantile } from "../../storage/line-stats.ts";
import type { Manifest } from "../../storage/manifest.ts";
import { readChunks } from "../../storage/read/line-reader-sync.ts";
import { createFrameWalker, frameProblem } from "../../storage/zstd/zstd-frame.ts";
import { createCompressor, createDecompressor } from "../../storage/zstd/zstd-stream.ts";
import { createTieSorter } from "../combine/line-ties.ts";
import { createIdSpan } from "../verify/id-span.ts";
import { createLineBuffer } from "./line-buffer.ts";
import { type MergeEvents, type MergeInput, mergeLines } from "./merge-lines.ts";

/** What a manifest says of the lines themselves. */
export type WrittenLines = Omit<
  Manifest,
  | "manifest_version"
  | "recorder"
  | "gaps"
  | "clock_offset_ms"
  | "repaired"
  | "segments"
  | "quarantined"
  | "contains"
  | "sources"
  | "borders"
> & { /** Rows refetched over REST. */ readonly refetched: number };

/**
 * Merges files of lines of one day into one zstd frame at `path`, synced, and reads it back. Throws UnreadableFile for an input
 * that is damaged, FileError otherwise; the file may be left behind then. `sortTies`: lines of one µs come in order of their ids,
 * whatever the order of the files.
 */
export function writeLines(
  target: { readonly path: string; readonly day: Day; readonly level: number; readonly sortTies?: boolean },
  inputs: readonly MergeInput[],
  events: Pick<MergeEvents, "onForeign" | "onTail">,
  alive: () => void,
): WrittenLines {
  const { path, day, level } = target;
  const tally = createLineStats(dateStartUs(day.date));
  const rawHash = new Bun.CryptoHasher("sha256");
  const compressedHash = new Bun.CryptoHasher("sha256");
  const output = attempt("write", path, () => createOutput(path));
  const compressor = createCompressor(level, (bytes) => {
    attempt("write", path, () => output.write(bytes));
    compressedHash.update(bytes);
  });
  const kind = streamTypeOfFolder(day.stream)?.kind;
  const ids = createIdSpan(kind);
  const stage = createLineBuffer((lines) => {
    rawHash.update(lines);
    ids.add(lines);
    compressor.write(lines);
    alive();
  });
  try {
    const ties = target.sortTies && kind !== undefined ? createTieSorter(kind, stage.add) : null;
    mergeLines(inputs, tally, { onLines: ties?.add ?? stage.add, ...events });
    ties?.flush();
    stage.flush();
    compressor.end();
    attempt("sync", path, output.sync);
  } finally {
    compressor.close();
    output.close();
  }
  const rawSha256 = rawHash.digest("hex");
  const compressedSha256 = compressedHash.digest("hex");
  verifyWritten(path, { rows: tally.rows, rawSha256, compressedSha256 }, alive);
  const idOf = (line: string) => (kind === undefined || line === "" ? null : recordId(line, kind));
  return {
    ...{ stream: day.stream, symbol: day.symbol, date: day.date },
    rows: tally.rows,
    raw_bytes: tally.bytes,
    compressed_bytes: output.bytes(),
    raw_sha256: rawSha256,
    compressed_sha256: compressedSha256,
    compression_level: level,
    first_recv_us: tally.firstUs,
    last_recv_us: tally.lastUs,
    first_id: idOf(stage.firstLine()),
    last_id: idOf(stage.lastLine()),
    ids: ids.span(),
    rows_per_minute: [...tally.perMinute],
    delay_p50_ms: delayQuantile(tally, 0.5),
    delay_p99_ms: delayQuantile(tally, 0.99),
    refetched: tally.refetched,
  };
}

/** Reads the file back as it is on disk: the bytes that were written, one whole frame with checksum, the rows that went in. */
function verifyWritten(
  path: string,
  expected: { rows: number; rawSha256: string; compressedSha256: string },
  alive: () => void,
): void {
  const rawHash = new Bun.CryptoHasher("sha256");
  const compressedHash = new Bun.CryptoHasher("sha256");
  const walker = createFrameWalker();
  let rows = 0;
  const decompressor = createDecompressor((bytes) => {
    rawHash.update(bytes);
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) rows++;
  });
  attempt("verify", path, () => {
    try {
      for (const chunk of readChunks(path)) {
        compressedHash.update(chunk);
        walker.push(chunk);
        decompressor.write(chunk);
        alive();
      }
      decompressor.end();
    } finally {
      decompressor.close();
    }
    const problem = frameProblem(walker.shape());
    if (problem !== null) throw new Error(problem);
    if (!walker.shape().checksum) throw new Error("its frame has no checksum");
    if (compressedHash.digest("hex") !== expected.compressedSha256)
      throw new Error("it does not read back as it was written");
    if (rawHash.digest("hex") !== expected.rawSha256) throw new Error("it does not decompress to what was compressed");
    if (rows !== expected.rows) throw new Error(`it holds ${rows} of ${expected.rows} rows`);
  });
}

function attempt<T>(operation: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(operation, path, error);
  }
}
