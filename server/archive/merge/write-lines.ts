import { type Day, dateStartUs } from "../../domain/day.ts";
import { recordId } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { FileError } from "../../platform/errors.ts";
import { createOutput } from "../../platform/files/durable-files.ts";
import { createLineStats, delayQuantile } from "../../storage/line-stats.ts";
import type { Manifest } from "../../storage/manifest.ts";
import { readChunks } from "../../storage/read/line-reader-sync.ts";
import { createSizedFrame } from "../../storage/zstd/sized-frame.ts";
import { createFrameWalker, frameProblem } from "../../storage/zstd/zstd-frame.ts";
import { createCompressor, createDecompressor } from "../../storage/zstd/zstd-stream.ts";
import { createTieSorter } from "../combine/line-ties.ts";
import { createIdSpan } from "../verify/id-span.ts";
import { createLineBuffer } from "./line-buffer.ts";
import { type MergeEvents, type MergeInput, mergeLines } from "./merge-lines.ts";

/** The fields of a manifest that describe the lines. */
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
> & { /** Rows backfilled over REST. */ readonly refetched: number };

/**
 * Merges files of one day into one zstd frame at `path`, syncs it and reads it back. `sortTies`: lines of the same µs are sorted by
 * id, whatever the order of the files.
 *
 * @throws UnreadableFile if an input is damaged; FileError otherwise. The file may remain.
 */
export function writeLines(
  target: { readonly path: string; readonly day: Day; readonly level: number; readonly sortTies?: boolean },
  inputs: readonly MergeInput[],
  events: Pick<MergeEvents, "onForeign" | "onTail">,
  alive: () => void,
): WrittenLines {
  const { path, day, level } = target;
  const stats = createLineStats(dateStartUs(day.date));
  const rawHash = new Bun.CryptoHasher("sha256");
  const packedHash = new Bun.CryptoHasher("sha256");
  const output = attempt("write", path, () => createOutput(path));
  const frame = createSizedFrame((bytes) => {
    if (output.bytes() > 0) packedHash.update(bytes);
    attempt("write", path, () => output.write(bytes));
  });
  const compressor = createCompressor(level, frame.write);
  const kind = streamTypeOfFolder(day.stream)?.kind;
  const ids = createIdSpan(kind);
  const buffer = createLineBuffer((lines) => {
    rawHash.update(lines);
    ids.add(lines);
    compressor.write(lines);
    alive();
  });
  try {
    const ties = target.sortTies && kind !== undefined ? createTieSorter(kind, buffer.add) : null;
    mergeLines(inputs, stats, { onLines: ties?.add ?? buffer.add, ...events });
    ties?.flush();
    buffer.flush();
    compressor.end();
    attempt("write", path, () => output.replaceAt(0, frame.header(stats.bytes)));
    attempt("sync", path, output.sync);
  } finally {
    compressor.close();
    output.close();
  }
  const rawSha256 = rawHash.digest("hex");
  const packedSha256 = packedHash.digest("hex");
  const expected = { rows: stats.rows, rawSha256, packedSha256, header: frame.header(stats.bytes) };
  const compressedSha256 = verifyWritten(path, expected, alive);
  const idOf = (line: string) => (kind === undefined || line === "" ? null : recordId(line, kind));
  return {
    stream: day.stream,
    symbol: day.symbol,
    date: day.date,
    rows: stats.rows,
    raw_bytes: stats.bytes,
    compressed_bytes: output.bytes(),
    raw_sha256: rawSha256,
    compressed_sha256: compressedSha256,
    compression_level: level,
    first_recv_us: stats.firstUs,
    last_recv_us: stats.lastUs,
    first_id: idOf(buffer.firstLine()),
    last_id: idOf(buffer.lastLine()),
    ids: ids.span(),
    rows_per_minute: [...stats.perMinute],
    delay_p50_ms: delayQuantile(stats, 0.5),
    delay_p99_ms: delayQuantile(stats, 0.99),
    refetched: stats.refetched,
  };
}

/**
 * Reads the file back from disk and checks its bytes, its frame (exactly one, with checksum) and its rows. Returns its SHA-256.
 * `packedSha256`: of the bytes behind the frame's header.
 */
function verifyWritten(
  path: string,
  expected: { rows: number; rawSha256: string; packedSha256: string; header: Uint8Array },
  alive: () => void,
): string {
  const packedHash = new Bun.CryptoHasher("sha256");
  const headerBytes = expected.header.length;
  let header: Uint8Array = new Uint8Array(0);
  const rawHash = new Bun.CryptoHasher("sha256");
  const compressedHash = new Bun.CryptoHasher("sha256");
  const walker = createFrameWalker();
  let rows = 0;
  const decompressor = createDecompressor((bytes) => {
    rawHash.update(bytes);
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) rows++;
  });
  return attempt("verify", path, () => {
    try {
      for (const chunk of readChunks(path)) {
        compressedHash.update(chunk);
        // The first piece of a file is longer than the header.
        packedHash.update(header.length === 0 ? chunk.subarray(headerBytes) : chunk);
        if (header.length === 0) header = chunk.slice(0, headerBytes);
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
    if (packedHash.digest("hex") !== expected.packedSha256 || Buffer.compare(header, expected.header) !== 0)
      throw new Error("the bytes on disk differ from the written bytes");
    if (rawHash.digest("hex") !== expected.rawSha256) throw new Error("the decompressed lines differ from the input");
    if (rows !== expected.rows) throw new Error(`it contains ${rows} of ${expected.rows} rows`);
    return compressedHash.digest("hex");
  });
}

function attempt<T>(operation: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(operation, path, error);
  }
}
