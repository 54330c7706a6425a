import type { Status } from "../domain/status.ts";
import { parseStreamType, type StreamFolder, seriesKey } from "../domain/stream.ts";

/** Learns how many records each stream usually brings, to estimate the cost of an outage. */
export type UsualRates = {
  /** Updates the rates; must be called every few seconds. Streams that are not received now keep their rate. */
  update(status: Pick<Status, "symbols">): void;
  /** Returns the records per second; null while unknown. `stream` is the folder name. */
  perSecond(stream: StreamFolder, symbol: string): number | null;
};

/** Weight of a new sample: the usual rate adapts within about ten minutes, not within a burst. */
const weight = 0.02;

/** Creates the learner without known rates. */
export function createUsualRates(): UsualRates {
  let rates = new Map<string, number>();
  return {
    update({ symbols }) {
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
