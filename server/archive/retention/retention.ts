import { randomUUID } from "node:crypto";
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

/** Removes archives that are over a limit from this disk. */
export type Retention = {
  /** Looks once; at most one look is under way at a time. `dryRun` removes nothing. Rejects where a folder cannot be read. */
  run(dryRun?: boolean): Promise<RetentionReport>;
  /** What the last look left over because an hour may remove only so much; null if nothing. */
  waiting(): RemovalsWaiting | null;
};

/** Archives that are over a limit, but wait for a later look: those of `dates` dates, `from` the oldest `to` the newest. */
export type RemovalsWaiting = {
  readonly dates: number;
  readonly archives: number;
  readonly from: string;
  readonly to: string;
  /** This many dates go in an hour. */
  readonly limit: number;
};

/**
 * `kept` are over a limit as well, but not safe to remove, for the reason given. `postponed` more wait for a later look, since one
 * may remove only so much.
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
   * What ages count to while the time is not confirmed: nothing goes for its age ("keep"), or they count from the newest archived day,
   * but to no later date than `latest`.
   */
  readonly unconfirmed: "keep" | { readonly latest: string };
  /** True: one hour's looks remove no more than seven dates. */
  readonly isCapped: boolean;
};

export type RetentionDeps = {
  /** Only a confirmed time makes anything go for its age. */
  readonly time: () => ConfirmedTime;
  /** Null if the day is where it should be besides this disk, or need not be; else what is missing. */
  readonly notUploaded: (day: Day, manifest: Manifest) => string | null;
  /** The same, asked of the place itself when all else is in order, right before the day goes. */
  readonly notThere?: (day: Day, manifest: Manifest, isDryRun: boolean) => Promise<string | null>;
  /** A day is gone from this disk. */
  readonly onRemoved?: (day: Day) => void;
  readonly log: Log;
  /** Instead of the file system's own answer. */
  readonly freeBytes?: () => Promise<number>;
};

/**
 * A day ends once a day, so that one date is due at a time. More than this within an hour means that a limit was lowered, that the
 * recorder did not run for long, or that something is wrong: there must be time to look.
 */
const mostDates = 7;
/** A little less than the hour between two looks, so that each look may remove that much. */
const capMs = 3_590_000;

/**
 * The retention of a data folder. Only archived days go, oldest first, never today, and only if the archive has the size and the
 * checksum that its manifest says, nothing of the day waits to be merged, and it is uploaded where it should be. A day goes at
 * once, by a rename; what a crash leaves of it is removed by the next look.
 */
export function createRetention(options: RetentionOptions, deps: RetentionDeps): Retention {
  const { dataDir, limits } = options;
  /** When something of a date was last removed, ms of the monotonic clock. */
  const removedMs = new Map<string, number>();
  /** The second is for archives on a file system of their own, which a folder cannot leave by a rename. */
  const removing = [join(dataDir, "removing"), join(dataDir, "archive", ".removing")];
  const told = new Map<string, string>();
  let running: Promise<RetentionReport> | null = null;
  let waiting: RemovalsWaiting | null = null;

  async function look(dryRun: boolean): Promise<RetentionReport> {
    const removed: Removal[] = [];
    const kept: { day: Day; why: string }[] = [];
    if (!dryRun) for (const folder of removing) rmSync(folder, { recursive: true, force: true });
    const atMs = performance.now();
    const later: string[] = [];
    let postponed = 0;
    if (limits.days === 0 && limits.gb === 0 && limits.minFreeGb === 0) return { removed, kept, postponed };
    const archived = await candidates(dataDir);
    // There may be no folder to measure either.
    if (archived.length === 0) {
      waiting = dryRun ? waiting : null;
      return { removed, kept, postponed };
    }
    const freeBytes = await (deps.freeBytes ?? (() => freeBytesOf(join(dataDir, "archive"))))();
    const at = { dataDir, limits, today: today(archived), archived };
    const plan = planRetention(archived, limits, { today: at.today, freeBytes });
    for (let next = plan.next(); !next.done; ) {
      const removal = next.value;
      if (!mayGo(removal.day.date)) {
        postponed++;
        if (later.at(-1) !== removal.day.date) later.push(removal.day.date);
        next = plan.next(true);
        continue;
      }
      // Ten thousand days that are not uploaded yet must not hold the main thread up.
      await Bun.sleep(0);
      const why = await unsafe(removal.day, at, dryRun);
      if (why === null) {
        if (!dryRun) {
          await remove(removal);
          removedMs.set(removal.day.date, atMs);
        }
        removed.push(removal);
      } else {
        kept.push({ day: removal.day, why });
        if (!dryRun) tell(removal, why);
      }
      next = plan.next(why === null);
    }
    if (!dryRun) {
      if (postponed > 0) tellPostponed(removed.length, postponed);
      waiting = waitingOf(later, postponed);
    }
    return { removed, kept, postponed };
  }

  /** The date that ages count to; null: nothing goes for its age. */
  function today(oldestFirst: readonly Candidate[]): string | null {
    const time = deps.time();
    const newest = oldestFirst.at(-1)?.day.date;
    if (time.kind === "confirmed") return dateOf(time.us);
    if (options.unconfirmed === "keep" || newest === undefined) return null;
    const after = dateOf(dateStartUs(newest) + dayUs);
    return [after, options.unconfirmed.latest].sort()[0] ?? null;
  }

  function mayGo(date: string): boolean {
    if (!options.isCapped) return true;
    for (const [past, ms] of removedMs) if (performance.now() - ms > capMs) removedMs.delete(past);
    return removedMs.has(date) || removedMs.size < mostDates;
  }

  function tellPostponed(removed: number, postponed: number): void {
    deps.log.error("more archives are over a limit than are removed at once; the next ones go in an hour", {
      ...{ removed, postponed, ...limits },
      hint: "raise the limit in [archive] if they are to stay; `rt-data retention`, with the recorder stopped, removes them now",
    });
  }

  async function unsafe(day: Day, at: AgeContext, dryRun: boolean): Promise<string | null> {
    if (existsSync(liveFolder(dataDir, day))) return "segments of this day wait to be merged";
    let manifest: Manifest | null;
    try {
      manifest = readManifest(dataDir, day);
      if (manifest === null) return "it has no manifest";
      const stamped = await keptForItsStamps(day, manifest, at);
      if (stamped !== null) return stamped;
      const missing = deps.notUploaded(day, manifest);
      if (missing !== null) return missing;
      const hash = new Bun.CryptoHasher("sha256");
      // In pieces that hold the main thread up for 0.1 ms each.
      const file = createReadStream(archivePath(dataDir, day), { highWaterMark: 128 * 1024 });
      for await (const chunk of file as AsyncIterable<Buffer>) hash.update(chunk);
      if (hash.digest("hex") !== manifest.compressed_sha256) return "it is not what its manifest says";
      const gone = (await deps.notThere?.(day, manifest, dryRun)) ?? null;
      if (gone !== null) return gone;
      // Late segments may have come, or been merged, while the place was asked.
      if (existsSync(liveFolder(dataDir, day))) return "segments of this day wait to be merged";
      return readManifest(dataDir, day)?.compressed_sha256 === manifest.compressed_sha256
        ? null
        : "it was merged again just now";
    } catch (error) {
      return messageOf(error);
    }
  }

  async function remove({ day, bytes, reason }: Removal): Promise<void> {
    const folder = archiveFolder(dataDir, day);
    const grave = bury(folder);
    syncFolder(dirname(folder));
    rmSync(grave, { recursive: true, force: true });
    await removeIfEmpty(dirname(folder));
    deps.onRemoved?.(day);
    deps.log.info("removed an archive from this disk", { ...day, bytes, reason });
  }

  /** Moves it out of sight at once; the last place is beside it, for a stream or symbol that is a mount of its own. */
  function bury(folder: string): string {
    for (const place of [...removing, dirname(folder)]) {
      const grave = join(place, place === dirname(folder) ? `.removing-${randomUUID()}` : randomUUID());
      try {
        mkdirSync(place, { recursive: true });
        renameSync(folder, grave);
        return grave;
      } catch (error) {
        if (codeOf(error) !== "EXDEV") throw error;
      }
    }
    throw new Error(`EXDEV: ${folder} is a mount of its own, which cannot be removed`);
  }

  /** Once for each day and reason, since every look meets with it again. */
  function tell({ day, reason }: Removal, why: string): void {
    const name = archiveFolder(dataDir, day);
    if (told.get(name) === why) return;
    told.set(name, why);
    deps.log.warn("an archive should go, but is kept", { ...day, reason, kept_since: why });
  }

  return {
    run(dryRun = false) {
      running ??= look(dryRun).finally(() => {
        running = null;
      });
      return running;
    },
    waiting: () => waiting,
  };
}

/** `dates` are in order. */
function waitingOf(dates: readonly string[], archives: number): RemovalsWaiting | null {
  const [from, to] = [dates[0], dates.at(-1)];
  if (from === undefined || to === undefined) return null;
  return { dates: dates.length, archives, from, to, limit: mostDates };
}

/** A symbol that is recorded no more leaves no folders behind. */
async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => {});
}
