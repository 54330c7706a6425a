import { dateStartUs, dayUs, type Segment, windowStartUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { createStream, holdsFacts, streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered } from "../../domain/stream-kinds.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type LostInSegment, type LostSpan, lostSpan } from "../../recorder/recover/lost-span.ts";
import { readLineBytes } from "../../storage/read/archive-reader.ts";
import type { RecordingParts } from "../recording/recording.ts";

/** Records gaps for lines that were on disk and can no longer be read. */
export type LostRecords = {
  /** Call it for a loss that recovery found. Resolves when the gap is recorded; never rejects. */
  onRecovery(lost: LostInSegment): Promise<void>;
  /** Call it for a segment that the merge could not read. `segments`: names of all segments of the day. */
  onMerge(segment: Segment, segments: readonly string[]): void;
};

/** Records each loss as a gap, unless the gap of a pause covers it already, and backfills its trades. */
export function createLostRecords(deps: {
  readonly dataDir: string;
  readonly startedUs: number;
  readonly journal: Pick<Journal, "gapsOfStream">;
  readonly parts: () => Pick<RecordingParts, "ledger" | "repair">;
  readonly log: Log;
}): LostRecords {
  const { dataDir, startedUs, journal, log } = deps;

  function recordLoss(segment: Segment, { fromUs, toUs }: LostSpan): void {
    const { stream: folder, symbol } = segment;
    // Facts are recorded again at each start.
    if (holdsFacts(folder)) return;
    // A gap of cause "clock" says which clock stamped the rows; no row is missing in it.
    const gaps = journal.gapsOfStream(folder, symbol).filter(({ cause }) => cause !== "clock");
    const pause = gaps.find(({ from_us, cause }) => from_us > fromUs && (cause === "crash" || cause === "restart"));
    const endUs = Math.min(toUs ?? startedUs, pause?.from_us ?? Number.POSITIVE_INFINITY);
    if (endUs <= fromUs || gaps.some(({ from_us, to_us }) => from_us <= fromUs && to_us >= endUs)) return;
    const span = { from_us: fromUs, to_us: endUs, cause: "disk" as const, missing: null, repaired: 0 };
    const gap: Gap = { stream: folder, symbol, ...span };
    const { ledger, repair } = deps.parts();
    ledger.add([gap]);
    log.warn("recorded lines are no longer readable; recorded as a gap", { ...segment, cause: gap.cause });
    const type = streamTypeOfFolder(folder);
    const stream = type && createStream(symbol, type);
    if (stream === null || !isNumbered(stream.type.kind)) return;
    const onJudged = (missing: number) => {
      ledger.update([{ ...gap, missing }]);
      ledger.foundMissing(gap.cause, missing);
    };
    repair.catchUp({ gap, stream, resumedUs: endUs, firstId: null, onJudged }).catch((error) => {
      log.warn("cannot find the ids of the lost trades; the gap stays as it is", { symbol, reason: messageOf(error) });
    });
  }

  return {
    async onRecovery(lost) {
      try {
        recordLoss(lost.segment, await lostSpan(dataDir, lost, { readLines: readLineBytes }));
      } catch (error) {
        log.error("cannot find out which records were lost", { ...lost.segment, reason: messageOf(error) });
      }
    },
    onMerge(segment, segments) {
      const fromUs = windowStartUs(segment);
      const next = segments.map((name) => windowStartUs({ ...segment, name })).filter((us) => us > fromUs);
      recordLoss(segment, { fromUs, toUs: Math.min(...next, dateStartUs(segment.date) + dayUs) });
    },
  };
}
