import { archiveEntry, readArchiveEntry } from "./archive/archive-entry.ts";
import { archivedDays } from "./archive/archived-days.ts";
import type { Manifest } from "./archive/manifest.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import type { Log } from "./log.ts";
import { messageOf } from "./problem.ts";
import { findLiveHoles, lastLiveUs } from "./recorder/live-holes.ts";
import type { RecoveryReport } from "./recorder/recovery.ts";
import type { Day } from "./segment.ts";

type CatalogueParts = {
  readonly catalogue: Catalogue;
  readonly dataDir: string;
  readonly nowUs: () => number;
  /** The data folder was deleted under us and is to be taken again. */
  readonly renewFolder: () => void;
  readonly log: Log;
};

/** Keeps the catalogue true. What cannot be written to it, on a full disk say, is told of and never stops the recording. */
export function createCatalogueCare(parts: CatalogueParts) {
  const { catalogue, dataDir, nowUs, log } = parts;
  /** It knew nothing of what the files hold. */
  let wasLost = false;

  function attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      log.warn("cannot write to the catalogue", { reason: messageOf(error) });
    }
  }

  function noteEvent(kind: string, message: string): void {
    attempt(() => catalogue.noteEvent({ at_us: nowUs(), kind, message }));
  }

  return {
    noteEvent,
    /** Tells of what recovery has repaired, and makes the catalogue agree with the files; before the run begins. */
    async afterRecovery({ repairs, days }: RecoveryReport): Promise<void> {
      wasLost = await reconcile(parts, days);
      for (const { kind, path, message } of repairs) log.warn("repaired after a crash", { kind, path, message });
      attempt(() => {
        catalogue.together(() => {
          for (const { path, message } of repairs)
            catalogue.noteEvent({ at_us: nowUs(), kind: "repair", message: `${path}: ${message}` });
        });
      });
    },
    /** Notes the start; goes on, in nobody's way, with what takes long. */
    started(version: string, { days }: RecoveryReport, startedUs: number): void {
      noteEvent("start", `rt-data ${version}`);
      if (!wasLost) return;
      findUnmergedHoles(parts, days, startedUs).catch((error) =>
        log.warn("holes of days that are not merged yet could not be looked for", { reason: messageOf(error) }),
      );
    },
    noteRun(lastRecvUs: number | null, clean: boolean): void {
      if (lastRecvUs !== null) attempt(() => catalogue.noteRun(lastRecvUs, clean));
      if (clean) noteEvent("stop", "stopped of its own will");
    },
    noteArchive: (manifest: Manifest, isVerified: boolean) =>
      attempt(() => catalogue.noteArchive(archiveEntry(manifest, isVerified ? nowUs() : null))),
    forgetArchive: (day: Day) => attempt(() => catalogue.removeArchive(day)),
    /** Looks, once a second, whether somebody has deleted the file, and with it perhaps the whole folder. */
    look(): void {
      attempt(() => {
        if (!catalogue.restoreFile()) return;
        parts.renewFolder();
        log.error("the data folder was deleted while it was recorded into; it is made again", { data_dir: dataDir });
        noteEvent("repair", "the data folder was deleted while it was recorded into");
      });
    },
  };
}

/**
 * Makes the catalogue agree with the files: archives that it does not know are added, those that are gone are removed. One that
 * knows nothing, since it was deleted or damaged, gets the gaps of merged days from their manifests, and the end of the run
 * before this one from the newest records. Call it before the run begins. Resolves with true for such a one.
 */
async function reconcile(parts: CatalogueParts, liveDays: readonly Day[]): Promise<boolean> {
  const { catalogue, dataDir, log } = parts;
  const known = new Map(catalogue.archives().map((day) => [keyOf(day), day]));
  const days = await archivedDays(dataDir);
  const isLost = catalogue.isNew && !catalogue.knowsRuns() && (days.length > 0 || liveDays.length > 0);
  let lastUs = 0;
  let gaps = 0;
  const found: { readonly entry: NonNullable<Awaited<ReturnType<typeof readArchiveEntry>>>; readonly day: Day }[] = [];
  for (const day of days) {
    const before = known.get(keyOf(day));
    known.delete(keyOf(day));
    const entry = await readEntry(parts, day);
    if (entry === null) continue;
    lastUs = Math.max(lastUs, entry.manifest.last_recv_us);
    if (before === undefined || before.rows !== entry.entry.rows || before.gaps !== entry.entry.gaps)
      found.push({ entry, day });
  }
  catalogue.together(() => {
    for (const { entry, day } of found) {
      catalogue.noteArchive(entry.entry);
      if (!isLost) continue;
      const { stream, symbol } = day;
      catalogue.noteGaps(entry.manifest.gaps.map((gap) => ({ stream, symbol, ...gap })));
      gaps += entry.manifest.gaps.length;
    }
    for (const gone of known.values()) catalogue.removeArchive(gone);
  });
  if (!isLost) return false;
  for (const day of newestOfEach(liveDays)) lastUs = Math.max(lastUs, (await lastLiveUs(dataDir, day)) ?? 0);
  if (lastUs > 0) catalogue.assumeRun(lastUs);
  const what =
    catalogue.movedAsideTo === null ? "was not there" : `was damaged and lies at ${catalogue.movedAsideTo} now`;
  const message = `the catalogue ${what}; it was made again from the files`;
  log.warn(message, { archives: days.length, gaps });
  catalogue.noteEvent({
    at_us: parts.nowUs(),
    kind: "rebuild",
    message: `${message}: ${days.length} archives, ${gaps} gaps`,
  });
  return true;
}

/**
 * The second half for a catalogue that knew nothing: the holes of days that are not merged yet, from their segments. Takes as long
 * as reading them, and is in nobody's way.
 */
async function findUnmergedHoles(parts: CatalogueParts, days: readonly Day[], beforeUs: number): Promise<void> {
  const { catalogue, dataDir, log } = parts;
  let count = 0;
  for (const day of days) {
    const gaps = await findLiveHoles(dataDir, day, beforeUs);
    catalogue.noteGaps(gaps);
    count += gaps.length;
  }
  if (count > 0) log.warn("gaps of days that are not merged yet were found again in their segments", { gaps: count });
}

async function readEntry({ dataDir, log }: CatalogueParts, day: Day) {
  try {
    return await readArchiveEntry(dataDir, day);
  } catch (error) {
    log.warn("an archive's manifest cannot be read; see `rt-data verify`", { ...day, reason: messageOf(error) });
    return null;
  }
}

function newestOfEach(days: readonly Day[]): Day[] {
  const newest = new Map<string, Day>();
  for (const day of days) {
    const key = `${day.stream}/${day.symbol}`;
    if ((newest.get(key)?.date ?? "") < day.date) newest.set(key, day);
  }
  return [...newest.values()];
}

function keyOf({ stream, symbol, date }: Day): string {
  return `${stream}/${symbol}/${date}`;
}
