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
import { moveAside, removeIfThere, renameDurably, syncFolder } from "../../platform/files/durable-files.ts";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "../../platform/files/files.ts";
import { encodeManifest, type Manifest, readManifest } from "../../storage/manifest.ts";
import { openLinesSync, readChunks, UnreadableFile } from "../../storage/read/line-reader-sync.ts";

/*
 * How an archive is replaced. Old pair A1 + M1, new pair A2 + M2; a manifest vouches for an archive by its SHA-256:
 *
 *   1. A2 and M2 are written under temporary names and synced      on disk: A1 M1 (temporaries are worth nothing)
 *   2. A1 → A.previous                                             previous=A1, M1
 *   3. A2 → A                                                      A=A2, previous=A1, M1
 *   4. M2 → M: the commit                                          A=A2, previous=A1, M2
 *   5. previous goes, then the segments                            A2 M2
 *
 * After a crash `settleArchive` looks which of A and previous the manifest vouches for: M1 names A1, which is put back, and the
 * segments, all of them still there, are merged once more; M2 names A2, and only step 5 is left to do. A first archive has no
 * step 2: without a manifest it is worth nothing until the merge has been done again.
 */

/** Undoes or completes a replacement that a crash cut short; returns what the day has. Throws a FileError if neither can be told. */
export function settleArchive(dataDir: string, day: Day): Manifest | null {
  const archive = archivePath(dataDir, day);
  const previous = archive + previousSuffix;
  const manifest = readManifest(dataDir, day);
  if (existsSync(previous)) {
    if (manifest !== null && existsSync(archive) && sha256Of(archive) === manifest.compressed_sha256) {
      unlinkSync(previous);
    } else if (manifest !== null && sha256Of(previous) === manifest.compressed_sha256) {
      renameDurably(previous, archive);
    } else {
      const hint = `neither it nor ${previous} is what the manifest names; keep the right one of the two, then start again`;
      throw new FileError("settle", archive, hint);
    }
  }
  removeTemporaries(dataDir, day);
  if (manifest !== null && !existsSync(archive)) {
    throw new FileError(
      "settle",
      archive,
      "the manifest is there, but the archive is gone; put it back, or remove the manifest",
    );
  }
  return manifest;
}

/** Removes what an unfinished merge has written. */
export function removeTemporaries(dataDir: string, day: Day): void {
  removeIfThere(archivePath(dataDir, day) + temporarySuffix);
  removeIfThere(manifestPath(dataDir, day) + temporarySuffix);
}

/**
 * Puts the archive that lies, synced and verified, under its temporary name in place with its manifest; from its return on the
 * segments may go. `replaces` says whether an archive with a manifest was there before. Returns the path to which an archive
 * without manifest was moved if it held anything else than the new one, else null.
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
  removeIfThere(archive + previousSuffix);
  return movedAside;
}

function sha256Of(path: string): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const chunk of readChunks(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** Does an archive decompress to lines of this SHA-256? A damaged one does not. */
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
