import { archivePath } from "../../domain/day.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import type { StreamKind } from "../../domain/stream-kinds.ts";
import { FileError } from "../../platform/errors.ts";
import { rmSync } from "../../platform/files/files.ts";
import { arrivalUs, lineKey } from "../../storage/ids/line-ids.ts";
import { readManifest } from "../../storage/manifest.ts";
import { UnreadableFile } from "../../storage/read/line-reader-sync.ts";
import { createIdIndex, type IdIndex } from "../merge/id-index.ts";
import type { MergeInput } from "../merge/merge-lines.ts";
import { writeLines } from "../merge/write-lines.ts";
import type { CombineJob, CombineResult } from "./combine-job.ts";
import { combinedManifest } from "./combined-manifest.ts";

/** Blocks of the previous day that are held in memory: its last million rows. */
const neighbourBlocks = 32;

/**
 * Combines two recorders' archives of a day into one archive. The result holds every record once, in order of `recv_us` and id.
 *
 * Records are the same if their ids are equal. The best of their lines is kept: a received line is better than a backfilled line,
 * then the earlier line is better. A record belongs to the day of its best line, so it is left out if that line is in the
 * archive of the day before or after. The result does not depend on who combines, in which order, or how often.
 *
 * No input archive is changed.
 *
 * @throws UnreadableFile if an archive is damaged; FileError otherwise
 */
export function combineArchives(job: CombineJob, alive: () => void = () => {}): CombineResult {
  const { dataDir, day, other: otherPath } = job;
  const ownPath = job.withOwn === false ? null : archivePath(dataDir, day);
  const ownManifest = ownPath === null ? null : readManifest(dataDir, day);
  const kind = streamTypeOfFolder(day.stream)?.kind;
  if (ownPath !== null && ownManifest === null) throw new FileError("combine", ownPath, "its manifest is missing");
  if (kind === undefined) throw new FileError("combine", job.out, `records of ${day.stream} have no known id`);
  const indexes: IdIndex[] = [];
  const openIndex = (path: string | undefined | null, blocks?: number) => {
    if (path === undefined || path === null) return null;
    const idIndex = createIdIndex(path, kind, blocks);
    indexes.push(idIndex);
    return idIndex;
  };
  const ownHash = new Bun.CryptoHasher("sha256");
  const movedRows = { before: 0, after: 0 };
  try {
    const [before, after] = [openIndex(job.before?.path, neighbourBlocks), openIndex(job.after?.path)];
    const belongsHere = (id: number, us: number) => {
      // If both days hold the same line, the record belongs to the earlier day.
      if ((before?.arrivalOf(id) ?? Number.NaN) <= us) movedRows.before++;
      else if ((after?.arrivalOf(id) ?? Number.NaN) < us) movedRows.after++;
      else return true;
      return false;
    };
    const inputs: MergeInput[] = [];
    if (otherPath !== null) {
      const ownIndex = openIndex(ownPath);
      const isTaken = takenIf(kind, (id, us) => !((ownIndex?.arrivalOf(id) ?? Number.NaN) < us) && belongsHere(id, us));
      inputs.push({ path: otherPath, isTaken });
    }
    if (ownPath !== null) {
      const otherIndex = openIndex(otherPath);
      const isTaken = takenIf(
        kind,
        (id, us) => !((otherIndex?.arrivalOf(id) ?? Number.NaN) <= us) && belongsHere(id, us),
      );
      inputs.push({ path: ownPath, isTaken, onRaw: (bytes) => ownHash.update(bytes) });
    }
    const refuseForeign = (path: string) => {
      throw new UnreadableFile("read", path, "it contains a line that RT-Data did not write; run `rt-data verify`");
    };
    const target = { path: job.out, day, level: job.level, sortTies: true };
    const lines = writeLines(target, inputs, { onForeign: refuseForeign, onTail: refuseForeign }, alive);
    if (ownPath !== null && ownHash.digest("hex") !== ownManifest?.compressed_sha256)
      throw new FileError("combine", ownPath, "it does not match its manifest; run `rt-data verify`");
    const result = combinedManifest(job, lines, ownManifest, movedRows);
    if (result.kind !== "new") rmSync(job.out, { force: true });
    return result;
  } catch (error) {
    rmSync(job.out, { force: true });
    throw error;
  } finally {
    for (const { close } of indexes) close();
  }
}

function takenIf(kind: StreamKind, isTaken: (id: number, us: number) => boolean): MergeInput["isTaken"] {
  return (bytes, at, end) => {
    const id = lineKey(bytes, at, end, kind);
    return id < 0 || isTaken(id, arrivalUs(bytes, at));
  };
}
