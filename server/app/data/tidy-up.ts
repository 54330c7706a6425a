import type { Archiver } from "../../archive/archiver.ts";
import type { Segment } from "../../domain/day.ts";
import type { CatchUpStatus } from "../../domain/status.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { LostRecords } from "../../recorder/recover/lost-span.ts";
import { type Leftovers, type RecoveryReport, recover } from "../../recorder/recover/recovery.ts";
import type { LostWhileAway } from "../gaps/lost-while-away.ts";
import type { SettledGaps } from "../gaps/settled-gaps.ts";
import type { CatalogueSync } from "./catalogue-sync.ts";

/*
 * What a start does beside the recording, one after the other, a few milliseconds at a time:
 *
 *   1. recovery    tails are cut, pairs settled, orphans looked through for gaps and sealed; it touches nothing that this run has made;
 *                  records that the last run had on disk and that are gone become gaps
 *   2. merging     of days that are over, by whoever tells that they are; none before 1 is done
 *   3. gaps        manifests are brought up to date with the journal
 *   4. archives    the catalogue's list is compared with every manifest
 *
 * A crash or a stop anywhere leaves the rest to the next start.
 */

/** The work that a start leaves for later. */
export type TidyUp = {
  /** Begins; returns at once. */
  start(leftovers: Leftovers): void;
  /** False while days may hold what recovery has not looked at. */
  mayMerge(): boolean;
  status(): CatchUpStatus;
  /** Resolves soon. Idempotent. */
  stop(): Promise<void>;
};

type Deps = {
  readonly dataDir: string;
  readonly startedUs: number;
  readonly archiver: () => Archiver;
  readonly care: CatalogueSync;
  readonly settled: SettledGaps;
  /** Looks for gaps in a segment that the last run left open, before it is sealed. */
  readonly findHoles: (segment: Segment) => Promise<void>;
  readonly lost: LostWhileAway;
  /** Writes down what recovery could not keep. */
  readonly onLost: (lost: LostRecords) => Promise<void>;
  /** Neither journal nor catalogue knew anything: gaps are looked for in the segments. */
  readonly isLost: () => boolean;
  readonly onRecovered: (report: RecoveryReport) => void;
  readonly log: Log;
};

/** Nothing happens before `start`. */
export function createTidyUp(deps: Deps): TidyUp {
  const { dataDir, care, log } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  let isRecovered = false;
  let doing: CatchUpStatus["doing"] = null;
  let running: Promise<void> = Promise.resolve();

  async function onOrphan(segment: Segment): Promise<void> {
    await deps.findHoles(segment);
    deps.archiver().seal(segment);
  }

  async function work(leftovers: Leftovers): Promise<void> {
    const startedMs = performance.now();
    doing = "recovery";
    const lost: LostRecords[] = [];
    const report = await recover(dataDir, leftovers, { onOrphan, onLost: (found) => lost.push(found), signal });
    if (signal.aborted) return;
    await deps.lost.check(signal);
    for (const found of lost) await deps.onLost(found);
    care.noteRepairs(report.repairs);
    deps.onRecovered(report);
    isRecovered = true;
    doing = "gaps";
    if (deps.isLost()) await care.findUnmergedHoles(leftovers.days, deps.startedUs);
    await deps.settled.check(signal);
    doing = "archives";
    await care.reconcile();
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    log.debug("what a start leaves for later is done", { seconds });
  }

  return {
    start(leftovers) {
      deps.lost.begin();
      running = work(leftovers)
        .catch((error) => log.error("cannot tidy up after the start", { doing, reason: messageOf(error) }))
        .finally(() => {
          isRecovered = true;
          doing = null;
        });
    },
    mayMerge: () => isRecovered,
    status: () => ({ doing, days_checked: care.daysChecked() }),
    async stop() {
      stopping.abort();
      await care.stop();
      await running;
    },
  };
}
