import { type Segment, segmentPath, temporarySuffix } from "../../domain/day.ts";
import { FileError } from "../../platform/errors.ts";
import { createOutput, removeIfThere, renameDurably } from "../../platform/files/durable-files.ts";
import { closeSync, existsSync, openSync, readSync, statSync, unlinkSync } from "../../platform/files/files.ts";
import { readChunks } from "../../storage/read/line-reader-sync.ts";
import { createFrameWalker, frameProblem } from "../../storage/zstd/zstd-frame.ts";
import { createCompressor, createDecompressor } from "../../storage/zstd/zstd-stream.ts";
import type { Compress } from "../../storage/zstd/zstd-wasm.ts";

export type SealJob = { readonly dataDir: string; readonly segment: Segment; readonly level: number };

/** "gone": nothing is left to seal, since a merge has taken the raw file. "empty": it held nothing and was removed. */
export type SealResult =
  | { readonly kind: "sealed"; readonly rows: number; readonly rawBytes: number; readonly compressedBytes: number }
  | { readonly kind: "empty" }
  | { readonly kind: "gone" };

/** Larger segments are streamed, so that the memory of a worker stays bounded; wasm memory never shrinks. */
const largestInMemory = 32 * 1024 * 1024;

const newline = 10;

/**
 * Seals one closed segment: compressed beside it, synced, read back and compared byte for byte, made visible by a rename; only
 * then the raw file goes. Throws a FileError and leaves the raw file as it was if anything is not as it should be.
 */
export function sealSegment(job: SealJob, compress: Compress): SealResult {
  const raw = segmentPath(job.dataDir, job.segment, "open");
  const sealed = segmentPath(job.dataDir, job.segment, "sealed");
  const temporary = sealed + temporarySuffix;
  if (!existsSync(raw)) return { kind: "gone" };
  const rawBytes = attempt("read", raw, () => statSync(raw).size);
  if (rawBytes === 0) {
    attempt("remove", raw, () => unlinkSync(raw));
    return { kind: "empty" };
  }
  if (existsSync(sealed)) {
    throw new FileError(
      "seal",
      raw,
      "there is a sealed segment of this name already; the next start settles which one is whole",
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

function sealInto(temporary: string, job: SealJob, compress: Compress, rawBytes: number): SealResult {
  const raw = segmentPath(job.dataDir, job.segment, "open");
  const sealed = segmentPath(job.dataDir, job.segment, "sealed");
  const whole = rawBytes <= largestInMemory ? attempt("read", raw, () => readWhole(raw, rawBytes)) : null;
  const compressedBytes = attempt("write", temporary, () => {
    const output = createOutput(temporary);
    try {
      if (whole !== null) output.write(compress(whole, job.level));
      else streamInto(raw, job.level, output.write);
      output.sync();
      return output.bytes();
    } finally {
      output.close();
    }
  });
  const rows = verify(raw, temporary, rawBytes, whole);
  attempt("rename", sealed, () => renameDurably(temporary, sealed));
  attempt("remove", raw, () => unlinkSync(raw));
  return { kind: "sealed", rows, rawBytes, compressedBytes };
}

/** One buffer for all segments: a new one each would lie about until the garbage collector looks. */
let buffer = new Uint8Array(0);

function readWhole(raw: string, size: number): Uint8Array {
  if (buffer.length < size) buffer = new Uint8Array(size);
  let got = 0;
  for (const chunk of readChunks(raw)) {
    if (got + chunk.length > size) throw new Error("it grew while it was read; somebody still writes to it");
    buffer.set(chunk, got);
    got += chunk.length;
  }
  return buffer.subarray(0, got);
}

function refuseTorn(raw: string, size: number): void {
  const fd = attempt("read", raw, () => openSync(raw, "r"));
  try {
    const last = new Uint8Array(1);
    attempt("read", raw, () => readSync(fd, last, 0, 1, size - 1));
    if (last[0] !== newline) throw new FileError("seal", raw, "its last line is torn; the next start cuts it");
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

/** Compares what was written, as it is on disk and by another implementation of zstd, with the raw file; returns its rows. */
function verify(raw: string, temporary: string, rawBytes: number, whole: Uint8Array | null): number {
  const expected = whole === null ? readChunks(raw) : null;
  let pending: Uint8Array = whole ?? new Uint8Array(0);
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
    throw new FileError("verify", temporary, `it holds ${compared} of ${rawBytes} bytes of ${raw}`);
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
