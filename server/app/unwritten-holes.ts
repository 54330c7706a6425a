import type { TradeHole } from "../binance/trade-holes.ts";
import type { Journal } from "../journal/journal.ts";
import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import { holesInTail } from "../recorder/tail-holes.ts";
import type { Segment } from "../segment.ts";
import { createStream, streamTypeOfFolder } from "../stream.ts";

/** Writes down the holes in a segment that the last run left open, and has them refetched, unless the journal knows of them. */
export function createUnwrittenHoles(deps: {
  readonly dataDir: string;
  readonly journal: Journal;
  readonly refetch: (hole: TradeHole) => void;
  readonly log: Log;
}): (segment: Segment) => void {
  const { dataDir, journal, log } = deps;
  return (segment) => {
    const { stream, symbol } = segment;
    try {
      const type = streamTypeOfFolder(stream);
      const known = journal.gapsOfStream(stream, symbol);
      for (const hole of holesInTail(dataDir, segment)) {
        const { fromUs, toUs, fromId, toId } = hole;
        if (type === null || known.some((gap) => gap.from_us < toUs && gap.to_us > fromUs)) continue;
        const missing = toId - fromId + 1;
        const span = { from_us: fromUs, to_us: Math.max(toUs, fromUs + 1), cause: "missing" as const };
        journal.noteGaps([{ stream, symbol, ...span, missing, repaired: 0 }]);
        log.warn("a gap that the last run had not written down was found in its files", { stream, symbol, missing });
        deps.refetch({ ...hole, stream: createStream(symbol, type), cause: "missing" });
      }
    } catch (error) {
      log.warn("cannot look for gaps in a segment of the last run", { ...segment, reason: messageOf(error) });
    }
  };
}
