import { basename, join } from "node:path";
import { archivePath, type Day, liveFolder, quarantineFolder, temporarySuffix } from "../../domain/day.ts";
import { FileError } from "../../platform/errors.ts";
import { createOutput, type Output } from "../../platform/files/durable-files.ts";
import { mkdirSync, readdirSync } from "../../platform/files/files.ts";
import type { Manifest, ManifestGap } from "../../storage/manifest.ts";
import type { MergeInput } from "./merge-lines.ts";
import { type WrittenLines, writeLines } from "./write-lines.ts";

/**
 * Writes the day's archive under its temporary name, synced, and reads it back; returns its manifest, still without the names of
 * segments. Throws UnreadableFile for an input that is damaged, FileError otherwise; the temporary file may be left behind.
 */
export function writeArchive(job: DayJob, before: Manifest | null, alive: () => void): Manifest {
  const { dataDir, day, level } = job;
  const archiveHash = new Bun.CryptoHasher("sha256");
  const aside = createAside(quarantineFolder(dataDir, day));
  let written: WrittenLines;
  try {
    const inputs = inputsOf(job, before, (bytes) => archiveHash.update(bytes));
    const onForeign = (path: string, line: Buffer) => aside.add(path, "foreign", line);
    const onTail = (path: string, bytes: Buffer) => aside.add(path, "tail", bytes);
    const path = archivePath(dataDir, day) + temporarySuffix;
    written = writeLines({ path, day, level }, inputs, { onForeign, onTail }, alive);
  } finally {
    aside.close();
  }
  if (before !== null && archiveHash.digest("hex") !== before.compressed_sha256) {
    const hint = "it is not what its manifest names; nothing was merged into it. See `rt-data verify`";
    throw new FileError("merge", archivePath(dataDir, day), hint);
  }
  const { refetched, ...lines } = written;
  return {
    manifest_version: 1,
    recorder: job.recorder,
    ...lines,
    gaps: job.gaps,
    clock_offset_ms: before?.clock_offset_ms ?? job.clockOffsetMs,
    repaired: repairedOf(job, refetched, before, aside.foreign()),
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

function repairedOf(job: DayJob, refetched: number, before: Manifest | null, foreign: number): Manifest["repaired"] {
  return {
    torn_tails: tailsKept(quarantineFolder(job.dataDir, job.day)),
    refetched,
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

/** What the day worker is asked to do. */
export type DayJob = {
  readonly dataDir: string;
  readonly day: Day;
  /** File names in the day's live folder, sealed or raw, none of which is still written to. */
  readonly inputs: readonly string[];
  readonly level: number;
  readonly recorder: Manifest["recorder"];
  readonly gaps: readonly ManifestGap[];
  /** Local clock minus exchange clock, ms, as measured when the day ended; null while unknown. */
  readonly clockOffsetMs: number | null;
};

/** A file that could not be used: where it lies now, and which segment it was; null for an archive. */
export type Quarantined = { readonly path: string; readonly reason: string; readonly segment: string | null };

/** What came of it. "nothing": no rows that are not archived yet. */
export type DayResult = {
  readonly kind: "archived" | "nothing";
  readonly manifest: Manifest | null;
  readonly quarantined: readonly Quarantined[];
};
