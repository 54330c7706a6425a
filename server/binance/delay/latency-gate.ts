/** Decides whether records that arrive late are kept. */
export type LatencyGate = {
  /** Returns false if the record must be dropped. Call it for each record with the symbol's estimated delay, null if unknown. */
  admits(symbol: string, delayMs: number | null): boolean;
  /** Returns how many late records were kept (marked), and how many were dropped. */
  counts(): { readonly marked: number; readonly dropped: number };
  /** Returns the symbols that are late now. */
  late(): readonly string[];
};

/** A symbol becomes late above the threshold, and is in time again below this share of it (hysteresis). */
const wellBelow = 0.8;

/** Creates the gate. "mark" keeps and counts late records; "drop" drops them. An unknown delay counts as in time. */
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
