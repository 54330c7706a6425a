import type { Gap } from "../../domain/gap.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { GapSource } from "../gap-source.ts";
import { createMirror, type Mirror } from "../tables/mirror.ts";
import type { Tables } from "../tables/tables.ts";
import { writeGaps } from "../tables/write-gaps.ts";
import { type CatalogueFile, clearPath, openCatalogueFile, writeContent } from "./catalogue-file.ts";
import { isDamaged } from "./database.ts";
import { fileChanges, freshness, knownPosition } from "./file-texts.ts";

/*
 * The catalogue's file may be locked, damaged, replaced, on a full disk or gone at any moment. Nobody who reads or writes through here
 * ever hears of it:
 *
 *   ready   writes go to the mirror in memory and to the file; reads come from the file
 *   away    writes go to the mirror; reads come from the mirror
 *
 * ready → away at the first error. away → ready by `look`, once a second: the file is opened again, or a new one is begun if it was
 * damaged or is not ours; the mirror's rows are written to it; then every gap that the journal has noted since the position that the
 * file remembers. That position is written last, so that a crash anywhere only makes some of it happen twice, which is harmless.
 */

/** The catalogue's file as it comes and goes. */
export type Attachment = {
  readonly mirror: Mirror;
  /** The file's tables while it is ready, with all gaps; null while it is away. */
  ready(): Tables | null;
  /** The file's tables as long as it is open, also while it is away. */
  open(): Tables | null;
  /** The file has failed. */
  leave(error: unknown): void;
  /** The mirror was changed and the file was not. */
  noteNews(): void;
  /** To be done once the file is back; it has nothing to do with the mirror. */
  postpone(work: (tables: Tables) => void): void;
  follow(gap: Gap): void;
  /** `onFresh` hears that the file knows nothing of the archives, and why; null: it may know too little. */
  start(onFresh: (why: string | null) => void): void;
  /** Call it once a second. "restored": the file had been deleted or replaced and was written again. */
  look(): "restored" | null;
  /** Why the file is away, and since when; null while it is ready. */
  away(): { readonly reason: string; readonly sinceUs: number } | null;
  close(): void;
};

/** Changes that wait for the file; beyond it the archives are looked through again instead. */
const mostMissed = 10_000;
const longestRetryS = 10;

/** Nothing is opened before `start`. */
export function createAttachment(
  dataDir: string,
  source: GapSource,
  deps: { nowUs: () => number; log: Log },
): Attachment {
  const { nowUs, log } = deps;
  const mirror = createMirror();
  const waiting = new Map<string, Gap>();
  let missed: ((tables: Tables) => void)[] = [];
  let file: CatalogueFile | null = null;
  let isReady = false;
  let away: { readonly reason: string; readonly sinceUs: number } | null = null;
  /** What has become of the file that was open, which is not used any more. */
  let lost: { readonly what: string; readonly isOurs: boolean } | null = null;
  /** The mirror was loaded from a file, and has rows that the file lacks. */
  let [isLoaded, hasNews] = [false, false];
  /** The file may lack anything, whatever position it names. */
  let isSuspect = false;
  let onFresh: (why: string | null) => void = () => {};
  let [retryIn, retryS] = [1, 1];
  let isFlushDue = false;
  let runNoted: ReturnType<GapSource["runs"]>[number] | undefined;

  function leave(error: unknown): void {
    const reason = messageOf(error);
    if (isReady || away === null) {
      mirror.setGaps(source.gapsSince(0));
      away = { reason, sinceUs: nowUs() };
      const what = "the catalogue is not available; recording goes on without it, and it catches up later";
      log.warn(what, { reason });
    } else away = { ...away, reason };
    isReady = false;
    waiting.clear();
    if (isDamaged(error)) lose(`was damaged (${reason})`, true);
    [retryIn, retryS] = [retryS, Math.min(longestRetryS, retryS * 2)];
  }

  /** A file that is damaged or not ours is not touched again. */
  function lose(what: string, isOurs: boolean): void {
    file?.abandon();
    file = null;
    lost = { what, isOurs };
  }

  function attempt(): void {
    try {
      const isNew = file === null;
      const before = lost;
      let asideTo = lost === null ? null : clearPath(dataDir, lost.isOurs);
      lost = null;
      file ??= openCatalogueFile(dataDir);
      asideTo = file.movedAsideTo ?? asideTo;
      const isFresh = file.tables.fact("complete") === null && !file.tables.hasRuns();
      const opened = file;
      const isKnown = isLoaded && !isFresh;
      if (!isLoaded) mirror.load(opened.database);
      isLoaded = true;
      if (isNew) opened.stamp();
      opened.database
        .transaction(() => {
          if (hasNews || isFresh) mirror.store(opened.database, isKnown);
          for (const work of missed) work(opened.tables);
        })
        .immediate();
      [hasNews, missed] = [false, []];
      if (isFresh && isNew) onFresh(freshness(before?.what ?? null, asideTo));
      catchUp(opened);
    } catch (error) {
      leave(error);
    }
  }

  function catchUp(to: CatalogueFile): void {
    const position = source.position();
    const known = isSuspect ? 0 : knownPosition(to.tables.fact("journal"), source);
    const gaps = source.gapsSince(known);
    const onDone = () => {
      to.tables.setFact("journal", `${source.id} ${position}`);
      if (away !== null) {
        const seconds = Math.round((nowUs() - away.sinceUs) / 1e6);
        log.info("the catalogue is available again and has caught up", { seconds, gaps: gaps.length });
      }
      [isReady, isSuspect, away, retryIn, retryS] = [true, false, null, 1, 1];
      mirror.dropGaps();
      flush();
    };
    if (writeGaps(to.tables, gaps, { isCurrent: () => file === to, onDone, onError: leave })) return;
    // Until then it is read from memory, and tried again only after an error.
    retryIn = Number.POSITIVE_INFINITY;
    mirror.setGaps(source.gapsSince(0));
  }

  const isCatchingUp = () => !Number.isFinite(retryIn);

  function flush(): void {
    isFlushDue = false;
    const run = source.runs().at(-1);
    if (!isReady || file === null || (waiting.size === 0 && run === runNoted)) return;
    const { tables } = file;
    try {
      tables.together(() => {
        tables.saveGaps([...waiting.values()]);
        if (run !== undefined && run !== runNoted) tables.noteRunOf(run);
        tables.setFact("journal", `${source.id} ${source.position()}`);
      });
      waiting.clear();
      runNoted = run;
    } catch (error) {
      leave(error);
    }
  }

  /** Another program has written to the file: whatever it holds now, everything of ours is written to it once more. */
  function reopen(): null {
    log.debug("the catalogue was written to by another program; it is opened again", { data_dir: dataDir });
    file?.close();
    [file, isReady, hasNews, isSuspect] = [null, false, true, true];
    onFresh(null);
    attempt();
    return null;
  }

  /** What somebody has done to the file. */
  function lookAtFile(): "restored" | null {
    const change = file?.changed() ?? null;
    if (file === null || change === null) return null;
    const what = fileChanges[change];
    const isOnlyTouched = change === "touched";
    if (!isOnlyTouched) log.error(`the catalogue's file ${what}; it is written again`, { data_dir: dataDir });
    try {
      if (isOnlyTouched) return reopen();
      const content = isReady && change !== "overwritten" ? file.content() : null;
      if (content !== null) {
        clearPath(dataDir, false);
        file.close();
        [file, isReady] = [null, false];
        writeContent(dataDir, content);
        attempt();
        return "restored";
      }
    } catch (error) {
      log.debug("its content cannot be read any more", { reason: messageOf(error) });
    }
    lose(what, change === "deleted");
    leave(new Error(`its file ${what}`));
    attempt();
    return "restored";
  }

  return {
    mirror,
    ready() {
      flush();
      return isReady ? (file?.tables ?? null) : null;
    },
    open: () => file?.tables ?? null,
    leave,
    noteNews() {
      hasNews = true;
    },
    postpone(work) {
      // Beyond that many the archives are looked through again instead.
      if (missed.push(work) > mostMissed) missed = [(tables) => tables.setFact("complete", "")];
    },
    follow(gap) {
      if (!isReady) mirror.tables.saveGaps([gap]);
      // While the file is away, the journal tells at its return what it has missed; while it catches up, this is what comes on top.
      if (isReady || isCatchingUp()) waiting.set(`${gap.stream}/${gap.symbol}/${gap.from_us}`, gap);
      if (!isReady || isFlushDue) return;
      isFlushDue = true;
      queueMicrotask(flush);
    },
    start(listener) {
      onFresh = listener;
      attempt();
    },
    look() {
      const happened = lookAtFile();
      flush();
      try {
        if (isReady) file?.tidy();
        else if (--retryIn <= 0) attempt();
      } catch (error) {
        leave(error);
      }
      return happened;
    },
    away: () => away,
    close() {
      flush();
      try {
        file?.close();
      } catch (error) {
        log.debug("the catalogue cannot be closed properly", { reason: messageOf(error) });
      }
      [file, isReady] = [null, false];
    },
  };
}
