import type { MissingTrades } from "../../binance/rest/backfill-queue.ts";
import type { Day, Segment } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import type { MissingIds } from "../../domain/ids/id-order.ts";
import { createStream, holdsFacts, type Stream, streamTypeOfFolder } from "../../domain/stream.ts";
import { isContiguous, isNumbered } from "../../domain/stream-kinds.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { missingIdsInNewestSealed, type RecordBefore, recordBefore } from "../../recorder/recover/record-before.ts";
import { firstReceiptUs, missingIdsInTail } from "../../recorder/recover/tail-missing-ids.ts";
import type { ReadLines } from "../../storage/list/stored-lines.ts";
import type { Backfill } from "../recording/backfill.ts";

type Deps = {
  readonly dataDir: string;
  readonly journal: Pick<Journal, "gapsOfStream" | "saveGaps" | "runs" | "savedReceipts">;
  readonly refetch: (hole: MissingTrades) => void;
  readonly catchUp: Backfill["catchUp"];
  readonly readLines: ReadLines;
  readonly log: Log;
};

type Span = { readonly fromUs: number; readonly toUs: number };

/** The journal saves the progress of a run every 10 s. A larger lag means that the disk did not accept the journal, µs. */
const journalLagUs = 20_000_000;

/** A record may be in flight for this long, µs; a shorter uncovered time at the edge of a gap is no gap. */
const underWayUs = 2_000_000;

/**
 * Finds gaps in, and right before, a segment that the last run left open, or the newest sealed segment of a day. Records gaps that the
 * journal does not know and backfills their trades. Create it before this run saves anything in the journal. The returned function never
 * rejects.
 */
export function createUnwrittenGaps(deps: Deps): (place: Segment | Day) => Promise<void> {
  const { dataDir, journal, log } = deps;
  const knownUntilUs = Math.max(0, ...journal.runs().flatMap((run) => [run.started_us, run.last_recv_us ?? 0]));

  const isCleanRun = journal.runs().at(-1)?.clean !== false;

  async function checkSegment(segment: Segment): Promise<void> {
    const type = streamTypeOfFolder(segment.stream);
    if (type === null || holdsFacts(type.folder)) return;
    const stream = createStream(segment.symbol, type);
    const before = await recordBefore(dataDir, segment, deps);
    // A gap of cause "clock" says which clock stamped the rows; no row is missing in it.
    const known = journal.gapsOfStream(type.folder, stream.symbol).filter(({ cause }) => cause !== "clock");
    if (isContiguous(type.kind))
      for (const missingIds of missingIdsInTail(dataDir, segment, before)) recordMissingIds(stream, missingIds, known);
    else if (before !== null) recordGapBefore(stream, segment, before, known);
  }

  /** Ids are waited for some seconds. Meanwhile a segment may be sealed, and then a kill comes. */
  async function checkSealed(day: Day): Promise<void> {
    const type = streamTypeOfFolder(day.stream);
    if (type === null || isCleanRun || !isContiguous(type.kind)) return;
    const missing = await missingIdsInNewestSealed(dataDir, day, deps);
    const known = journal.gapsOfStream(type.folder, day.symbol).filter(({ cause }) => cause !== "clock");
    for (const missingIds of missing) recordMissingIds(createStream(day.symbol, type), missingIds, known);
  }

  function recordMissingIds(stream: Stream, missingIds: MissingIds, known: readonly Gap[]): void {
    const { fromUs, fromId, toId } = missingIds;
    const toUs = Math.max(missingIds.toUs, fromUs + 1);
    const isKnown = known.some((gap) => gap.from_us < toUs && gap.to_us > fromUs);
    const spans = isKnown ? uncovered({ fromUs, toUs }, known) : [{ fromUs, toUs }];
    if (!isNumbered(stream.type.kind)) {
      for (const span of spans) recordGap(stream, span, "missing", null);
    } else if (!isKnown) {
      recordGap(stream, { fromUs, toUs }, "missing", toId - fromId + 1);
      deps.refetch({ ...missingIds, toUs, stream, cause: "missing" });
    } else void recordRest(stream, spans, toId + 1);
  }

  /** Records the parts that no gap covers of a time in which trades are missing. The last part counts the trades that are in no file. */
  async function recordRest(stream: Stream, spans: readonly Span[], firstId: number): Promise<void> {
    for (const span of spans.slice(0, -1)) recordGap(stream, span, "missing", 0);
    const last = spans.at(-1);
    if (last === undefined) return;
    const gap = recordGap(stream, last, "missing", null);
    const onJudged = (missing: number) => journal.saveGaps([{ ...gap, missing }]);
    try {
      await deps.catchUp({ gap, stream, resumedUs: last.toUs, firstId, onJudged });
    } catch (error) {
      log.warn("cannot find which trades are missing; the gap stays", {
        stream: stream.name,
        reason: messageOf(error),
      });
    }
  }

  /**
   * Records the time before the segment as a gap if the journal knows neither the run that wrote it nor that run's gaps, or if the journal
   * knows of a record that is not on disk any more: a closed segment was cut short before it was sealed.
   */
  function recordGapBefore(stream: Stream, segment: Segment, { lastUs }: RecordBefore, known: readonly Gap[]): void {
    const firstUs = firstReceiptUs(dataDir, segment);
    if (firstUs === null) return;
    const isUnknownRun = knownUntilUs > 0 && firstUs >= knownUntilUs + journalLagUs;
    const lost = lostReceipts(stream, { fromUs: lastUs, toUs: firstUs });
    for (const span of uncovered({ fromUs: lastUs, toUs: firstUs }, known)) {
      if (lost.some((us) => us > span.fromUs && us <= span.toUs)) recordGap(stream, span, "disk", null);
      else if (isUnknownRun) recordGap(stream, span, "crash", null);
    }
  }

  /** Returns receipts within a span that the journal knows. If the clock was set, stamps cannot be compared. */
  function lostReceipts({ type, symbol }: Stream, { fromUs, toUs }: Span): readonly number[] {
    const isSet = journal
      .gapsOfStream(type.folder, symbol)
      .some(({ cause, from_us, to_us }) => cause === "clock" && from_us <= toUs && to_us >= fromUs);
    return isSet ? [] : journal.savedReceipts(type.folder, symbol).filter((us) => us > fromUs && us < toUs);
  }

  function recordGap(
    { type, symbol, name }: Stream,
    { fromUs, toUs }: Span,
    cause: Gap["cause"],
    missing: number | null,
  ): Gap {
    const gap = { stream: type.folder, symbol, from_us: fromUs, to_us: toUs, cause, missing, repaired: 0 };
    journal.saveGaps([gap]);
    log.warn("found a gap in the files of the last run that its journal lacks; recorded it", { stream: name, missing });
    return gap;
  }

  return async (place) => {
    try {
      await ("name" in place ? checkSegment(place) : checkSealed(place));
    } catch (error) {
      log.warn("cannot check a segment of the last run for gaps", { ...place, reason: messageOf(error) });
    }
  };
}

/** Returns the parts of a span that no gap covers and that are too long to be records in flight. */
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
