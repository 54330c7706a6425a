import type { Manifest, ManifestBorder, ManifestSource } from "../../storage/manifest.ts";
import type { WrittenLines } from "../merge/write-lines.ts";
import type { CombineJob, CombineResult, Neighbour } from "./combine-job.ts";
import { sharedGaps } from "./shared-gaps.ts";

/** The manifest of a united archive; `moved` counts the rows that belong to the day before and after. */
export function combinedManifest(
  job: CombineJob,
  written: WrittenLines,
  own: Manifest | null,
  moved: { readonly before: number; readonly after: number },
): CombineResult {
  const { refetched, ...lines } = written;
  const other = job.otherManifest;
  const known = [other, own].filter((manifest) => manifest !== null);
  const sources = sourcesOf(known, own);
  const isAlone = own !== null && sources.every(({ raw_sha256 }) => raw_sha256 === own.raw_sha256);
  if (isAlone && lines.raw_sha256 === own.raw_sha256) return { kind: "own", manifest: own };
  const isSame = lines.raw_sha256 === other?.raw_sha256;
  // What the other manifest has counted of this disk's archive already is not counted twice.
  const adding = own !== null && other?.sources?.some((source) => isOf(own, source)) ? [other] : known;
  const sum = (of: (manifest: Manifest) => number) => adding.reduce((total, manifest) => total + of(manifest), 0);
  const manifest: Manifest = {
    ...(isSame && other !== null ? other : lines),
    manifest_version: 1,
    recorder: job.recorder,
    ids: lines.ids ?? null,
    gaps: other === null || own === null ? ((other ?? own)?.gaps ?? []) : sharedGaps(other, own),
    clock_offset_ms: (own ?? other)?.clock_offset_ms ?? null,
    repaired: {
      torn_tails: sum(({ repaired }) => repaired.torn_tails),
      refetched,
      foreign_lines: sum(({ repaired }) => repaired.foreign_lines),
    },
    segments: [],
    quarantined: [],
    sources,
    borders: {
      before: borderOf(job.before, moved.before, other?.borders?.before),
      after: borderOf(job.after, moved.after, other?.borders?.after),
    },
  };
  return { kind: isSame ? "same" : "new", manifest };
}

/** Rows that had gone there before are not among the inputs any more; they still lie there. */
function borderOf(
  beside: Neighbour | null | undefined,
  rows: number,
  earlier: ManifestBorder | null | undefined,
): ManifestBorder | null {
  if (beside === null || beside === undefined) return null;
  return { sha256: beside.sha256, moved: rows > 0 || (earlier?.moved ?? false) };
}

/** Every recorder's archive once, and only the newest of those that this disk's has come to contain. */
function sourcesOf(manifests: readonly Manifest[], own: Manifest | null): ManifestSource[] {
  const sources = new Map<string, ManifestSource>();
  for (const manifest of manifests) {
    const { host, id } = manifest.recorder;
    const alone = { host, rows: manifest.rows, raw_sha256: manifest.raw_sha256, ...(id !== undefined && { id }) };
    for (const source of manifest.sources ?? [alone]) {
      const isReplaced = own?.contains?.includes(source.raw_sha256) && source.raw_sha256 !== own.raw_sha256;
      if (!isReplaced) sources.set(source.raw_sha256, source);
    }
  }
  return [...sources.values()];
}

function isOf(own: Manifest, { raw_sha256 }: ManifestSource): boolean {
  return raw_sha256 === own.raw_sha256 || (own.contains?.includes(raw_sha256) ?? false);
}
