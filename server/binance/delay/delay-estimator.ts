import { createHistogram, type HistogramView } from "../../platform/histogram.ts";
import { createDelayHistogram, type DelayHistogram } from "./delay-histogram.ts";

/** Estimates the one-way delay from the exchange to us, per symbol. */
export type DelayEstimator = {
  /** A message with event time `eventMs` (exchange clock) arrived, or a book was dated by a diff. */
  observe(symbol: string, eventMs: number, recvUs: number): void;
  /** A server ping with the server's clock arrived. It counts for every symbol without a better source. */
  observePing(serverMs: number, recvUs: number): void;
  /** Sets the new estimate of local clock minus exchange clock, ms. */
  setClockOffset(offsetMs: number): void;
  /** The clock of `recvUs` was stepped by `byUs`. The estimates do not change. */
  shift(byUs: number): void;
  /** Returns the recent mean of receipt minus event time over all symbols, ms; null if no dated message came for a minute. */
  lagMs(nowUs: number): number | null;
  /** Returns the current estimate, whole ms, at least 0; null without a clock offset or an observation. */
  estimateMs(symbol: string): number | null;
  /** Returns median and 99th percentile of the symbol's last minute or two, ms; null without dated messages. */
  quantilesMs(symbol: string): { readonly p50: number; readonly p99: number } | null;
  /** Returns the delays of all dated messages since the start, s. */
  distribution(): HistogramView;
};

/** Weight of the newest observation in the running mean. */
const weight = 0.1;

/** After this time without observations a symbol's estimate is replaced by that of all symbols, µs. */
const lifetimeUs = 60_000_000;

/** Upper bounds of the buckets, s: from a server next to the exchange up to an unusable line. */
const bounds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2.5, 5, 10, 30];

/**
 * Creates the estimator. Delay = receipt time - event time - clock offset; the offset comes from `/api/v3/time`.
 *
 * Partial books have no event time. The estimate of a symbol therefore uses the first source that has observations:
 *
 * 1. its books, dated by diffs of the same id (one symbol of each stream group);
 * 2. its other messages with an event time, such as trades;
 * 3. messages of all symbols;
 * 4. pings of the server.
 */
export function createDelayEstimator(): DelayEstimator {
  const bySymbol = new Map<string, Running & { readonly histogram: DelayHistogram }>();
  const all: Running = { meanMs: 0, atUs: 0 };
  const distribution = createHistogram(bounds);
  let clockOffsetMs: number | null = null;
  let nowUs = 0;

  return {
    observe(symbol, eventMs, recvUs) {
      let ofSymbol = bySymbol.get(symbol);
      if (ofSymbol === undefined) {
        ofSymbol = { meanMs: 0, atUs: 0, histogram: createDelayHistogram() };
        bySymbol.set(symbol, ofSymbol);
      }
      nowUs = recvUs;
      const ms = recvUs / 1000 - eventMs;
      add(ofSymbol, ms, recvUs);
      add(all, ms, recvUs);
      if (clockOffsetMs === null) return;
      ofSymbol.histogram.add(ms - clockOffsetMs, recvUs);
      distribution.observe(Math.max(0, ms - clockOffsetMs) / 1000);
    },
    observePing(serverMs, recvUs) {
      nowUs = recvUs;
      if (recvUs - all.atUs > lifetimeUs || all.atUs === 0) add(all, recvUs / 1000 - serverMs, recvUs);
    },
    setClockOffset(offsetMs) {
      clockOffsetMs = offsetMs;
    },
    shift(byUs) {
      for (const { histogram } of bySymbol.values()) histogram.shift(byUs);
      for (const running of [all, ...bySymbol.values()]) {
        if (running.atUs === 0) continue;
        running.meanMs += byUs / 1000;
        running.atUs += byUs;
      }
      if (clockOffsetMs !== null) clockOffsetMs += byUs / 1000;
      nowUs += byUs;
    },
    lagMs: (now) => (all.atUs === 0 || now - all.atUs > lifetimeUs ? null : all.meanMs),
    estimateMs(symbol) {
      const ofSymbol = bySymbol.get(symbol);
      const best = ofSymbol !== undefined && nowUs - ofSymbol.atUs <= lifetimeUs ? ofSymbol : all;
      return clockOffsetMs === null || best.atUs === 0 ? null : Math.max(0, Math.round(best.meanMs - clockOffsetMs));
    },
    quantilesMs(symbol) {
      const ofSymbol = bySymbol.get(symbol);
      if (ofSymbol === undefined || nowUs - ofSymbol.atUs > lifetimeUs) return null;
      const [p50, p99] = [ofSymbol.histogram.quantileMs(0.5), ofSymbol.histogram.quantileMs(0.99)];
      return p50 === null || p99 === null ? null : { p50, p99 };
    },
    distribution: distribution.read,
  };
}

type Running = { meanMs: number; atUs: number };

function add(running: Running, ms: number, atUs: number): void {
  const isFresh = running.atUs > 0 && atUs - running.atUs <= lifetimeUs;
  running.meanMs = isFresh ? running.meanMs + weight * (ms - running.meanMs) : ms;
  running.atUs = atUs;
}
