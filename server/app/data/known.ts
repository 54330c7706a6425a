import type { Archiver } from "../../archive/archiver.ts";
import type { MissingTrades } from "../../binance/rest/backfill-queue.ts";
import { createLiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { Day } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import type { Stream, StreamFolder } from "../../domain/stream.ts";
import { openJournal } from "../../journal/journal.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { downtimes } from "../../recorder/recover/downtime.ts";
import type { Leftovers, RecoveryReport } from "../../recorder/recover/recovery.ts";
import { readLineBytes } from "../../storage/read/archive-reader.ts";
import { knownLastRun } from "../gaps/earlier-runs.ts";
import { createLostRecords } from "../gaps/lost-records.ts";
import { createLostWhileAway } from "../gaps/lost-while-away.ts";
import { createSettledGaps } from "../gaps/settled-gaps.ts";
import { createUnwrittenGaps } from "../gaps/unwritten-gaps.ts";
import type { Backfill } from "../recording/backfill.ts";
import type { RecordingParts } from "../recording/recording.ts";
import { createCatalogueSync } from "./catalogue-sync.ts";
import { createTidyUp } from "./tidy-up.ts";

type Deps = {
  readonly dataDir: string;
  readonly startedUs: number;
  readonly nowUs: () => number;
  readonly time: () => ConfirmedTime;
  readonly archiver: () => Archiver;
  readonly renewFolder: () => void;
  /** The parts that record and backfill gaps. */
  readonly parts: () => Pick<RecordingParts, "ledger" | "repair">;
  /** Receipt of a stream's very first record, µs; null if unknown. */
  readonly sinceUs: (series: Pick<Day, "stream" | "symbol">) => number | null;
  readonly onRecovered: (report: RecoveryReport) => void;
  readonly log: Log;
};

/** All knowledge beside the records: the journal, the catalogue that follows it, and the parts that keep manifests in step with both. */
export type Known = ReturnType<typeof createKnown>;

/** Reads the journal; everything else waits for a start. Never throws: an unreadable journal is logged and replaced by a new one. */
export function createKnown(deps: Deps) {
  const { dataDir, startedUs, nowUs, log, archiver } = deps;
  const journal = openJournal(dataDir, { log });
  const catalogue = createLiveCatalogue(dataDir, journal, { nowUs, log });
  const care = createCatalogueSync({
    catalogue,
    journal,
    dataDir,
    nowUs,
    renewFolder: deps.renewFolder,
    sinceUs: deps.sinceUs,
    log,
  });
  const merge: Archiver["merge"] = (day) => archiver().merge(day);
  const settled = createSettledGaps({ journal, dataDir, merge, now: deps.time, log });
  const isLost = () => journal.isNew && care.isFresh();
  const { onRecovered } = deps;
  const refetch = (hole: MissingTrades) => deps.parts().repair.refetch(hole);
  const catchUp: Backfill["catchUp"] = (pause) => deps.parts().repair.catchUp(pause);
  const findHoles = createUnwrittenGaps({ dataDir, journal, refetch, catchUp, readLines: readLineBytes, log });
  const lost = createLostWhileAway({ dataDir, startedUs, journal, readLines: readLineBytes, log });
  const unreadable = createLostRecords({ dataDir, startedUs, journal, parts: deps.parts, log });
  const tidyUp = createTidyUp({
    ...{ dataDir, startedUs, archiver, care, settled, findHoles, lost, isLost, onRecovered, log },
    onLost: unreadable.onRecovery,
  });

  return {
    ...{ journal, catalogue, care, settled, tidyUp, onUnreadable: unreadable.onMerge },
    /** Begins a run. Returns how the previous run ended, and since when each of the `recorded` streams is missing. */
    beginRun(
      leftovers: Leftovers,
      options: { streams: readonly Stream[]; recorded: readonly Stream[]; flushMs: number; left: readonly Gap[] },
    ) {
      const lastRun = knownLastRun(dataDir, options.streams, { journal, catalogue, nowUs: startedUs });
      journal.beginRun(startedUs);
      journal.saveGaps(options.left);
      const notedUsOf = (stream: StreamFolder, symbol: string) => journal.lastRecord(stream, symbol)?.recvUs ?? 0;
      const notedIdOf = (stream: StreamFolder, symbol: string) => journal.lastRecord(stream, symbol)?.id ?? null;
      const { segments } = leftovers;
      const before = { lastRun, segments, notedUsOf, notedIdOf, isLost: journal.isNew, gapsOf: journal.gapsOfStream };
      // It is not known yet whether this run's clock or the previous one was wrong.
      const times = { flushMs: options.flushMs, nowUs: Number.MAX_SAFE_INTEGER };
      return { lastRun, down: downtimes(dataDir, options.recorded, before, times) };
    },
    /** Saves the receipt of the newest record of this run. */
    saveRun(lastRecvUs: number | null, clean: boolean): void {
      if (lastRecvUs !== null) journal.saveRun(lastRecvUs, clean);
    },
    async close(deadlineMs: number): Promise<void> {
      care.noteEvent("stop", "stopped regularly");
      await journal.close(deadlineMs);
      catalogue.close();
    },
  };
}
