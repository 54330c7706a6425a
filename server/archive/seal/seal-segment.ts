import { type Segment, segmentPath, temporarySuffix } from "../../domain/day.ts";
import { codeOf, FileError } from "../../platform/errors.ts";
import { createOutput, removeIfThere, renameDurably } from "../../platform/files/durable-files.ts";
import { closeSync, existsSync, openSync, readSync, statSync, unlinkSync } from "../../platform/files/files.ts";
import { readChunks } from "../../storage/read/line-reader-sync.ts";
import { createFrameWalker, frameProblem } from "../../storage/zstd/zstd-frame.ts";
import { createCompressor, createDecompressor } from "../../storage/zstd/zstd-stream.ts";
import type { Compress } from "../../storage/zstd/zstd-wasm.ts";

export type SealJob = { readonly dataDir: string; readonly segment: Segment; readonly level: number };

/** "gone": the raw file does not exist any more, because a merge took it. "empty": the file was empty and was removed. */
export type SealResult =
  | { readonly kind: "sealed"; readonly rows: number; readonly rawBytes: number; readonly compressedBytes: number }
  | { readonly kind: "empty" }
  | { readonly kind: "gone" };

/** Larger segments are streamed to bound the memory of a worker; wasm memory never shrinks. */
const largestInMemory = 32 * 1024 * 1024;

const newline = 10;

/**
 * Seals one closed segment:
 *
 *   1. refuse a segment that is already sealed, or whose last line is torn
 *   2. compress it beside the raw file, under a temporary name; sync
 *   3. read the file back and compare it with the raw file, byte by byte
 *   4. rename it to its final name
 *   5. remove the raw file
 *
 * @throws FileError if a step fails; the raw file is then unchanged
 */
export function sealSegment(job: SealJob, compress: Compress): SealResult {
  const raw = segmentPath(job.dataDir, job.segment, "open");
  const sealed = segmentPath(job.dataDir, job.segment, "sealed");
  const temporary = sealed + temporarySuffix;
  const rawBytes = attempt("read", raw, () => sizeOf(raw));
  if (rawBytes === null) return { kind: "gone" };
  if (rawBytes === 0) {
    attempt("remove", raw, () => unlinkSync(raw));
    return { kind: "empty" };
  }
  if (existsSync(sealed)) {
    throw new FileError(
      "seal",
      raw,
      "a sealed segment of the same name exists; the next start decides which file is complete",
    );
  }
  refuseTorn(raw, rawBytes);
  try {
    return sealInto(temporary, job, compress, rawBytes);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

/** Returns null if the file does not exist. A file system that gives no answer throws: the segment must not be taken for gone. */
function sizeOf(path: string): number | null {
  try {
    return statSync(path).size;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

function sealInto(temporary: string, job: SealJob, compress: Compress, rawBytes: number): SealResult {
  const raw = segmentPath(job.dataDir, job.segment, "open");
  const sealed = segmentPath(job.dataDir, job.segment, "sealed");
  const content = rawBytes <= largestInMemory ? attempt("read", raw, () => readWhole(raw, rawBytes)) : null;
  const compressedBytes = attempt("write", temporary, () => {
    const output = createOutput(temporary);
    try {
      if (content !== null) output.write(compress(content, job.level));
      else streamInto(raw, job.level, output.write);
      output.sync();
      return output.bytes();
    } finally {
      output.close();
    }
  });
  const rows = verify(raw, temporary, rawBytes, content);
  attempt("rename", sealed, () => renameDurably(temporary, sealed));
  attempt("remove", raw, () => unlinkSync(raw));
  return { kind: "sealed", rows, rawBytes, compressedBytes };
}

/** One buffer for all segments: new buffers would fill memory until the next garbage collection. */
let buffer = new Uint8Array(0);

function readWhole(raw: string, size: number): Uint8Array {
  if (buffer.length < size) buffer = new Uint8Array(size);
  let length = 0;
  for (const chunk of readChunks(raw)) {
    if (length + chunk.length > size) throw new Error("it grew during reading; another process is still writing to it");
    buffer.set(chunk, length);
    length += chunk.length;
  }
  return buffer.subarray(0, length);
}

function refuseTorn(raw: string, size: number): void {
  const fd = attempt("read", raw, () => openSync(raw, "r"));
  try {
    const last = new Uint8Array(1);
    attempt("read", raw, () => readSync(fd, last, 0, 1, size - 1));
    if (last[0] !== newline)
      throw new FileError("seal", raw, "its last line is torn; the next start cuts that line off");
  } finally {
    closeSync(fd);
  }
}

function streamInto(raw: string, level: number, write: (bytes: Uint8Array) => void): void {
  const compressor = createCompressor(level, write);
  try {
    for (const chunk of readChunks(raw)) compressor.write(chunk);
    compressor.end();
  } finally {
    compressor.close();
  }
}

/**
 * Reads the sealed file back from disk and compares it with the raw file. Decompresses with a different implementation of zstd than
 * the compression used. Returns the number of rows.
 */
function verify(raw: string, temporary: string, rawBytes: number, content: Uint8Array | null): number {
  const expected = content === null ? readChunks(raw) : null;
  let pending: Uint8Array = content ?? new Uint8Array(0);
  let compared = 0;
  let rows = 0;
  const walker = createFrameWalker();
  const decompressor = createDecompressor((bytes) => {
    let at = 0;
    while (at < bytes.length) {
      if (pending.length === 0) pending = expected?.next().value ?? pending;
      const length = Math.min(pending.length, bytes.length - at);
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset + at, length);
      if (length === 0 || !piece.equals(pending.subarray(0, length))) {
        throw new Error(`it differs from ${raw} after ${compared + at} bytes`);
      }
      rows += countLines(piece);
      pending = pending.subarray(length);
      at += length;
    }
    compared += bytes.length;
  });
  try {
    for (const chunk of readChunks(temporary)) {
      walker.push(chunk);
      decompressor.write(chunk);
    }
    decompressor.end();
  } catch (error) {
    throw error instanceof FileError ? error : new FileError("verify", temporary, error);
  } finally {
    decompressor.close();
  }
  const problem = frameProblem(walker.shape());
  if (problem !== null) throw new FileError("verify", temporary, problem);
  if (compared !== rawBytes)
    throw new FileError("verify", temporary, `it contains ${compared} of ${rawBytes} bytes of ${raw}`);
  return rows;
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count++;
  return count;
}

function attempt<T>(operation: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(operation, path, error);
  }
}
