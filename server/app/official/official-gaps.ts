import { type Day, dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { awaitsBackfill, type Gap } from "../../domain/gap.ts";
import type { Journal } from "../../journal/journal.ts";
import type { ManifestGap } from "../../storage/manifest.ts";

/** Brings the result of a comparison with Binance's file to the gaps of a trade stream. */
export type OfficialGaps = {
  /** Returns the gaps that touch a day and still await trades. */
  openOn(day: Day): readonly Gap[];
  /** Adds backfilled trades to gaps, by the number in each. */
  count(gaps: readonly Gap[], backfilled: readonly number[]): void;
  /** Closes the gaps that touch a proved day, if the other days that they touch are proved as well. */
  close(day: Day, isProved: (day: Day) => boolean): void;
};

/** `manifestGaps`: the gaps in a day's manifest. The journal forgets gaps that all manifests hold. */
export function createOfficialGaps(
  journal: Pick<Journal, "gapsOfStream" | "saveGaps">,
  manifestGaps: (day: Day) => readonly ManifestGap[],
): OfficialGaps {
  /** The gap is cut off at neither end of the day: its part in the day is all of it. */
  function isWithin({ from_us, to_us }: Pick<Gap, "from_us" | "to_us">, day: Day): boolean {
    const startUs = dateStartUs(day.date);
    return from_us > startUs && to_us < startUs + dayUs;
  }

  function openOn(day: Day): readonly Gap[] {
    const startUs = dateStartUs(day.date);
    const known = journal
      .gapsOfStream(day.stream, day.symbol)
      .filter(({ from_us, to_us }) => from_us < startUs + dayUs && to_us > startUs);
    const forgotten = manifestGaps(day)
      .filter((gap) => isWithin(gap, day) && known.every(({ from_us }) => from_us !== gap.from_us))
      .map((gap) => ({ stream: day.stream, symbol: day.symbol, ...gap }));
    return [...known, ...forgotten].filter(awaitsBackfill);
  }

  return {
    openOn,
    count(gaps, backfilled) {
      journal.saveGaps(
        gaps.flatMap((gap, n) => {
          const trades = backfilled[n] ?? 0;
          const repaired = Math.min(gap.missing ?? Number.POSITIVE_INFINITY, gap.repaired + trades);
          return trades === 0 ? [] : [{ ...gap, repaired }];
        }),
      );
    },
    close(day, isProved) {
      const proved = openOn(day).filter((gap) =>
        daysOf(gap).every((date) => date === day.date || isProved({ ...day, date })),
      );
      journal.saveGaps(
        proved.map((gap) => {
          const missing = gap.missing ?? gap.repaired;
          return { ...gap, missing, repaired: missing };
        }),
      );
    },
  };
}

/** Lists the dates that a gap touches. */
function daysOf({ from_us, to_us }: Gap): string[] {
  const dates: string[] = [];
  for (let us = dateStartUs(dateOf(from_us)); us < to_us; us += dayUs) dates.push(dateOf(us));
  return dates;
}
