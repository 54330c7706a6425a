import type { Manifest } from "../archive/manifest.ts";
import { createShelf, type Shelf } from "../archive/shelf.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Gap } from "../gap.ts";
import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import { findLiveHoles, lastLiveUs } from "../recorder/live-holes.ts";
import type { RecoveryReport } from "../recorder/recovery.ts";
import type { Day } from "../segment.ts";

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
  const shelf = createShelf({ dataDir }, { catalogue, log });
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
      wasLost = await reconcile(parts, shelf, days);
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
      attempt(() => shelf.note(manifest, isVerified ? nowUs() : null)),
    forgetArchive: (day: Day) => attempt(() => catalogue.archiveDays.remove(day)),
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
 * Makes the catalogue agree with the files: archives that it does not know or that have changed are noted, those that are gone are
 * removed. One that knows of no record, since it was deleted or damaged, or since the first run crashed before it had noted one, gets the
 * end of the run before this one from the newest records; one that knows nothing at all also gets the gaps of merged days from their
 * manifests; all of it or, if we die meanwhile, nothing. Call it before the run begins. Resolves with true for one that knew nothing.
 */
async function reconcile(parts: CatalogueParts, shelf: Shelf, liveDays: readonly Day[]): Promise<boolean> {
  const { catalogue, dataDir, log } = parts;
  const knowsNothing = !catalogue.knowsRuns();
  const knowsRecords = catalogue.knowsRecords();
  const gaps: Gap[] = [];
  let lastUs = 0;
  const changes = await shelf.scan(({ stream, symbol, last_recv_us, gaps: own }) => {
    if (knowsNothing) for (const gap of own) gaps.push({ stream, symbol, ...gap });
    if (!knowsRecords) lastUs = Math.max(lastUs, last_recv_us);
  });
  const isLost = knowsNothing && changes.days + liveDays.length > 0;
  if (!knowsRecords)
    for (const day of newestOfEach(liveDays)) lastUs = Math.max(lastUs, (await lastLiveUs(dataDir, day)) ?? 0);
  catalogue.together(() => {
    shelf.take(changes);
    catalogue.noteGaps(gaps);
    if (lastUs > 0) catalogue.assumeRun(lastUs);
  });
  if (!isLost) return false;
  const what =
    catalogue.movedAsideTo === null ? "was not there" : `was damaged and lies at ${catalogue.movedAsideTo} now`;
  const message = `the catalogue ${what}; it was made again from the files`;
  log.warn(message, { archives: changes.days, gaps: gaps.length });
  catalogue.noteEvent({
    at_us: parts.nowUs(),
    kind: "rebuild",
    message: `${message}: ${changes.days} archives, ${gaps.length} gaps`,
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

function newestOfEach(days: readonly Day[]): Day[] {
  const newest = new Map<string, Day>();
  for (const day of days) {
    const key = `${day.stream}/${day.symbol}`;
    if ((newest.get(key)?.date ?? "") < day.date) newest.set(key, day);
  }
  return [...newest.values()];
}
