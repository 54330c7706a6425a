import { type GapsOf, gapsOfDays } from "../../recorded-gaps.ts";
import { dateOf } from "../../segment.ts";
import type { Track } from "./files.ts";
import type { KnownGaps, MissingSpan } from "./gap-watch.ts";

/** What the manifests of merged days say of gaps, and for other days, those without any file included, the recorder's gap list. */
export function findKnownGaps(tracks: readonly Track[], gapsOf: GapsOf): KnownGaps {
  const spans: MissingSpan[] = [];
  const watchedDays = new Set<string>();
  for (const { stream, days } of tracks) {
    if (stream === null) continue;
    const { gaps, watched } = gapsOfDays(days, gapsOf);
    for (const date of watched) watchedDays.add(`${stream.name} ${date}`);
    for (const { from_us, to_us, cause } of gaps) spans.push({ stream, fromUs: from_us, toUs: to_us, cause });
  }
  spans.sort((a, b) => a.toUs - b.toUs);
  return { spans, isWatched: (stream, us) => watchedDays.has(`${stream.name} ${dateOf(us)}`) };
}
