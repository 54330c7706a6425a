import { dirname } from "node:path";
import {
  archivePath,
  type Day,
  manifestPath,
  previousSuffix,
  quarantineFolder,
  temporarySuffix,
} from "../../domain/day.ts";
import { FileError } from "../../platform/errors.ts";
import { moveAside, removeIfThere, removeRest, renameDurably, syncFolder } from "../../platform/files/durable-files.ts";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeFileSync } from "../../platform/files/files.ts";
import { encodeManifest, type Manifest, readManifest } from "../../storage/manifest.ts";
import { openLinesSync, readChunks, UnreadableFile } from "../../storage/read/line-reader-sync.ts";

/*
 * How an archive is replaced. Old pair A1 + M1, new pair A2 + M2. A manifest identifies its archive by SHA-256.
 *
 *   step                                                           on disk afterwards
 *   1. A2 and M2 are written under temporary names and synced      A1 M1 (temporary files are ignored)
 *   2. A1 → A.previous                                             previous=A1, M1
 *   3. A2 → A                                                      A=A2, previous=A1, M1
 *   4. M2 → M: the commit                                          A=A2, previous=A1, M2
 *   5. previous is removed and that is synced, then the segments   A2 M2
 *
 * After a crash, `settleArchive` checks which of A and previous matches the manifest:
 *
 *   M1, so A1 matches: A1 is renamed back. All segments still exist and are merged again.
 *   M2, so A2 matches: only step 5 remains.
 *
 * The first archive of a day has no step 2. Without a manifest it is ignored until the merge was done again.
 */

/**
 * Undoes or completes a replacement that a crash interrupted. Returns the manifest of the day; null if the day has no archive yet.
 *
 * @throws FileError if neither is possible
 */
export function settleArchive(dataDir: string, day: Day): Manifest | null {
  const archive = archivePath(dataDir, day);
  const previous = archive + previousSuffix;
  const manifest = readManifest(dataDir, day);
  if (existsSync(previous)) {
    if (manifest !== null && existsSync(archive) && sha256Of(archive) === manifest.compressed_sha256) {
      removePrevious(archive);
    } else if (manifest !== null && sha256Of(previous) === manifest.compressed_sha256) {
      renameDurably(previous, archive);
    } else {
      const hint = `neither it nor ${previous} matches the manifest; keep the correct file of the two, then start again`;
      throw new FileError("settle", archive, hint);
    }
  }
  removeTemporaries(dataDir, day);
  if (manifest !== null && !existsSync(archive)) {
    throw new FileError(
      "settle",
      archive,
      "the manifest exists, but the archive is missing; restore the archive or remove the manifest",
    );
  }
  return manifest;
}

/** Removes the temporary files of an unfinished merge. Never throws: on a disk that refuses it, the next merge overwrites them. */
export function removeTemporaries(dataDir: string, day: Day): void {
  removeRest(archivePath(dataDir, day) + temporarySuffix);
  removeRest(manifestPath(dataDir, day) + temporarySuffix);
}

/**
 * Moves the temporary archive, synced and verified, to its final name and writes its manifest. After the return the segments may
 * be removed. `replaces`: the day already had an archive with manifest. An existing archive without manifest is moved to quarantine
 * if its content differs from the new archive; its new path is returned, else null.
 */
export function commitArchive(
  dataDir: string,
  manifest: Manifest,
  replaces: boolean,
  isSame: (archive: string) => boolean,
): string | null {
  const archive = archivePath(dataDir, manifest);
  const path = manifestPath(dataDir, manifest);
  const temporary = path + temporarySuffix;
  const fd = openSync(temporary, "w");
  try {
    writeFileSync(fd, encodeManifest(manifest));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  let movedAside: string | null = null;
  if (replaces) renameSync(archive, archive + previousSuffix);
  else if (existsSync(archive) && !isSame(archive))
    movedAside = moveAside(archive, quarantineFolder(dataDir, manifest));
  syncFolder(dirname(archive));
  renameDurably(archive + temporarySuffix, archive);
  renameDurably(temporary, path);
  if (replaces) removePrevious(archive);
  return movedAside;
}

/** Synced, because after a power loss a day without segments is not looked at again. */
function removePrevious(archive: string): void {
  removeIfThere(archive + previousSuffix);
  syncFolder(dirname(archive));
}

function sha256Of(path: string): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const chunk of readChunks(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** Returns true if an archive decompresses to lines with this SHA-256; false if it is damaged. */
export function hasSameLines(archive: string, sha256: string): boolean {
  const hash = new Bun.CryptoHasher("sha256");
  const source = openLinesSync(archive);
  try {
    while (source.fill()) {
      hash.update(source.bytes.subarray(source.from, source.to));
      source.from = source.to;
    }
    return source.tail().length === 0 && hash.digest("hex") === sha256;
  } catch (error) {
    if (error instanceof UnreadableFile) return false;
    throw error;
  } finally {
    source.close();
  }
}
