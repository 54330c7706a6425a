import { archivePath } from "../../domain/day.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import type { StreamKind } from "../../domain/stream-kinds.ts";
import { FileError } from "../../platform/errors.ts";
import { rmSync } from "../../platform/files/files.ts";
import { arrivalUs, lineId } from "../../storage/ids/line-ids.ts";
import { readManifest } from "../../storage/manifest.ts";
import { UnreadableFile } from "../../storage/read/line-reader-sync.ts";
import { createIdIndex, type IdIndex } from "../merge/id-index.ts";
import type { MergeInput } from "../merge/merge-lines.ts";
import { writeLines } from "../merge/write-lines.ts";
import type { CombineJob, CombineResult } from "./combine-job.ts";
import { combinedManifest } from "./combined-manifest.ts";

/** Rows of the day before that are remembered: a million, from its end. */
const neighbourBlocks = 32;

/**
 * Makes one archive of recorders' archives of a day: every record that any of them has, once, in order of `recv_us` and id. Of a
 * record that several have, told by its id, the best line stays: rather a received one than one refetched over REST, and the one
 * that was received first. The record belongs to the day of that line. A record whose best line lies in the archive of the day
 * before or after is therefore left out here. The outcome is the same whoever unites, in whatever order, and however often.
 *
 * Throws UnreadableFile, FileError; no archive is touched.
 */
export function combineArchives(job: CombineJob, alive: () => void = () => {}): CombineResult {
  const { dataDir, day, other } = job;
  const own = job.withOwn === false ? null : archivePath(dataDir, day);
  const ownManifest = own === null ? null : readManifest(dataDir, day);
  const kind = streamTypeOfFolder(day.stream)?.kind;
  if (own !== null && ownManifest === null) throw new FileError("unite", own, "it has no manifest any more");
  if (kind === undefined)
    throw new FileError("unite", job.out, `the records of ${day.stream} have no id that is known`);
  const indexes: IdIndex[] = [];
  const index = (path: string | undefined | null, blocks?: number) => {
    if (path === undefined || path === null) return null;
    const made = createIdIndex(path, kind, blocks);
    indexes.push(made);
    return made;
  };
  const ownHash = new Bun.CryptoHasher("sha256");
  const moved = { before: 0, after: 0 };
  try {
    const [before, after] = [index(job.before?.path, neighbourBlocks), index(job.after?.path)];
    const isHere = (id: number, us: number) => {
      // The same line twice belongs to the earlier day.
      if ((before?.arrivalOf(id) ?? Number.NaN) <= us) moved.before++;
      else if ((after?.arrivalOf(id) ?? Number.NaN) < us) moved.after++;
      else return true;
      return false;
    };
    const inputs: MergeInput[] = [];
    if (other !== null) {
      const ours = index(own);
      const isTaken = takenIf(kind, (id, us) => !((ours?.arrivalOf(id) ?? Number.NaN) < us) && isHere(id, us));
      inputs.push({ path: other, isTaken });
    }
    if (own !== null) {
      const theirs = index(other);
      const isTaken = takenIf(kind, (id, us) => !((theirs?.arrivalOf(id) ?? Number.NaN) <= us) && isHere(id, us));
      inputs.push({ path: own, isTaken, onRaw: (bytes) => ownHash.update(bytes) });
    }
    const refuse = (path: string) => {
      throw new UnreadableFile("read", path, "it holds something that is no line of ours; see `rt-data verify`");
    };
    const target = { path: job.out, day, level: job.level, sortTies: true };
    const lines = writeLines(target, inputs, { onForeign: refuse, onTail: refuse }, alive);
    if (own !== null && ownHash.digest("hex") !== ownManifest?.compressed_sha256)
      throw new FileError("unite", own, "it is not what its manifest says; see `rt-data verify`");
    const result = combinedManifest(job, lines, ownManifest, moved);
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
    const id = lineId(bytes, at, end, kind);
    return id < 0 || isTaken(id, arrivalUs(bytes, at));
  };
}
