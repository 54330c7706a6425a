import type { Manifest, ManifestBorder, ManifestSource } from "../../storage/manifest.ts";
import type { WrittenLines } from "../merge/write-lines.ts";
import type { CombineJob, CombineResult, Neighbour } from "./combine-job.ts";
import { sharedGaps } from "./shared-gaps.ts";

/** Builds the manifest of a combined archive. `moved`: number of rows that belong to the day before and after. */
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
  const isOnlyOwn = own !== null && sources.every(({ raw_sha256 }) => raw_sha256 === own.raw_sha256);
  if (isOnlyOwn && lines.raw_sha256 === own.raw_sha256) return { kind: "own", manifest: own };
  const isSame = lines.raw_sha256 === other?.raw_sha256;
  // The other manifest may already include the counts of this disk's archive; do not add them twice.
  const counted = own !== null && other?.sources?.some((source) => isOf(own, source)) ? [other] : known;
  const sum = (countOf: (manifest: Manifest) => number) =>
    counted.reduce((total, manifest) => total + countOf(manifest), 0);
  const manifest: Manifest = {
    ...(isSame && other !== null ? other : lines),
    manifest_version: 1,
    recorder: job.recorder,
    ids: lines.ids ?? null,
    ...sinceOf(known),
    ...instrumentOf(known),
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

/** Returns since when any of the recorders records the stream. */
function sinceOf(manifests: readonly Manifest[]): Pick<Manifest, "since_us"> {
  const times = manifests.flatMap(({ since_us }) => since_us ?? []);
  return times.length === 0 ? {} : { since_us: Math.min(...times) };
}

/** Returns the facts that both recorders know; if they differ, the result does not depend on who combines. */
function instrumentOf(manifests: readonly Manifest[]): Pick<Manifest, "instrument"> {
  const known = manifests.flatMap(({ instrument }) => instrument ?? []);
  const [instrument] = known.sort((a, b) => (JSON.stringify(a) > JSON.stringify(b) ? -1 : 1));
  return instrument === undefined ? {} : { instrument };
}

/**
 * Describes the border to an adjacent day; null without an adjacent archive. Rows that an earlier run moved there are no longer in
 * the inputs, so `earlier` counts as well.
 */
function borderOf(
  neighbour: Neighbour | null | undefined,
  rows: number,
  earlier: ManifestBorder | null | undefined,
): ManifestBorder | null {
  if (neighbour === null || neighbour === undefined) return null;
  return { sha256: neighbour.sha256, moved: rows > 0 || (earlier?.moved ?? false) };
}

/** Lists each recorder's archive once. Archives that this disk's archive now contains are replaced by it. */
function sourcesOf(manifests: readonly Manifest[], own: Manifest | null): ManifestSource[] {
  const sources = new Map<string, ManifestSource>();
  for (const manifest of manifests) {
    const { host, id } = manifest.recorder;
    const itself = { host, rows: manifest.rows, raw_sha256: manifest.raw_sha256, ...(id !== undefined && { id }) };
    for (const source of manifest.sources ?? [itself]) {
      const isReplaced = own?.contains?.includes(source.raw_sha256) && source.raw_sha256 !== own.raw_sha256;
      if (!isReplaced) sources.set(source.raw_sha256, source);
    }
  }
  return [...sources.values()];
}

function isOf(own: Manifest, { raw_sha256 }: ManifestSource): boolean {
  return raw_sha256 === own.raw_sha256 || (own.contains?.includes(raw_sha256) ?? false);
}
