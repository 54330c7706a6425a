import type { MissingTrades } from "../../binance/rest/backfill-queue.ts";
import type { Segment } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { createStream, type Stream, streamTypeOfFolder } from "../../domain/stream.ts";
import { isContiguous, isNumbered } from "../../domain/stream-kinds.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { recordBefore } from "../../recorder/recover/record-before.ts";
import {
  firstReceiptUs,
  type HighestRecord,
  missingIdsInTail,
  type TailMissingIds,
} from "../../recorder/recover/tail-missing-ids.ts";
import type { ReadLines } from "../../storage/list/stored-lines.ts";

type Deps = {
  readonly dataDir: string;
  readonly journal: Pick<Journal, "gapsOfStream" | "saveGaps" | "runs">;
  readonly refetch: (hole: MissingTrades) => void;
  readonly readLines: ReadLines;
  readonly log: Log;
};

type Span = { readonly fromUs: number; readonly toUs: number };

/** The journal is told how far a run has come every 10 s; a run of which it knows less had no disk to write it to, µs. */
const journalLagUs = 20_000_000;

/** Within less than this a record may be missing from a gap's end on because it was under way, µs. */
const underWayUs = 2_000_000;

/**
 * Writes down the holes in, and right before, a segment that the last run left open, unless the journal knows of them, and has trades
 * refetched. To be created before this run notes anything of its own. Never rejects.
 */
export function createUnwrittenGaps(deps: Deps): (segment: Segment) => Promise<void> {
  const { dataDir, journal, log } = deps;
  const knownUntilUs = Math.max(0, ...journal.runs().flatMap((run) => [run.started_us, run.last_recv_us ?? 0]));

  async function look(segment: Segment): Promise<void> {
    const type = streamTypeOfFolder(segment.stream);
    if (type === null) return;
    const stream = createStream(segment.symbol, type);
    const before = await recordBefore(dataDir, segment, deps);
    // A span of cause "clock" says by which clock rows are stamped, not that any is missing.
    const known = journal.gapsOfStream(type.folder, stream.symbol).filter(({ cause }) => cause !== "clock");
    if (isContiguous(type.kind))
      for (const hole of missingIdsInTail(dataDir, segment, before)) take(stream, hole, known);
    else if (before !== null) lookBefore(stream, segment, before, known);
  }

  function take(stream: Stream, hole: TailMissingIds, known: readonly Gap[]): void {
    const { fromUs, fromId, toId } = hole;
    const toUs = Math.max(hole.toUs, fromUs + 1);
    const isKnown = known.some((gap) => gap.from_us < toUs && gap.to_us > fromUs);
    if (!isNumbered(stream.type.kind)) {
      const spans = isKnown ? uncovered({ fromUs, toUs }, known) : [{ fromUs, toUs }];
      for (const span of spans) note(stream, span, "missing", null);
    } else if (!isKnown) {
      note(stream, { fromUs, toUs }, "missing", toId - fromId + 1);
      deps.refetch({ ...hole, toUs, stream, cause: "missing" });
    }
  }

  /** The run that wrote the segment is not in the journal, and neither is what it knew of the time before it. */
  function lookBefore(stream: Stream, segment: Segment, before: HighestRecord, known: readonly Gap[]): void {
    const firstUs = firstReceiptUs(dataDir, segment);
    if (firstUs === null || knownUntilUs === 0 || firstUs < knownUntilUs + journalLagUs) return;
    for (const span of uncovered({ fromUs: before.recvUs, toUs: firstUs }, known)) note(stream, span, "crash", null);
  }

  function note({ type, symbol, name }: Stream, { fromUs, toUs }: Span, cause: Gap["cause"], missing: number | null) {
    journal.saveGaps([{ stream: type.folder, symbol, from_us: fromUs, to_us: toUs, cause, missing, repaired: 0 }]);
    log.warn("a gap that the last run had not written down was found in its files", { stream: name, missing });
  }

  return async (segment) => {
    try {
      await look(segment);
    } catch (error) {
      log.warn("cannot look for gaps in a segment of the last run", { ...segment, reason: messageOf(error) });
    }
  };
}

/** The parts of a span that lie in no gap and are too long for what was under way. */
function uncovered({ fromUs, toUs }: Span, gaps: readonly Gap[]): readonly Span[] {
  const spans: Span[] = [];
  let atUs = fromUs;
  for (const gap of gaps.toSorted((a, b) => a.from_us - b.from_us)) {
    if (gap.to_us <= atUs || gap.from_us >= toUs) continue;
    if (gap.from_us - atUs > underWayUs) spans.push({ fromUs: atUs, toUs: gap.from_us });
    atUs = gap.to_us;
  }
  if (toUs - atUs > underWayUs) spans.push({ fromUs: atUs, toUs });
  return spans;
}
