import type { Gap } from "../../domain/gap.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered } from "../../domain/stream-kinds.ts";
import type { LastRecord } from "../../journal/entry.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { storedUntilUs } from "../../recorder/recover/stored-until.ts";
import type { ReadLines } from "../../storage/list/stored-lines.ts";

/** Looks for records that were on disk when the last run ended and are there no more. Stops once `signal` is aborted; never rejects. */
export type LostWhileAway = {
  /** To be called before this run notes anything of its own. */
  begin(): void;
  check(signal: AbortSignal): Promise<void>;
};

/**
 * A file may be deleted or cut short while nobody runs, or go with a file system that held it in memory only. The journal knows how far
 * each stream had come, the files how far it is there: what lies between is a gap, up to the pause that follows.
 */
export function createLostWhileAway(deps: {
  readonly dataDir: string;
  readonly startedUs: number;
  readonly journal: Pick<Journal, "gapsOfStream" | "lastRecords" | "saveGaps">;
  readonly readLines: ReadLines;
  readonly log: Log;
}): LostWhileAway {
  const { dataDir, startedUs, journal, readLines, log } = deps;
  let noted: readonly LastRecord[] = [];

  async function lookAt([stream, symbol, notedUs]: LastRecord): Promise<void> {
    const type = streamTypeOfFolder(stream);
    // By a clock that was put back since then nothing can be told.
    if (type === null || notedUs >= startedUs) return;
    const storedUs = await storedUntilUs(dataDir, { stream, symbol }, { beforeUs: startedUs, readLines });
    // Where nothing is left at all the archives were taken elsewhere.
    if (storedUs === 0 || storedUs >= notedUs) return;
    const gaps = journal.gapsOfStream(stream, symbol);
    if (gaps.some(({ from_us, to_us }) => from_us <= storedUs && to_us > notedUs)) return;
    const pause = gaps.find(({ from_us, cause }) => from_us >= notedUs && (cause === "crash" || cause === "restart"));
    const span = { from_us: storedUs, to_us: Math.max(notedUs + 1, pause?.from_us ?? 0), cause: "disk" as const };
    // Trades are counted with the pause: they are looked for from the last one on disk to the first one after it.
    const isCounted = isNumbered(type.kind) && pause !== undefined;
    const gap: Gap = { stream, symbol, ...span, missing: isCounted ? 0 : null, repaired: 0 };
    journal.saveGaps([gap]);
    const seconds = Math.round((gap.to_us - gap.from_us) / 1e5) / 10;
    log.error("records of the last run are not on disk any more, which is a gap", { stream, symbol, seconds });
  }

  return {
    begin() {
      noted = journal.lastRecords();
    },
    async check(signal) {
      for (const record of noted) {
        if (signal.aborted) return;
        try {
          await lookAt(record);
        } catch (error) {
          const [stream, symbol] = record;
          log.warn("cannot look how far a stream is on disk", { stream, symbol, reason: messageOf(error) });
        }
      }
    },
  };
}
