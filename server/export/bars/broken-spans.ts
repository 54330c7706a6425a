import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import { awaitsBackfill } from "../../domain/gap.ts";
import type { MarkedGap } from "../gap-marks.ts";

/** The time spans in which records are absent, as far as they are known by now. Asked in order of time. */
export type BrokenSpans = {
  /** Adds a span from the last record before it to the first record after it, both included. */
  add(fromUs: number, toUs: number): void;
  /**
   * Returns when the last span that touches an interval (its end excluded) ends, µs; null if no records are absent from it. The starts of
   * intervals must not fall.
   */
  touching(startUs: number, endUs: number): number | null;
};

/** Creates the spans from a stream's gaps; gaps that are settled do not count (`awaitsBackfill`). */
export function createBrokenSpans(gaps: readonly MarkedGap[]): BrokenSpans {
  // Between its ends a gap is open: the record at `to_us` was received.
  const spans: (TimeSpan & { readonly isClosed: boolean })[] = gaps
    .filter(awaitsBackfill)
    .map(({ from_us, to_us }) => ({ fromUs: from_us, toUs: to_us, isClosed: false }));
  let earliestUs = Math.min(...spans.map(({ fromUs }) => fromUs));

  return {
    add(fromUs, toUs) {
      spans.push({ fromUs, toUs, isClosed: true });
      earliestUs = Math.min(earliestUs, fromUs);
    },
    touching(startUs, endUs) {
      if (earliestUs >= endUs) return null;
      let untilUs: number | null = null;
      earliestUs = Number.POSITIVE_INFINITY;
      for (let at = spans.length - 1; at >= 0; at--) {
        const span = spans[at] as (typeof spans)[number];
        if (span.toUs < startUs) spans.splice(at, 1);
        else {
          earliestUs = Math.min(earliestUs, span.fromUs);
          const isTouched = span.fromUs < endUs && (span.toUs > startUs || span.isClosed);
          if (isTouched) untilUs = Math.max(untilUs ?? span.toUs, span.toUs);
        }
      }
      return untilUs;
    },
  };
}
