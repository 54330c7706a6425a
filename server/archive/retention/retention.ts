import { dirname, join } from "node:path";
import { archiveFolder, archivePath, type Day, dateOf, dateStartUs, dayUs, liveFolder } from "../../domain/day.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { syncFolder } from "../../platform/files/durable-files.ts";
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync } from "../../platform/files/files.ts";
import { rmdir } from "../../platform/files/files-async.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { type Manifest, readManifest } from "../../storage/manifest.ts";
import {
  type Candidate,
  candidates,
  freeBytesOf,
  planRetention,
  type Removal,
  type RetentionLimits,
} from "./retention-plan.ts";
import { type AgeContext, keptForItsStamps } from "./wrong-stamps.ts";

/** Removes archives that exceed a limit from this disk. */
export type Retention = {
  /** Runs once; a call during a run joins it. `dryRun` only lists. @throws if a folder cannot be read */
  run(dryRun?: boolean): Promise<RetentionReport>;
  /** Archives that the last run postponed because of the hourly limit; null without postponed archives. */
  waiting(): RemovalsWaiting | null;
};

/** Archives that exceed a limit but wait for a later run: `archives` archives of `dates` dates, from the oldest to the newest. */
export type RemovalsWaiting = {
  readonly dates: number;
  readonly archives: number;
  readonly from: string;
  readonly to: string;
  /** Dates that may be removed per hour. */
  readonly limit: number;
};

/**
 * The result of a run. `kept`: archives that exceed a limit but are not safe to remove, with the reason. `postponed`: number of
 * archives that wait for a later run because of the hourly limit.
 */
export type RetentionReport = {
  readonly removed: readonly Removal[];
  readonly kept: readonly { readonly day: Day; readonly why: string }[];
  readonly postponed: number;
};

export type RetentionOptions = {
  readonly dataDir: string;
  readonly limits: RetentionLimits;
  /**
   * How age is measured while the time is not confirmed. "keep": the age limit is not applied. Else age is measured to the day after
   * the newest archived day, but at most to `latest`.
   */
  readonly unconfirmed: "keep" | { readonly latest: string };
  /** True: at most seven dates are removed per hour. */
  readonly isCapped: boolean;
};

export type RetentionDeps = {
  /** The current time. The age limit needs a confirmed time. */
  readonly time: () => ConfirmedTime;
  /** Why the day is not uploaded yet, from local records; null if it is uploaded or need not be. */
  readonly notUploaded: (day: Day, manifest: Manifest) => string | null;
  /** The same, asked of the bucket itself right before the day is removed. */
  readonly notThere?: (day: Day, manifest: Manifest, isDryRun: boolean) => Promise<string | null>;
  /** A day was removed from this disk. */
  readonly onRemoved?: (day: Day) => void;
  readonly log: Log;
  /** Replaces the file system's answer. */
  readonly freeBytes?: () => Promise<number>;
};

/**
 * Dates that may be removed per hour. Normally one date a day is due. More dates mean that a limit was lowered, that the recorder was
 * off for long, or that something is wrong: the operator gets time to check.
 */
const mostDates = 7;
/** A little less than the hour between two runs, so that each run may remove the full number. */
const capMs = 3_590_000;

/**
 * Creates the retention of a data folder. It removes archived days only, oldest first, never today. An archive is removed only if no
 * segment of the day waits to be merged, it is uploaded (if uploads are configured), and its checksum matches its manifest. A day
 * disappears at once, by a rename. The next run removes the files that a crash leaves behind.
 */
export function createRetention(options: RetentionOptions, deps: RetentionDeps): Retention {
  const { dataDir, limits } = options;
  /** When an archive of a date was last removed, ms of the monotonic clock. */
  const removedMs = new Map<string, number>();
  /** The second folder is for an `archive/` on its own file system, because a rename cannot leave a file system. */
  const removing = [join(dataDir, "removing"), join(dataDir, "archive", ".removing")];
  /** Last logged reason for keeping an archive, by folder: each is logged once, although every run finds the same archives. */
  const loggedReasons = new Map<string, string>();
  let running: Promise<RetentionReport> | null = null;
  let waiting: RemovalsWaiting | null = null;

  async function runOnce(dryRun: boolean): Promise<RetentionReport> {
    const removed: Removal[] = [];
    const kept: { day: Day; why: string }[] = [];
    if (!dryRun) for (const folder of removing) rmSync(folder, { recursive: true, force: true });
    const atMs = performance.now();
    const laterDates: string[] = [];
    let postponed = 0;
    if (limits.days === 0 && limits.gb === 0 && limits.minFreeGb === 0) return { removed, kept, postponed };
    const archived = await candidates(dataDir);
    // Without archives the folder whose free space is measured below may not exist.
    if (archived.length === 0) {
      waiting = dryRun ? waiting : null;
      return { removed, kept, postponed };
    }
    const freeBytes = await (deps.freeBytes ?? (() => freeBytesOf(join(dataDir, "archive"))))();
    const at = { dataDir, limits, today: todayOf(archived), archived };
    const plan = planRetention(archived, limits, { today: at.today, freeBytes });
    for (let next = plan.next(); !next.done; ) {
      const removal = next.value;
      if (!mayGo(removal.day.date)) {
        postponed++;
        if (laterDates.at(-1) !== removal.day.date) laterDates.push(removal.day.date);
        next = plan.next(true);
        continue;
      }
      // Ten thousand days that are not uploaded yet must not block the main thread.
      await Bun.sleep(0);
      const why = await whyKept(removal.day, at, dryRun);
      if (why === null) {
        if (!dryRun) {
          await remove(removal);
          removedMs.set(removal.day.date, atMs);
        }
        removed.push(removal);
      } else {
        kept.push({ day: removal.day, why });
        if (!dryRun) logKept(removal, why);
      }
      next = plan.next(why === null);
    }
    if (!dryRun) {
      if (postponed > 0) logPostponed(removed.length, postponed);
      waiting = waitingOf(laterDates, postponed);
    }
    return { removed, kept, postponed };
  }

  /** Returns the date to which age is measured; null: the age limit is not applied. */
  function todayOf(oldestFirst: readonly Candidate[]): string | null {
    const time = deps.time();
    const newest = oldestFirst.at(-1)?.day.date;
    if (time.kind === "confirmed") return dateOf(time.us);
    if (options.unconfirmed === "keep" || newest === undefined) return null;
    const after = dateOf(dateStartUs(newest) + dayUs);
    return [after, options.unconfirmed.latest].sort()[0] ?? null;
  }

  function mayGo(date: string): boolean {
    if (!options.isCapped) return true;
    for (const [removedDate, ms] of removedMs) if (performance.now() - ms > capMs) removedMs.delete(removedDate);
    return removedMs.has(date) || removedMs.size < mostDates;
  }

  function logPostponed(removed: number, postponed: number): void {
    deps.log.error("more archives exceed a limit than are removed per hour; the rest follows in an hour", {
      removed,
      postponed,
      ...limits,
      hint: "to keep them, raise the limit in [archive]; to remove them now, stop the recorder and run `rt-data retention`",
    });
  }

  async function whyKept(day: Day, at: AgeContext, dryRun: boolean): Promise<string | null> {
    if (existsSync(liveFolder(dataDir, day))) return "segments of this day wait to be merged";
    let manifest: Manifest | null;
    try {
      manifest = readManifest(dataDir, day);
      if (manifest === null) return "it has no manifest";
      const stampReason = await keptForItsStamps(day, manifest, at);
      if (stampReason !== null) return stampReason;
      const missing = deps.notUploaded(day, manifest);
      if (missing !== null) return missing;
      const hash = new Bun.CryptoHasher("sha256");
      // Pieces of this size block the main thread for 0.1 ms each.
      const file = createReadStream(archivePath(dataDir, day), { highWaterMark: 128 * 1024 });
      for await (const chunk of file as AsyncIterable<Buffer>) hash.update(chunk);
      if (hash.digest("hex") !== manifest.compressed_sha256) return "it does not match its manifest";
      const missingThere = (await deps.notThere?.(day, manifest, dryRun)) ?? null;
      if (missingThere !== null) return missingThere;
      // While the bucket was asked, late segments may have arrived or been merged.
      if (existsSync(liveFolder(dataDir, day))) return "segments of this day wait to be merged";
      return readManifest(dataDir, day)?.compressed_sha256 === manifest.compressed_sha256
        ? null
        : "it was just merged again";
    } catch (error) {
      return messageOf(error);
    }
  }

  async function remove({ day, bytes, reason }: Removal): Promise<void> {
    const folder = archiveFolder(dataDir, day);
    const movedTo = moveOut(folder);
    syncFolder(dirname(folder));
    rmSync(movedTo, { recursive: true, force: true });
    await removeIfEmpty(dirname(folder));
    deps.onRemoved?.(day);
    deps.log.info("removed an archive from this disk", { ...day, bytes, reason });
  }

  /** Renames a day's folder out of the archive; returns its new path. The last parent is for a stream or symbol that is a mount. */
  function moveOut(folder: string): string {
    for (const parent of [...removing, dirname(folder)]) {
      const target = join(parent, `${parent === dirname(folder) ? ".removing-" : ""}${crypto.randomUUID()}`);
      try {
        mkdirSync(parent, { recursive: true });
        renameSync(folder, target);
        return target;
      } catch (error) {
        if (codeOf(error) !== "EXDEV") throw error;
      }
    }
    throw new Error(`EXDEV: ${folder} is a separate mount and cannot be removed`);
  }

  function logKept({ day, reason }: Removal, why: string): void {
    const name = archiveFolder(dataDir, day);
    if (loggedReasons.get(name) === why) return;
    loggedReasons.set(name, why);
    deps.log.warn("cannot remove an archive that exceeds a limit", { ...day, reason, kept_since: why });
  }

  return {
    run(dryRun = false) {
      running ??= runOnce(dryRun).finally(() => {
        running = null;
      });
      return running;
    },
    waiting: () => waiting,
  };
}

function waitingOf(dates: readonly string[], archives: number): RemovalsWaiting | null {
  const [from, to] = [dates[0], dates.at(-1)];
  if (from === undefined || to === undefined) return null;
  return { dates: dates.length, archives, from, to, limit: mostDates };
}

/** Removes the folder of a symbol without archives. */
async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => {});
}
