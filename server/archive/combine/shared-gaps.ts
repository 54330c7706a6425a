import { awaitsBackfill } from "../../domain/gap.ts";
import type { Manifest, ManifestGap } from "../../storage/manifest.ts";

/** What is known of when an archive was recorded. */
type Covered = Pick<Manifest, "gaps" | "first_recv_us" | "last_recv_us">;

type Span = { readonly from_us: number; readonly to_us: number; readonly gap: ManifestGap | null };

/**
 * The gaps that remain when two recorders' archives of a day become one: where both had none. A recorder covers nothing before
 * its first and after its last record of the day, so that it fills no gap of the other there.
 */
export function sharedGaps(a: Covered, b: Covered): ManifestGap[] {
  const shared: ManifestGap[] = [];
  const others = uncovered(b);
  for (const one of uncovered(a)) {
    for (const other of others) {
      const from_us = Math.max(one.from_us, other.from_us);
      const to_us = Math.min(one.to_us, other.to_us);
      const gap = from_us < to_us ? remaining(one.gap, other.gap) : null;
      if (gap !== null) shared.push({ ...gap, from_us, to_us });
    }
  }
  shared.sort((left, right) => left.from_us - right.from_us || right.to_us - left.to_us);
  return shared.filter((gap, index) => shared.slice(0, index).every(({ to_us }) => to_us < gap.to_us));
}

function uncovered({ gaps, first_recv_us, last_recv_us }: Covered): Span[] {
  return [
    { from_us: 0, to_us: first_recv_us, gap: null },
    ...gaps.map((gap) => ({ from_us: gap.from_us, to_us: gap.to_us, gap })),
    { from_us: last_recv_us, to_us: Number.MAX_SAFE_INTEGER, gap: null },
  ];
}

/** What both lacked; null if neither calls it a gap, or if one of them has refetched everything. */
function remaining(a: ManifestGap | null, b: ManifestGap | null): ManifestGap | null {
  if (a === null || b === null) return a ?? b;
  if (!awaitsBackfill(a)) return awaitsBackfill(b) && a.cause !== "halted" ? null : a;
  if (!awaitsBackfill(b)) return b.cause === "halted" ? b : null;
  // How many of the missing both lack, neither count tells, unless it is the same hole.
  const isSame = a.from_us === b.from_us && a.to_us === b.to_us && a.missing === b.missing;
  return { ...a, missing: isSame ? a.missing : null, repaired: isSame ? Math.max(a.repaired, b.repaired) : 0 };
}
