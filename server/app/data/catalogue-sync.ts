import { createCatalogueIndex } from "../../archive/catalogue-index.ts";
import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { Day } from "../../domain/day.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Repair } from "../../recorder/recover/recovery.ts";
import { findLiveMissingIds } from "../../storage/ids/live-ids.ts";
import type { Manifest } from "../../storage/manifest.ts";

type CatalogueParts = {
  readonly catalogue: LiveCatalogue;
  readonly journal: Journal;
  readonly dataDir: string;
  readonly nowUs: () => number;
  /** The data folder was deleted under us and is to be taken again. */
  readonly renewFolder: () => void;
  readonly log: Log;
};

/** Keeps the catalogue in step with journal and files; none of it keeps anybody waiting, and none of it fails the recording. */
export type CatalogueSync = ReturnType<typeof createCatalogueSync>;

/** Days at whose look through the archives a word is logged. */
const toldEvery = 50_000;

/** Nothing happens before `start`. */
export function createCatalogueSync(parts: CatalogueParts) {
  const { catalogue, journal, dataDir, nowUs, log } = parts;
  const stopping = new AbortController();
  const shelf = createCatalogueIndex(
    { dataDir },
    {
      list: {
        note: catalogue.archiveDays.note,
        manifestMs: catalogue.archiveDays.manifestMs,
        after: catalogue.archiveDays.after,
        change: (found, gone) =>
          catalogue.changeArchives((days) => {
            for (const { entry, manifestMs } of found) days.note(entry, manifestMs);
            for (const day of gone) days.remove(day);
          }),
      },
      log,
    },
  );
  /** Why the catalogue knows nothing of the archives, or null. */
  let fresh: string | null = null;
  let isDue = true;
  let mayRun = false;
  let running: Promise<void> | null = null;
  let days: number | null = null;

  function noteEvent(kind: string, message: string): void {
    catalogue.noteEvent({ at_us: nowUs(), kind, message });
  }

  /** Makes the list of archives agree with the files; one that knows nothing gets the gaps in the manifests as well. */
  async function reconcile(): Promise<void> {
    const why = fresh;
    let [gaps, manifests] = [0, 0];
    isDue = false;
    days = 0;
    const outcome = await shelf.reconcile({
      signal: stopping.signal,
      onProgress(done) {
        if (Math.floor(done / toldEvery) > Math.floor((days ?? 0) / toldEvery))
          log.info("looking through the archives beside the recording", { days: done });
        days = done;
      },
      ...(why !== null && {
        onRead(read: readonly Manifest[]) {
          manifests += read.length;
          const found = read.flatMap(({ stream, symbol, gaps: own }) => own.map((gap) => ({ stream, symbol, ...gap })));
          gaps += found.length;
          return catalogue.changeArchives((_days, noteDayGaps) => noteDayGaps(found));
        },
      }),
    });
    if (outcome === "unavailable") isDue = true;
    if (outcome !== "done") return;
    catalogue.setComplete();
    if (fresh === why) fresh = null;
    if (why === null || (days === 0 && why === "was not there" && journal.gapsSince(0).length === 0)) return;
    const message = `the catalogue ${why}; it was made again from journal and files`;
    log.warn(message, { archives: manifests, gaps });
    noteEvent("rebuild", `${message}: ${manifests} archives, ${gaps} gaps`);
  }

  function run(): void {
    if (!mayRun || !isDue || running !== null || stopping.signal.aborted || catalogue.away() !== null) return;
    running = reconcile()
      .catch((error) => log.warn("cannot look through the archives", { reason: messageOf(error) }))
      .finally(() => {
        running = null;
        days = null;
      });
  }

  return {
    noteEvent,
    start() {
      journal.onGap(catalogue.follow);
      catalogue.start((why) => {
        fresh = why ?? fresh;
        isDue = true;
      });
    },
    /** Tells of what recovery has repaired. */
    noteRepairs(repairs: readonly Repair[]): void {
      for (const { kind, path, message } of repairs) log.warn("repaired after a crash", { kind, path, message });
      for (const { path, message } of repairs) noteEvent("repair", `${path}: ${message}`);
    },
    /** From now on the archives are looked through, whenever that is due. Resolves when they first were. */
    async reconcile(): Promise<void> {
      mayRun = true;
      run();
      await running;
    },
    /**
     * Where neither a journal nor a catalogue knew anything: the holes of days that are not merged yet, from their segments. Takes as
     * long as reading them.
     */
    async findUnmergedHoles(unmerged: readonly Day[], beforeUs: number): Promise<void> {
      let count = 0;
      for (const day of unmerged) {
        if (stopping.signal.aborted) return;
        const gaps = await findLiveMissingIds(dataDir, day, beforeUs);
        journal.saveGaps(gaps);
        count += gaps.length;
      }
      if (count > 0)
        log.warn("gaps of days that are not merged yet were found again in their segments", { gaps: count });
    },
    noteArchive: (manifest: Manifest, isVerified: boolean) => shelf.note(manifest, isVerified ? nowUs() : null),
    forgetArchive: (day: Day) => catalogue.archiveDays.remove(day),
    /** Call it once a second. */
    look(): void {
      journal.poll();
      if (catalogue.look() === "restored") {
        try {
          parts.renewFolder();
        } catch (error) {
          log.error("the data folder cannot be taken again", { data_dir: dataDir, reason: messageOf(error) });
        }
        noteEvent("repair", "the catalogue's file was deleted or replaced while it was in use");
      }
      run();
    },
    /** It knows nothing of the archives yet. */
    isFresh: () => fresh !== null,
    /** Archived days read so far; null if no scan is running. */
    daysChecked: () => days,
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
