import { awaitsBackfill, type Gap } from "../domain/gap.ts";

/** The members of a gap on which its mark depends. */
export type MarkedGap = Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired">;

/** Tells for each row, in order of receipt, whether it is the first since the end of a gap. */
export type GapMarks = (recvUs: number) => boolean;

/**
 * Marks the first row after each gap with records that are still absent: those which were not backfilled in full, except halts of the
 * exchange (`awaitsBackfill`). Gaps that end before the same row share its mark. `startsAfterGap`: the first row is marked, because the
 * rows before it end with such a gap.
 */
export function createGapMarks(gaps: readonly MarkedGap[], startsAfterGap = false): GapMarks {
  const ends = gaps
    .filter(awaitsBackfill)
    .map(({ to_us }) => to_us)
    .sort((a, b) => a - b);
  let next = 0;
  let isDue = startsAfterGap;
  return (recvUs) => {
    for (; next < ends.length && (ends[next] as number) <= recvUs; next++) isDue = true;
    const isMarked = isDue;
    isDue = false;
    return isMarked;
  };
}
