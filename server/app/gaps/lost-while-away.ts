import type { Gap } from "../../domain/gap.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered } from "../../domain/stream-kinds.ts";
import type { LastRecord } from "../../journal/entry.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { storedUntilUs } from "../../recorder/recover/stored-until.ts";
import type { ReadLines } from "../../storage/list/stored-lines.ts";

/** Finds records that were on disk when the last run ended and are gone now. */
export type LostWhileAway = {
  /** Call it before this run saves anything in the journal. */
  begin(): void;
  /** Compares journal and files of all streams. Stops once `signal` is aborted; never rejects. */
  check(signal: AbortSignal): Promise<void>;
};

/**
 * Creates the check. A file may be deleted or cut short while no recorder runs, or vanish with a file system that held it only in memory.
 * The journal knows the last record of each stream, the files hold the last stored record. The time in between is a gap; it ends at
 * the pause that follows.
 */
export function createLostWhileAway(deps: {
  readonly dataDir: string;
  readonly startedUs: number;
  readonly journal: Pick<Journal, "gapsOfStream" | "lastRecords" | "saveGaps">;
  readonly readLines: ReadLines;
  readonly log: Log;
}): LostWhileAway {
  const { dataDir, startedUs, journal, readLines, log } = deps;
  let savedRecords: readonly LastRecord[] = [];

  async function checkStream([stream, symbol, savedUs]: LastRecord): Promise<void> {
    const type = streamTypeOfFolder(stream);
    // The clock was set back since then: stamps cannot be compared.
    if (type === null || savedUs >= startedUs) return;
    const storedUs = await storedUntilUs(dataDir, { stream, symbol }, { beforeUs: startedUs, readLines });
    // Without any file, somebody has moved the archives elsewhere.
    if (storedUs === 0 || storedUs >= savedUs) return;
    const gaps = journal.gapsOfStream(stream, symbol);
    if (gaps.some(({ from_us, to_us }) => from_us <= storedUs && to_us > savedUs)) return;
    const pause = gaps.find(({ from_us, cause }) => from_us >= savedUs && (cause === "crash" || cause === "restart"));
    const span = { from_us: storedUs, to_us: Math.max(savedUs + 1, pause?.from_us ?? 0), cause: "disk" as const };
    // The pause counts missing trades: its backfill goes from the last trade on disk to the first trade after the pause.
    const isCounted = isNumbered(type.kind) && pause !== undefined;
    const gap: Gap = { stream, symbol, ...span, missing: isCounted ? 0 : null, repaired: 0 };
    journal.saveGaps([gap]);
    const seconds = Math.round((gap.to_us - gap.from_us) / 1e5) / 10;
    log.error("records of the last run are gone from the disk; recorded as a gap", { stream, symbol, seconds });
  }

  return {
    begin() {
      savedRecords = journal.lastRecords();
    },
    async check(signal) {
      for (const record of savedRecords) {
        if (signal.aborted) return;
        try {
          await checkStream(record);
        } catch (error) {
          const [stream, symbol] = record;
          log.warn("cannot find the last stored record of a stream", { stream, symbol, reason: messageOf(error) });
        }
      }
    },
  };
}
