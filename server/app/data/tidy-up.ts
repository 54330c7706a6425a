import type { Archiver } from "../../archive/archiver.ts";
import type { Day, Segment } from "../../domain/day.ts";
import type { CatchUpStatus } from "../../domain/status.ts";
import { seriesKey } from "../../domain/stream.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { LostInSegment } from "../../recorder/recover/lost-span.ts";
import { type Leftovers, type RecoveryReport, recover } from "../../recorder/recover/recovery.ts";
import type { LostWhileAway } from "../gaps/lost-while-away.ts";
import type { SettledGaps } from "../gaps/settled-gaps.ts";
import type { CatalogueSync } from "./catalogue-sync.ts";

/*
 * The work of a start that runs beside the recording, step by step, a few milliseconds at a time:
 *
 *   1. recovery    cuts broken tails, completes or removes half-finished pairs of files, checks open segments for gaps and seals them;
 *                  records gaps for records that the last run had on disk and that are gone. Does not touch files of this run.
 *   2. merging     of past days is allowed only after step 1 (`mayMerge`)
 *   3. gaps        updates manifests from the journal
 *   4. archives    compares the catalogue's list with every manifest
 *
 * After a crash or a stop at any point, the next start does the rest.
 */

/** Work that a start does in the background. */
export type TidyUp = {
  /** Begins; returns at once. */
  start(leftovers: Leftovers): void;
  /** False while recovery has not checked all days. */
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
  /** Checks a segment that the last run left open for gaps, before it is sealed, or the newest sealed segment of a day. */
  readonly findHoles: (place: Segment | Day) => Promise<void>;
  readonly lost: LostWhileAway;
  /** Records a gap for records that recovery could not save. */
  readonly onLost: (lost: LostInSegment) => Promise<void>;
  /** Tells whether both journal and catalogue were lost; then gaps are searched for in the segments. */
  readonly isLost: () => boolean;
  readonly onRecovered: (report: RecoveryReport) => void;
  readonly log: Log;
};

/** Creates the background work; `start` starts it. */
export function createTidyUp(deps: Deps): TidyUp {
  const { dataDir, care, log } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  let isRecovered = false;
  let step: CatchUpStatus["doing"] = null;
  let running: Promise<void> = Promise.resolve();

  async function onOrphan(segment: Segment): Promise<void> {
    await deps.findHoles(segment);
    deps.archiver().seal(segment);
  }

  async function runSteps(leftovers: Leftovers): Promise<void> {
    const startedMs = performance.now();
    step = "recovery";
    const lost: LostInSegment[] = [];
    const onLost = async (loss: LostInSegment) => {
      if (loss.untilUs === undefined) lost.push(loss);
      else await deps.onLost(loss);
    };
    const report = await recover(dataDir, leftovers, { onOrphan, onLost, signal });
    if (signal.aborted) return;
    await deps.lost.check(signal);
    for (const loss of lost) await deps.onLost(loss);
    // The days come oldest first. Losses that are known by now are not recorded again.
    const newest = new Map(leftovers.days.map((day) => [seriesKey(day.stream, day.symbol), day]));
    for (const day of newest.values()) await deps.findHoles(day);
    care.recordRepairs(report.repairs);
    deps.onRecovered(report);
    isRecovered = true;
    step = "gaps";
    if (deps.isLost()) await care.findUnmergedHoles(leftovers.days, deps.startedUs);
    await deps.settled.check(signal);
    step = "archives";
    await care.reconcile();
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    log.debug("background work of the start is done", { seconds });
  }

  return {
    start(leftovers) {
      deps.lost.begin();
      running = runSteps(leftovers)
        .catch((error) =>
          log.error("background work of the start failed; the next start repeats it", {
            doing: step,
            reason: messageOf(error),
          }),
        )
        .finally(() => {
          isRecovered = true;
          step = null;
        });
    },
    mayMerge: () => isRecovered,
    status: () => ({ doing: step, days_checked: care.daysChecked() }),
    async stop() {
      stopping.abort();
      await care.stop();
      await running;
    },
  };
}
