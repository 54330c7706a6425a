import { awaitsBackfill } from "../../domain/gap.ts";
import type { Manifest, ManifestGap } from "../../storage/manifest.ts";

/** The manifest's fields that tell when an archive was recorded. */
type RecordedTime = Pick<Manifest, "gaps" | "first_recv_us" | "last_recv_us">;

type Span = { readonly from_us: number; readonly to_us: number; readonly gap: ManifestGap | null };

/**
 * Returns the gaps that remain when two recorders' archives of a day are combined. A gap remains for the time in which neither
 * recorded. A recorder covers only the time from its first to its last record of the day.
 */
export function sharedGaps(a: RecordedTime, b: RecordedTime): ManifestGap[] {
  const shared: ManifestGap[] = [];
  const spansOfB = uncovered(b);
  for (const spanOfA of uncovered(a)) {
    for (const spanOfB of spansOfB) {
      const from_us = Math.max(spanOfA.from_us, spanOfB.from_us);
      const to_us = Math.min(spanOfA.to_us, spanOfB.to_us);
      const gap = from_us < to_us ? remainingGap(spanOfA.gap, spanOfB.gap) : null;
      if (gap !== null) shared.push({ ...gap, from_us, to_us });
    }
  }
  shared.sort((left, right) => left.from_us - right.from_us || right.to_us - left.to_us);
  return shared.filter((gap, index) => shared.slice(0, index).every(({ to_us }) => to_us < gap.to_us));
}

function uncovered({ gaps, first_recv_us, last_recv_us }: RecordedTime): Span[] {
  return [
    { from_us: 0, to_us: first_recv_us, gap: null },
    ...gaps.map((gap) => ({ from_us: gap.from_us, to_us: gap.to_us, gap })),
    { from_us: last_recv_us, to_us: Number.MAX_SAFE_INTEGER, gap: null },
  ];
}

/** Returns the gap that both have; null if neither records a gap, or if one of them backfilled everything. */
function remainingGap(a: ManifestGap | null, b: ManifestGap | null): ManifestGap | null {
  if (a === null || b === null) return a ?? b;
  if (!awaitsBackfill(a)) return awaitsBackfill(b) && a.cause !== "halted" ? null : a;
  if (!awaitsBackfill(b)) return b.cause === "halted" ? b : null;
  // The counts do not tell how many ids are missing in both, unless both describe the same gap.
  const isSame = a.from_us === b.from_us && a.to_us === b.to_us && a.missing === b.missing;
  return { ...a, missing: isSame ? a.missing : null, repaired: isSame ? Math.max(a.repaired, b.repaired) : 0 };
}
