import { dateStartUs, dayUs, type Segment, windowStartUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { createStream, streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered } from "../../domain/stream-kinds.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type LostRecords as LostInSegment, type LostSpan, lostSpan } from "../../recorder/recover/lost-span.ts";
import { readLineBytes } from "../../storage/read/archive-reader.ts";
import type { RecordingParts } from "../recording/recording.ts";

/** Writes down what was on disk and can be read no more. */
export type LostRecords = {
  /** Recovery has found this. Resolves when the gap is written down; never rejects. */
  onRecovery(lost: LostInSegment): Promise<void>;
  /** The merge could not read the segment; `segments` names all of the day. */
  onMerge(segment: Segment, segments: readonly string[]): void;
};

/** Each loss is a gap, unless the gap of a pause holds it already, and its trades are refetched. */
export function createLostRecords(deps: {
  readonly dataDir: string;
  readonly startedUs: number;
  readonly journal: Pick<Journal, "gapsOfStream">;
  readonly parts: () => Pick<RecordingParts, "ledger" | "repair">;
  readonly log: Log;
}): LostRecords {
  const { dataDir, startedUs, journal, log } = deps;

  function add(segment: Segment, { fromUs, toUs }: LostSpan): void {
    const { stream: folder, symbol } = segment;
    // A span of cause "clock" says by which clock rows are stamped, not that any is missing.
    const gaps = journal.gapsOfStream(folder, symbol).filter(({ cause }) => cause !== "clock");
    const pause = gaps.find(({ from_us, cause }) => from_us > fromUs && (cause === "crash" || cause === "restart"));
    const endUs = Math.min(toUs ?? startedUs, pause?.from_us ?? Number.POSITIVE_INFINITY);
    if (endUs <= fromUs || gaps.some(({ from_us, to_us }) => from_us <= fromUs && to_us >= endUs)) return;
    const span = { from_us: fromUs, to_us: endUs, cause: "disk" as const, missing: null, repaired: 0 };
    const gap: Gap = { stream: folder, symbol, ...span };
    const { ledger, repair } = deps.parts();
    ledger.add([gap]);
    log.warn("recorded lines can be read no more, which is a gap", { ...segment, cause: gap.cause });
    const type = streamTypeOfFolder(folder);
    const stream = type && createStream(symbol, type);
    if (stream === null || !isNumbered(stream.type.kind)) return;
    const onJudged = (missing: number) => {
      ledger.update([{ ...gap, missing }]);
      ledger.foundMissing(gap.cause, missing);
    };
    repair.catchUp({ gap, stream, resumedUs: endUs, firstId: null, onJudged }).catch((error) => {
      log.warn("cannot find which trades were lost; the gap stays as it is", { symbol, reason: messageOf(error) });
    });
  }

  return {
    async onRecovery(lost) {
      try {
        add(lost.segment, await lostSpan(dataDir, lost, { readLines: readLineBytes }));
      } catch (error) {
        log.error("cannot tell which records were lost", { ...lost.segment, reason: messageOf(error) });
      }
    },
    onMerge(segment, segments) {
      const fromUs = windowStartUs(segment);
      const next = segments.map((name) => windowStartUs({ ...segment, name })).filter((us) => us > fromUs);
      add(segment, { fromUs, toUs: Math.min(...next, dateStartUs(segment.date) + dayUs) });
    },
  };
}
