import { createHistogram, type HistogramView } from "../../platform/histogram.ts";
import { createDelayHistogram, type DelayHistogram } from "./delay-histogram.ts";

/** Estimates the one-way delay from the exchange to us, per symbol. */
export type DelayEstimator = {
  /** A message with event time `eventMs` (exchange clock) arrived, or a book that a diff of the same id has dated. */
  observe(symbol: string, eventMs: number, recvUs: number): void;
  /** A server ping with its clock arrived: stands for every symbol that has nothing better. */
  observePing(serverMs: number, recvUs: number): void;
  /** A new estimate of local clock minus exchange clock, ms. */
  setClockOffset(offsetMs: number): void;
  /** The clock of `recvUs` was set by so much: estimates stay as they are, and go on from there. */
  shift(byUs: number): void;
  /** Receipt minus event time of all symbols lately, ms: delay plus the clock's offset. Null if nothing dated has come for a minute. */
  lagMs(nowUs: number): number | null;
  /** Current estimate, whole ms, never below 0; null while the clock offset or the first observation is missing. */
  estimateMs(symbol: string): number | null;
  /** Median and 99th percentile of the symbol's last minute or two, ms; null where none of its messages is dated. */
  quantilesMs(symbol: string): { readonly p50: number; readonly p99: number } | null;
  /** Every dated message of every symbol since the start, s. */
  distribution(): HistogramView;
};

/** Share of the newest observation in the running mean. */
const weight = 0.1;

/** How long a symbol's own estimate stands without news before that of all symbols takes its place, µs. */
const lifetimeUs = 60_000_000;

/** From a server beside the exchange's to a line that is no use, s. */
const bounds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2.5, 5, 10, 30];

/**
 * Receipt time minus event time is delay plus clock offset; the offset comes from `/api/v3/time`. Partial depth carries no event time:
 * a diff of the same id dates it for one symbol of each group, and for others the symbol's own trades, then any symbol's
 * messages, then the server's pings stand in.
 */
export function createDelayEstimator(): DelayEstimator {
  const bySymbol = new Map<string, Running & { readonly histogram: DelayHistogram }>();
  const all: Running = { meanMs: 0, atUs: 0 };
  const distribution = createHistogram(bounds);
  let clockOffsetMs: number | null = null;
  let nowUs = 0;

  return {
    observe(symbol, eventMs, recvUs) {
      let own = bySymbol.get(symbol);
      if (own === undefined) {
        own = { meanMs: 0, atUs: 0, histogram: createDelayHistogram() };
        bySymbol.set(symbol, own);
      }
      nowUs = recvUs;
      const ms = recvUs / 1000 - eventMs;
      add(own, ms, recvUs);
      add(all, ms, recvUs);
      if (clockOffsetMs === null) return;
      own.histogram.add(ms - clockOffsetMs, recvUs);
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
      const own = bySymbol.get(symbol);
      const best = own !== undefined && nowUs - own.atUs <= lifetimeUs ? own : all;
      return clockOffsetMs === null || best.atUs === 0 ? null : Math.max(0, Math.round(best.meanMs - clockOffsetMs));
    },
    quantilesMs(symbol) {
      const own = bySymbol.get(symbol);
      if (own === undefined || nowUs - own.atUs > lifetimeUs) return null;
      const [p50, p99] = [own.histogram.quantileMs(0.5), own.histogram.quantileMs(0.99)];
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
