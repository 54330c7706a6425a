import { createCatalogueIndex } from "../../archive/catalogue-index.ts";
import { noFileBefore } from "../../catalogue/file/file-texts.ts";
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
  /** Receipt of a stream's very first record, µs; null if unknown. */
  readonly sinceUs?: (series: Pick<Day, "stream" | "symbol">) => number | null;
  /** Takes the data folder's lock again after somebody deleted the folder. */
  readonly renewFolder: () => void;
  readonly log: Log;
};

/** Keeps the catalogue in step with journal and files. It never blocks or fails the recording. */
export type CatalogueSync = ReturnType<typeof createCatalogueSync>;

/** The scan of the archives logs its progress every this many days. */
const logEvery = 50_000;

/** Creates the synchronisation; `start` starts it. */
export function createCatalogueSync(parts: CatalogueParts) {
  const { catalogue, journal, dataDir, nowUs, log } = parts;
  const stopping = new AbortController();
  const index = createCatalogueIndex(
    { dataDir },
    {
      list: {
        save: catalogue.archiveDays.save,
        manifestMs: catalogue.archiveDays.manifestMs,
        after: catalogue.archiveDays.after,
        change: (changed, removed) =>
          catalogue.changeArchives((days) => {
            for (const { entry, manifestMs } of changed) days.save(entry, manifestMs);
            for (const day of removed) days.remove(day);
          }),
      },
      sinceUs: parts.sinceUs,
      log,
    },
  );
  /** Why the catalogue has no list of archives yet, or null. */
  let fresh: string | null = null;
  let isDue = true;
  let mayRun = false;
  let running: Promise<void> | null = null;
  let days: number | null = null;

  function noteEvent(kind: string, message: string): void {
    catalogue.addEvent({ at_us: nowUs(), kind, message });
  }

  /** Updates the list of archives from the files. A new catalogue also gets the gaps of all manifests. */
  async function reconcile(): Promise<void> {
    const why = fresh;
    let [gaps, manifests] = [0, 0];
    isDue = false;
    days = 0;
    const outcome = await index.reconcile({
      signal: stopping.signal,
      onProgress(done) {
        if (Math.floor(done / logEvery) > Math.floor((days ?? 0) / logEvery))
          log.info("scanning the archives while recording", { days: done });
        days = done;
      },
      ...(why !== null && {
        onRead(read: readonly Manifest[]) {
          manifests += read.length;
          const dayGaps = read.flatMap(({ stream, symbol, gaps: ofDay }) =>
            ofDay.map((gap) => ({ stream, symbol, ...gap })),
          );
          gaps += dayGaps.length;
          return catalogue.changeArchives((_days, noteDayGaps) => noteDayGaps(dayGaps));
        },
      }),
    });
    if (outcome === "unavailable") isDue = true;
    if (outcome !== "done") return;
    catalogue.setComplete();
    if (fresh === why) fresh = null;
    if (why === null || (days === 0 && why === noFileBefore && journal.gapsSince(0).length === 0)) return;
    const message = `the catalogue ${why}; it was rebuilt from journal and files`;
    log.warn(message, { archives: manifests, gaps });
    noteEvent("rebuild", `${message}: ${manifests} archives, ${gaps} gaps`);
  }

  function run(): void {
    if (!mayRun || !isDue || running !== null || stopping.signal.aborted || catalogue.away() !== null) return;
    running = reconcile()
      .catch((error) => log.warn("cannot scan the archives", { reason: messageOf(error) }))
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
    /** Logs the repairs of recovery and saves them as events. */
    recordRepairs(repairs: readonly Repair[]): void {
      for (const { kind, path, message } of repairs) log.warn("repaired after a crash", { kind, path, message });
      for (const { path, message } of repairs) noteEvent("repair", `${path}: ${message}`);
    },
    /** Allows scans of the archives, whenever they are due. Resolves after the first scan. */
    async reconcile(): Promise<void> {
      mayRun = true;
      run();
      await running;
    },
    /**
     * Finds the missing ids of unmerged days in their segments, if both journal and catalogue were lost. Reads all these segments, which
     * takes its time.
     */
    async findUnmergedHoles(unmerged: readonly Day[], beforeUs: number): Promise<void> {
      let count = 0;
      for (const day of unmerged) {
        if (stopping.signal.aborted) return;
        const gaps = await findLiveMissingIds(dataDir, day, beforeUs);
        journal.saveGaps(gaps);
        count += gaps.length;
      }
      if (count > 0) log.warn("recovered gaps of unmerged days from their segments", { gaps: count });
    },
    saveArchive: (manifest: Manifest, isVerified: boolean) => index.save(manifest, isVerified ? nowUs() : null),
    forgetArchive: (day: Day) => catalogue.archiveDays.remove(day),
    /** Call it once a second. */
    look(): void {
      journal.poll();
      if (catalogue.tick() === "restored") {
        try {
          parts.renewFolder();
        } catch (error) {
          log.error("cannot lock the data folder again after it was deleted", {
            data_dir: dataDir,
            reason: messageOf(error),
          });
        }
        noteEvent("repair", "the catalogue's file was deleted or replaced while it was in use");
      }
      run();
    },
    /** Tells whether the catalogue has no list of archives yet. */
    isFresh: () => fresh !== null,
    /** Returns the number of archived days scanned so far; null if no scan is running. */
    daysChecked: () => days,
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
