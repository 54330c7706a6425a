import { basename, join } from "node:path";
import { archivePath, type Day, liveFolder, quarantineFolder, temporarySuffix } from "../../domain/day.ts";
import type { Instrument } from "../../domain/symbols/instrument.ts";
import { FileError } from "../../platform/errors.ts";
import { createOutput, type Output } from "../../platform/files/durable-files.ts";
import { mkdirSync, readdirSync } from "../../platform/files/files.ts";
import { recordedInstrument } from "../../storage/instrument-facts.ts";
import type { Manifest, ManifestGap, ManifestOfficial } from "../../storage/manifest.ts";
import type { MergeInput } from "./merge-lines.ts";
import { type WrittenLines, writeLines } from "./write-lines.ts";

/**
 * Writes the day's archive under its temporary name, syncs it and reads it back. Returns its manifest; `segments` and `quarantined`
 * are empty.
 *
 * @throws UnreadableFile if an input is damaged; FileError otherwise. The temporary file may remain.
 */
export function writeArchive(job: DayJob, before: Manifest | null, alive: () => void): Manifest {
  const { dataDir, day, level } = job;
  const archiveHash = new Bun.CryptoHasher("sha256");
  const quarantineFiles = createQuarantineFiles(quarantineFolder(dataDir, day));
  let written: WrittenLines;
  try {
    const inputs = inputsOf(job, before, (bytes) => archiveHash.update(bytes));
    const onForeign = (path: string, line: Buffer) => quarantineFiles.add(path, "foreign", line);
    const onTail = (path: string, bytes: Buffer) => quarantineFiles.add(path, "tail", bytes);
    const path = archivePath(dataDir, day) + temporarySuffix;
    written = writeLines({ path, day, level }, inputs, { onForeign, onTail }, alive);
  } finally {
    quarantineFiles.close();
  }
  if (before !== null && archiveHash.digest("hex") !== before.compressed_sha256) {
    const hint = "it does not match its manifest, so the merge stopped. Run `rt-data verify`";
    throw new FileError("merge", archivePath(dataDir, day), hint);
  }
  const { refetched, ...lines } = written;
  return {
    manifest_version: 1,
    recorder: job.recorder,
    ...lines,
    ...sinceOf(job, before),
    ...instrumentIn(recordedInstrument(dataDir, day) ?? before?.instrument),
    gaps: job.gaps,
    clock_offset_ms: before?.clock_offset_ms ?? job.clockOffsetMs,
    repaired: repairedOf(job, refetched, before, quarantineFiles.foreign()),
    segments: [],
    quarantined: [],
  };
}

/** Returns the files to merge. The existing archive comes first, so its rows keep their place among rows of the same time. */
function inputsOf(job: DayJob, before: Manifest | null, onRaw: (bytes: Uint8Array) => void): MergeInput[] {
  const segments = job.inputs.map((name) => ({ path: join(liveFolder(job.dataDir, job.day), name) }));
  return before === null ? segments : [{ path: archivePath(job.dataDir, job.day), onRaw }, ...segments];
}

/** Keeps foreign lines and torn tails in the quarantine folder. Creates a file only when there are bytes to keep. */
function createQuarantineFiles(folder: string) {
  const files = new Map<string, Output>();
  let foreign = 0;
  return {
    add(path: string, kind: "foreign" | "tail", bytes: Buffer): void {
      if (kind === "foreign") foreign++;
      const target = join(folder, `${basename(path)}.${kind === "tail" ? "merge.tail" : kind}`);
      attempt("write", target, () => {
        mkdirSync(folder, { recursive: true });
        const output = files.get(target) ?? createOutput(target);
        files.set(target, output);
        output.write(kind === "tail" ? bytes : Buffer.concat([bytes, Buffer.from("\n")]));
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

/** Returns since when the stream is recorded; an archive that came earlier may know an earlier time. */
function sinceOf({ sinceUs }: DayJob, before: Manifest | null): Pick<Manifest, "since_us"> {
  const times = [sinceUs ?? null, before?.since_us ?? null].filter((us) => us !== null);
  return times.length === 0 ? {} : { since_us: Math.min(...times) };
}

function instrumentIn(instrument: Instrument | undefined): Pick<Manifest, "instrument"> {
  return instrument === undefined ? {} : { instrument };
}

function repairedOf(job: DayJob, refetched: number, before: Manifest | null, foreign: number): Manifest["repaired"] {
  return {
    torn_tails: countTails(quarantineFolder(job.dataDir, job.day)),
    refetched,
    foreign_lines: (before?.repaired.foreign_lines ?? 0) + foreign,
  };
}

/** Counts the torn tails cut from files of this day: each is a separate file in the quarantine folder. */
function countTails(folder: string): number {
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

/** A request to the day worker: merges the segments of a day. */
export type DayJob = {
  readonly dataDir: string;
  readonly day: Day;
  /** Names of finished files in the day's live folder, sealed or raw. */
  readonly inputs: readonly string[];
  readonly level: number;
  readonly recorder: Manifest["recorder"];
  /** Receipt of the stream's very first record, µs; null or absent if unknown. */
  readonly sinceUs?: number | null;
  readonly gaps: readonly ManifestGap[];
  /** A new result of comparing the rows with Binance's daily file. It holds for the rows of the existing archive only. */
  readonly official?: ManifestOfficial | undefined;
  /** Local clock minus exchange clock, ms, as measured when the day ended; null while unknown. */
  readonly clockOffsetMs: number | null;
};

/** A file that could not be merged: its new path, the reason, and the name of the segment; null for an archive. */
export type Quarantined = { readonly path: string; readonly reason: string; readonly segment: string | null };

/** The result of a merge. "nothing": no rows to archive; `manifest` is then set only if it was updated. */
export type DayResult = {
  readonly kind: "archived" | "nothing";
  readonly manifest: Manifest | null;
  readonly quarantined: readonly Quarantined[];
};
