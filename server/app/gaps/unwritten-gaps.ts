import { isNumbered } from "../../binance/gaps/stream-state.ts";
import type { TradeHole } from "../../binance/rest/backfill-queue.ts";
import type { Segment } from "../../domain/day.ts";
import { createStream, streamTypeOfFolder } from "../../domain/stream.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { recordBefore } from "../../recorder/recover/record-before.ts";
import { holesInTail, isContiguous } from "../../recorder/recover/tail-missing-ids.ts";
import type { ReadLines } from "../../storage/list/stored-lines.ts";

/**
 * Writes down the holes in, and right before, a segment that the last run left open, unless the journal knows of them, and has trades
 * refetched. Never rejects.
 */
export function createUnwrittenHoles(deps: {
  readonly dataDir: string;
  readonly journal: Pick<Journal, "gapsOfStream" | "noteGaps">;
  readonly refetch: (hole: TradeHole) => void;
  readonly readLines: ReadLines;
  readonly log: Log;
}): (segment: Segment) => Promise<void> {
  const { dataDir, journal, log } = deps;

  async function look(segment: Segment): Promise<void> {
    const { symbol } = segment;
    const type = streamTypeOfFolder(segment.stream);
    if (type === null || !isContiguous(type.kind)) return;
    const stream = createStream(symbol, type);
    const before = await recordBefore(dataDir, segment, deps);
    // A span of cause "clock" says by which clock rows are stamped, not that any is missing.
    const known = journal.gapsOfStream(type.folder, symbol).filter(({ cause }) => cause !== "clock");
    for (const hole of holesInTail(dataDir, segment, before)) {
      const { fromUs, fromId, toId } = hole;
      const toUs = Math.max(hole.toUs, fromUs + 1);
      if (known.some((gap) => gap.from_us < toUs && gap.to_us > fromUs)) continue;
      const isTrades = isNumbered(stream);
      const missing = isTrades ? toId - fromId + 1 : null;
      const gap = { stream: type.folder, symbol, from_us: fromUs, to_us: toUs, missing, repaired: 0 };
      journal.noteGaps([{ ...gap, cause: "missing" }]);
      const fields = { stream: stream.name, missing };
      log.warn("a gap that the last run had not written down was found in its files", fields);
      if (isTrades) deps.refetch({ ...hole, toUs, stream, cause: "missing" });
    }
  }

  return async (segment) => {
    try {
      await look(segment);
    } catch (error) {
      log.warn("cannot look for gaps in a segment of the last run", { ...segment, reason: messageOf(error) });
    }
  };
}
