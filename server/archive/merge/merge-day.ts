import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { BookProof } from "../../domain/book/book-proof.ts";
import {
  archiveFolder,
  type Day,
  liveFolder,
  manifestPath,
  quarantineFolder,
  segmentOfPath,
} from "../../domain/day.ts";
import { FileError } from "../../platform/errors.ts";
import { moveAside, removeIfThere, writeDurably } from "../../platform/files/durable-files.ts";
import { mkdirSync, readdirSync, rmdirSync, unlinkSync } from "../../platform/files/files.ts";
import { encodeManifest, type Manifest } from "../../storage/manifest.ts";
import { UnreadableFile } from "../../storage/read/line-reader-sync.ts";
import { commitArchive, hasSameLines, removeTemporaries, settleArchive } from "./replace-archive.ts";
import { type DayJob, type DayResult, type Quarantined, writeArchive } from "./write-archive.ts";

/** Earlier archives of a day that its manifest lists. A bucket object older than these is combined instead of replaced. */
const mostContained = 100;

/**
 * Merges the segments of a day and its existing archive, if any, into one archive with manifest. Then removes the segments. After a
 * crash at any point, every row is either in an archive that matches its manifest, or in its segment.
 *
 * @throws FileError; the segments and the old archive are then unchanged
 */
export function mergeDay(job: DayJob, alive: () => void = () => {}): DayResult {
  const { dataDir, day } = job;
  const before = settleArchive(dataDir, day);
  const quarantined = removeLeftovers(job, before);
  const inputs = job.inputs.filter((name) => !before?.segments.includes(segmentNameOf(job, name))).sort();
  if (inputs.length === 0) return finish("nothing", refreshManifest(job, before));
  refusePairs(job, inputs);
  mkdirSync(archiveFolder(dataDir, day), { recursive: true });
  const unreadable = new Map<string, string>();
  try {
    const written = writeReadable(job, inputs, before, unreadable, alive);
    if (written.rows === 0) {
      removeTemporaries(dataDir, day);
      removeInputs();
      return finish("nothing", null);
    }
    const isSame = (archive: string) => hasSameLines(archive, written.raw_sha256);
    const movedArchive = commitArchive(dataDir, written, before !== null, isSame);
    if (movedArchive !== null)
      quarantined.push({
        path: movedArchive,
        reason: "an archive without manifest contained other rows",
        segment: null,
      });
    removeInputs();
    return finish("archived", written);
  } catch (error) {
    settleArchive(dataDir, day);
    throw error;
  }

  function removeInputs(): void {
    for (const name of inputs) {
      const path = join(liveFolder(dataDir, day), name);
      const reason = unreadable.get(name);
      if (reason === undefined) unlinkSync(path);
      else quarantined.push(quarantine(job, name, reason));
    }
  }

  function finish(kind: DayResult["kind"], manifest: Manifest | null): DayResult {
    removeFolderIfEmpty(liveFolder(dataDir, day));
    if (kind === "nothing") removeFolderIfEmpty(archiveFolder(dataDir, day));
    return { kind, manifest, quarantined };
  }
}

/** Updates the gaps and the official result in the manifest. Null if they did not change or there is no manifest. */
function refreshManifest(job: DayJob, manifest: Manifest | null): Manifest | null {
  if (manifest === null) return null;
  const next = { ...manifest, gaps: job.gaps, ...(job.official && { official: job.official }) };
  return isDeepStrictEqual(manifest, next) ? null : replaceManifest(job.dataDir, job.day, next);
}

/** Adds the result of the proof by order books to the manifest of a day. */
export function saveBookProof(dataDir: string, manifest: Manifest, book: BookProof): Manifest {
  return replaceManifest(dataDir, manifest, { ...manifest, book });
}

/** Replaces the manifest of a day by a rename. */
function replaceManifest(dataDir: string, day: Day, next: Manifest): Manifest {
  writeDurably(manifestPath(dataDir, day), encodeManifest(next));
  return next;
}

/** Throws if a segment exists both raw and sealed. Both probably hold the same rows; recovery decides at the next start. */
function refusePairs(job: DayJob, inputs: readonly string[]): void {
  for (const name of inputs) {
    if (!inputs.includes(`${name}.zst`)) continue;
    const path = join(liveFolder(job.dataDir, job.day), name);
    throw new FileError(
      "merge",
      path,
      "a sealed segment of the same name exists; the next start decides which file is kept",
    );
  }
}

/**
 * Removes segments that the manifest already lists: a crash came between the commit and their removal, and their rows are in the
 * archive. Unreadable segments are moved to quarantine and returned.
 */
function removeLeftovers(job: DayJob, manifest: Manifest | null): Quarantined[] {
  const moved: Quarantined[] = [];
  for (const input of job.inputs) {
    const name = segmentNameOf(job, input);
    const path = join(liveFolder(job.dataDir, job.day), input);
    if (manifest?.quarantined.includes(name)) {
      moved.push(quarantine(job, input, "it could not be read"));
    } else if (manifest?.segments.includes(name)) {
      removeIfThere(path);
    }
  }
  return moved;
}

/** Writes the archive from all readable inputs. Starts again for each unreadable input; that is rare. */
function writeReadable(
  job: DayJob,
  inputs: readonly string[],
  before: Manifest | null,
  unreadable: Map<string, string>,
  alive: () => void,
): Manifest {
  for (;;) {
    const readable = inputs.filter((name) => !unreadable.has(name));
    const bad = inputs.filter((name) => unreadable.has(name)).map((name) => segmentNameOf(job, name));
    try {
      const written = writeArchive({ ...job, inputs: readable }, before, alive);
      const segments = [...(before?.segments ?? []), ...inputs.map((name) => segmentNameOf(job, name))];
      return {
        ...written,
        segments: [...new Set(segments)].sort(),
        ...(before !== null && { contains: [...(before.contains ?? []), before.raw_sha256].slice(-mostContained) }),
        quarantined: [...(before?.quarantined ?? []), ...bad],
      };
    } catch (error) {
      const name = error instanceof UnreadableFile ? basename(error.path) : "";
      if (!(error instanceof UnreadableFile) || !readable.includes(name)) throw error;
      unreadable.set(name, error.message);
    }
  }
}

/** Moves a segment to quarantine. */
function quarantine(job: DayJob, input: string, reason: string): Quarantined {
  const path = join(liveFolder(job.dataDir, job.day), input);
  return { path: moveAside(path, quarantineFolder(job.dataDir, job.day)), reason, segment: segmentNameOf(job, input) };
}

function segmentNameOf(job: DayJob, input: string): string {
  return segmentOfPath(join(liveFolder(job.dataDir, job.day), input))?.segment.name ?? input;
}

function removeFolderIfEmpty(path: string): void {
  try {
    if (readdirSync(path).length === 0) rmdirSync(path);
  } catch {
    // The folder is already gone, or a file was just added: both are fine.
  }
}
