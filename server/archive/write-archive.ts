import { mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { recordId } from "../record.ts";
import { archivePath, dateStartUs, liveFolder, quarantineFolder, temporarySuffix } from "../segment.ts";
import { streamTypeOfFolder } from "../stream.ts";
import { createFrameWalker, frameProblem } from "../zstd-frame.ts";
import { readChunks } from "./chunks.ts";
import type { DayJob } from "./day-job.ts";
import { FileError } from "./failure.ts";
import { createTally, delayQuantile, type Tally } from "./line-scan.ts";
import type { Manifest } from "./manifest.ts";
import { type MergeInput, mergeLines } from "./merge-lines.ts";
import { createOutput, type Output } from "./output.ts";
import { createStage } from "./stage.ts";
import { createCompressor, createDecompressor } from "./zstd-stream.ts";

/**
 * Writes the day's archive under its temporary name, synced, and reads it back; returns its manifest, still without the names of
 * segments. Throws UnreadableFile for an input that is damaged, FileError otherwise; the temporary file may be left behind.
 */
export function writeArchive(job: DayJob, before: Manifest | null, alive: () => void): Manifest {
  const { dataDir, day } = job;
  const temporary = archivePath(dataDir, day) + temporarySuffix;
  const tally = createTally(dateStartUs(day.date));
  const rawHash = new Bun.CryptoHasher("sha256");
  const compressedHash = new Bun.CryptoHasher("sha256");
  const archiveHash = new Bun.CryptoHasher("sha256");
  const aside = createAside(quarantineFolder(dataDir, day));
  const output = attempt("write", temporary, () => createOutput(temporary));
  const compressor = createCompressor(job.level, (bytes) => {
    attempt("write", temporary, () => output.write(bytes));
    compressedHash.update(bytes);
  });
  const stage = createStage((lines) => {
    rawHash.update(lines);
    compressor.write(lines);
    alive();
  });
  try {
    mergeLines(
      inputsOf(job, before, (bytes) => archiveHash.update(bytes)),
      tally,
      {
        onLines: stage.add,
        onForeign: (path, line) => aside.add(path, "foreign", line),
        onTail: (path, bytes) => aside.add(path, "tail", bytes),
      },
    );
    stage.flush();
    compressor.end();
    attempt("sync", temporary, output.sync);
  } finally {
    compressor.close();
    output.close();
    aside.close();
  }
  if (before !== null && archiveHash.digest("hex") !== before.compressed_sha256) {
    const hint = "it is not what its manifest names; nothing was merged into it. See `rt-data verify`";
    throw new FileError("merge", archivePath(dataDir, day), hint);
  }
  const rawSha256 = rawHash.digest("hex");
  const compressedSha256 = compressedHash.digest("hex");
  verifyWritten(temporary, { rows: tally.rows, rawSha256, compressedSha256 }, alive);
  const kind = streamTypeOfFolder(day.stream)?.kind;
  const idOf = (line: string) => (kind === undefined || line === "" ? null : recordId(line, kind));
  return {
    manifest_version: 1,
    recorder: job.recorder,
    ...{ stream: day.stream, symbol: day.symbol, date: day.date },
    rows: tally.rows,
    raw_bytes: tally.bytes,
    compressed_bytes: output.bytes(),
    raw_sha256: rawSha256,
    compressed_sha256: compressedSha256,
    compression_level: job.level,
    first_recv_us: tally.firstUs,
    last_recv_us: tally.lastUs,
    first_id: idOf(stage.firstLine()),
    last_id: idOf(stage.lastLine()),
    rows_per_minute: [...tally.perMinute],
    gaps: job.gaps,
    delay_p50_ms: delayQuantile(tally, 0.5),
    delay_p99_ms: delayQuantile(tally, 0.99),
    clock_offset_ms: null,
    repaired: repairedOf(job, tally, before, aside.foreign()),
    segments: [],
    quarantined: [],
  };
}

/** The archive of before comes first, so that among rows of one time the old ones keep their place. */
function inputsOf(job: DayJob, before: Manifest | null, onRaw: (bytes: Uint8Array) => void): MergeInput[] {
  const segments = job.inputs.map((name) => ({ path: join(liveFolder(job.dataDir, job.day), name) }));
  return before === null ? segments : [{ path: archivePath(job.dataDir, job.day), onRaw }, ...segments];
}

/** Where lines that are none of ours, and torn tails, are kept; a file is made only if there is something to put into it. */
function createAside(folder: string) {
  const files = new Map<string, Output>();
  let foreign = 0;
  return {
    add(path: string, what: "foreign" | "tail", bytes: Buffer): void {
      if (what === "foreign") foreign++;
      const target = join(folder, `${basename(path)}.${what === "tail" ? "merge.tail" : what}`);
      attempt("write", target, () => {
        mkdirSync(folder, { recursive: true });
        const output = files.get(target) ?? createOutput(target);
        files.set(target, output);
        output.write(what === "tail" ? bytes : Buffer.concat([bytes, Buffer.from("\n")]));
      });
    },
    foreign: () => foreign,
    close(): void {
      for (const output of files.values()) {
        output.sync();
        output.close();
      }
    },
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

function repairedOf(job: DayJob, tally: Tally, before: Manifest | null, foreign: number): Manifest["repaired"] {
  return {
    torn_tails: tailsKept(quarantineFolder(job.dataDir, job.day)),
    refetched: tally.refetched,
    foreign_lines: (before?.repaired.foreign_lines ?? 0) + foreign,
  };
}

/** Every tail that was ever cut from the day's files lies there as a file of its own. */
function tailsKept(folder: string): number {
  try {
    return readdirSync(folder).filter((name) => /\.tail(\.\d+)?$/.test(name)).length;
  } catch {
    return 0;
  }
}

function attempt<T>(operation: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(operation, path, error);
  }
}
