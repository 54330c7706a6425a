/** Tells records of a degraded link from others. */
export type LatencyGate = {
  /** False: the record is not to be kept. Called for each record with the symbol's estimated delay, null while unknown. */
  admits(symbol: string, delayMs: number | null): boolean;
  /** Records that came late and were kept, and those that were not. */
  counts(): { readonly marked: number; readonly dropped: number };
  /** Symbols that are late now. */
  late(): readonly string[];
};

/** A link is degraded from the threshold on, and well again below this share of it. */
const wellBelow = 0.8;

/** "mark" keeps everything and counts; "drop" does not keep what comes later than `thresholdMs`. An unknown delay is none. */
export function createLatencyGate(options: { thresholdMs: number; gate: "mark" | "drop" }): LatencyGate {
  const late = new Set<string>();
  const counts = { marked: 0, dropped: 0 };

  return {
    admits(symbol, delayMs) {
      if (delayMs !== null) {
        if (delayMs > options.thresholdMs) late.add(symbol);
        else if (late.size > 0 && delayMs < options.thresholdMs * wellBelow) late.delete(symbol);
      }
      if (late.size === 0 || !late.has(symbol)) return true;
      if (options.gate === "mark") counts.marked++;
      else counts.dropped++;
      return options.gate === "mark";
    },
    counts: () => ({ ...counts }),
    late: () => [...late],
  };
}
