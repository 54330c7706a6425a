import type { GapCause } from "../../../server/domain/gap.ts";
import type { KnownGap } from "../../../server/domain/queries.ts";
import { t } from "../words/i18n.ts";
import { isBookStream, isRefetched } from "./streams.ts";

/** Gaps of several streams that have the same cause and overlap: one event. */
export type GapGroup = {
  readonly cause: GapCause;
  readonly fromUs: number;
  readonly toUs: number;
  readonly gaps: readonly KnownGap[];
};

/** Gaps this far apart, µs, still belong together: a connection is lost and made again stream by stream. */
const slackUs = 2_000_000;

/** Puts gaps together that belong to one event; newest first. */
export function groupGaps(gaps: readonly KnownGap[]): readonly GapGroup[] {
  const groups: GapGroup[] = [];
  for (const gap of gaps.toSorted((a, b) => a.from_us - b.from_us)) {
    const at = groups.findLastIndex((group) => group.cause === gap.cause && gap.from_us <= group.toUs + slackUs);
    const group = groups[at];
    if (group === undefined) groups.push({ cause: gap.cause, fromUs: gap.from_us, toUs: gap.to_us, gaps: [gap] });
    else groups[at] = { ...group, toUs: Math.max(group.toUs, gap.to_us), gaps: [...group.gaps, gap] };
  }
  return groups.toSorted((a, b) => b.fromUs - a.fromUs);
}

/** Names of the symbols of an event, in order, each once. */
export function symbolsOf({ gaps }: GapGroup): readonly string[] {
  return [...new Set(gaps.map(({ symbol }) => symbol))].sort();
}

/** Says which data is missing and which was refetched. */
export function lossOf({ gaps }: GapGroup): string {
  const trades = gaps.filter(({ stream }) => !isBookStream(stream));
  const books = trades.length < gaps.length;
  if (books && trades.length === 0) return t("lossBooks");
  if (trades.length === 0) return "";
  if (trades.every(isRefetched)) return t(books ? "lossBooksTradesRefetched" : "lossTradesRefetched");
  return t(books ? "lossBoth" : "lossTrades");
}
