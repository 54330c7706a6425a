import type { Status } from "../domain/status.ts";
import { parseStreamType, type StreamFolder, seriesKey } from "../domain/stream.ts";

/** How many records each stream usually brings: what an outage has cost is estimated from it. */
export type UsualRates = {
  /** Takes a status; streams that are not received at the moment keep what is known of them. Call it every few seconds. */
  note(status: Pick<Status, "symbols">): void;
  /** Records a second, or null while nothing is known. `stream` is the folder's name. */
  perSecond(stream: StreamFolder, symbol: string): number | null;
};

/** Weight of a new look: what is usual changes within ten minutes or so, not within a burst. */
const weight = 0.02;

/** Nothing is known at first. */
export function createUsualRates(): UsualRates {
  let rates = new Map<string, number>();
  return {
    note({ symbols }) {
      const next = new Map<string, number>();
      for (const { symbol, streams } of symbols) {
        for (const { stream, messages_per_s: now, gap } of streams) {
          const key = `${parseStreamType(stream)?.folder ?? stream}/${symbol}`;
          const before = rates.get(key);
          const rate = gap !== null || now === 0 ? before : (before ?? now) * (1 - weight) + now * weight;
          if (rate !== undefined) next.set(key, rate);
        }
      }
      rates = next;
    },
    perSecond: (stream, symbol) => rates.get(seriesKey(stream, symbol)) ?? null,
  };
}
