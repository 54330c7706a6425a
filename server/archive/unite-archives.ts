import { rmSync } from "../platform/files.ts";
import { archivePath } from "../segment.ts";
import { type StreamKind, streamTypeOfFolder } from "../stream.ts";
import { FileError } from "./failure.ts";
import { createIdIndex } from "./id-index.ts";
import { arrivalUs, lineId } from "./line-id.ts";
import { type Manifest, type ManifestSource, readManifest } from "./manifest.ts";
import type { MergeInput } from "./merge-lines.ts";
import { sharedGaps } from "./shared-gaps.ts";
import type { UniteJob, UniteResult } from "./unite-job.ts";
import { writeLines } from "./write-lines.ts";

/**
 * Makes one archive of two recorders': every record that either has, once, in order of `recv_us`. Of a record that both have,
 * told by its id, the line stays that was received first, and rather a received one than one refetched over REST. Throws
 * UnreadableFile, FileError; neither archive is touched.
 */
export function uniteArchives(job: UniteJob, alive: () => void = () => {}): UniteResult {
  const { dataDir, day, other, otherManifest } = job;
  const own = archivePath(dataDir, day);
  const ownManifest = readManifest(dataDir, day);
  const kind = streamTypeOfFolder(day.stream)?.kind;
  if (ownManifest === null) throw new FileError("unite", own, "it has no manifest any more");
  if (kind === undefined) throw new FileError("unite", own, `the records of ${day.stream} have no id that is known`);
  const [ownIndex, otherIndex] = [createIdIndex(own, kind), createIdIndex(other, kind)];
  // What the bucket has comes first, so that the same rows come out in the same order whoever unites them.
  const inputs: MergeInput[] = [
    { path: other, isTaken: takenIf(kind, ownIndex.arrivalOf, (mine, theirs) => mine <= theirs) },
    { path: own, isTaken: takenIf(kind, otherIndex.arrivalOf, (mine, theirs) => mine < theirs) },
  ];
  const refuse = (path: string) => {
    throw new FileError("unite", path, "it holds something that is no line of ours; see `rt-data verify`");
  };
  try {
    const target = { path: job.out, day, level: job.level };
    const { refetched, ...lines } = writeLines(target, inputs, { onForeign: refuse, onTail: refuse }, alive);
    const isSame = lines.raw_sha256 === otherManifest?.raw_sha256;
    if (isSame) rmSync(job.out, { force: true });
    return {
      kind: isSame ? "same" : "new",
      manifest: {
        ...(isSame ? otherManifest : lines),
        manifest_version: 1,
        recorder: job.recorder,
        gaps: otherManifest === null ? ownManifest.gaps : sharedGaps(otherManifest, ownManifest),
        clock_offset_ms: ownManifest.clock_offset_ms,
        repaired: {
          torn_tails: ownManifest.repaired.torn_tails + (otherManifest?.repaired.torn_tails ?? 0),
          refetched,
          foreign_lines: ownManifest.repaired.foreign_lines + (otherManifest?.repaired.foreign_lines ?? 0),
        },
        segments: [],
        quarantined: [],
        sources: sourcesOf(otherManifest, ownManifest),
      },
    };
  } finally {
    ownIndex.close();
    otherIndex.close();
  }
}

function takenIf(
  kind: StreamKind,
  arrivalOf: (id: number) => number | null,
  isBetter: (mine: number, theirs: number) => boolean,
): MergeInput["isTaken"] {
  return (bytes, at, end) => {
    const id = lineId(bytes, at, end, kind);
    const theirs = id < 0 ? null : arrivalOf(id);
    return theirs === null || isBetter(arrivalUs(bytes, at), theirs);
  };
}

function sourcesOf(...manifests: readonly (Manifest | null)[]): ManifestSource[] {
  const sources = new Map<string, ManifestSource>();
  for (const manifest of manifests) {
    if (manifest === null) continue;
    const own = { host: manifest.recorder.host, rows: manifest.rows, raw_sha256: manifest.raw_sha256 };
    for (const source of manifest.sources ?? [own]) sources.set(source.raw_sha256, source);
  }
  return [...sources.values()];
}
