import type { Gap } from "../../domain/gap.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { backoff } from "../../platform/time/backoff.ts";
import type { GapSource } from "../gap-source.ts";
import { createMirror, type Mirror } from "../tables/mirror.ts";
import type { Tables } from "../tables/tables.ts";
import { writeGaps } from "../tables/write-gaps.ts";
import { type CatalogueFile, clearPath, openCatalogueFile, writeContent } from "./catalogue-file.ts";
import { isDamaged } from "./database.ts";
import { fileChanges, freshness, knownPosition } from "./file-texts.ts";

/*
 * The catalogue's file may be locked, damaged, replaced, on a full disk or gone at any moment. Readers and writers never notice:
 *
 *   state   writes go to                         reads come from
 *   ready   the mirror in memory and the file    the file
 *   away    the mirror                           the mirror
 *
 * ready → away: at the first error. away → ready: by `tick`, once a second:
 *
 *   1. open the file again, or create a new file if it is damaged or was replaced
 *   2. write the mirror's rows to it, then all gaps that the journal recorded after the position stored in the file
 *   3. store the new position; it is last, so that after a crash some writes happen twice, which is harmless
 */

/** Keeps the catalogue's file open, and replaces it by a mirror in memory while it is unavailable. */
export type Attachment = {
  readonly mirror: Mirror;
  /** The file's tables while it is ready, with all gaps; null while it is away. */
  ready(): Tables | null;
  /** The file's tables while it is open, even if it is not ready; null if it is not open. */
  open(): Tables | null;
  /** Switches to "away" after an error of the file. */
  leave(error: unknown): void;
  /** Records that the mirror was changed and the file was not. */
  markStale(): void;
  /** Queues a change of the file alone until the file is ready. */
  postpone(work: (tables: Tables) => void): void;
  follow(gap: Gap): void;
  /** Opens the file. `onFresh`: the file is new and has no archives, with the reason; null: it may lack some archives. */
  start(onFresh: (why: string | null) => void): void;
  /** Checks the file; call it once a second. "restored": the file had been deleted or replaced and was written again. */
  tick(): "restored" | null;
  /** Why the file is away, and since when; null while it is ready. */
  away(): { readonly reason: string; readonly sinceUs: number } | null;
  close(): void;
};

/** Changes that wait for the file. With more changes all archives are compared with the catalogue again instead. */
const mostMissed = 10_000;
const retrySeconds = { first: 1, longest: 10 };

/** Creates an attachment; `start` opens the file. */
export function createAttachment(
  dataDir: string,
  source: GapSource,
  deps: { nowUs: () => number; log: Log },
): Attachment {
  const { nowUs, log } = deps;
  const mirror = createMirror();
  const waitingGaps = new Map<string, Gap>();
  let postponed: ((tables: Tables) => void)[] = [];
  let file: CatalogueFile | null = null;
  let isReady = false;
  let away: { readonly reason: string; readonly sinceUs: number } | null = null;
  /** What happened to the last file, if it is not used any more; `isOurs`: the file at the path is still this catalogue's. */
  let lost: { readonly change: string; readonly isOurs: boolean } | null = null;
  /** `isLoaded`: the mirror was loaded from a file. `hasNews`: the mirror has rows that the file lacks. */
  let [isLoaded, hasNews] = [false, false];
  /** True if the file may lack rows in spite of its stored position. */
  let isSuspect = false;
  let onFresh: (why: string | null) => void = () => {};
  let [retryIn, failures, isFlushDue] = [1, 0, false];
  let savedRun: ReturnType<GapSource["runs"]>[number] | undefined;

  function leave(error: unknown): void {
    const reason = messageOf(error);
    if (isReady || away === null) {
      mirror.setGaps(source.gapsSince(0));
      away = { reason, sinceUs: nowUs() };
      log.warn("the catalogue is not available; recording continues, it catches up later", { reason });
    } else away = { ...away, reason };
    isReady = false;
    waitingGaps.clear();
    if (isDamaged(error)) abandonFile(`was damaged (${reason})`, true);
    retryIn = backoff(retrySeconds, failures++);
  }

  /** Gives up a file that is damaged or belongs to another program, without touching it. */
  function abandonFile(change: string, isOurs: boolean): void {
    file?.abandon();
    file = null;
    lost = { change, isOurs };
  }

  function openAndCatchUp(): void {
    try {
      const isNew = file === null;
      const lostBefore = lost;
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
          for (const work of postponed) work(opened.tables);
        })
        .immediate();
      [hasNews, postponed] = [false, []];
      if (isFresh && isNew) onFresh(freshness(lostBefore?.change ?? null, asideTo));
      catchUp(opened);
    } catch (error) {
      leave(error);
    }
  }

  function catchUp(target: CatalogueFile): void {
    const position = source.position();
    const known = isSuspect ? 0 : knownPosition(target.tables.fact("journal"), source);
    const gaps = source.gapsSince(known);
    const onDone = () => {
      target.tables.setFact("journal", `${source.id} ${position}`);
      if (away !== null) {
        const seconds = Math.round((nowUs() - away.sinceUs) / 1e6);
        log.info("the catalogue is available again and has caught up", { seconds, gaps: gaps.length });
      }
      [isReady, isSuspect, away, retryIn, failures] = [true, false, null, 1, 0];
      mirror.dropGaps();
      flush();
    };
    if (writeGaps(target.tables, gaps, { isCurrent: () => file === target, onDone, onError: leave })) return;
    // The rest is written in turns. Until then reads come from memory, and only an error starts a new attempt.
    retryIn = Number.POSITIVE_INFINITY;
    mirror.setGaps(source.gapsSince(0));
  }

  const isCatchingUp = () => !Number.isFinite(retryIn);

  function flush(): void {
    isFlushDue = false;
    const run = source.runs().at(-1);
    if (!isReady || file === null || (waitingGaps.size === 0 && run === savedRun)) return;
    const { tables } = file;
    try {
      tables.together(() => {
        tables.saveGaps([...waitingGaps.values()]);
        if (run !== undefined && run !== savedRun) tables.saveRun(run);
        tables.setFact("journal", `${source.id} ${source.position()}`);
      });
      waitingGaps.clear();
      savedRun = run;
    } catch (error) {
      leave(error);
    }
  }

  /** Opens the file again after another program wrote to it, and writes all rows of the mirror to it. */
  function reopen(): null {
    log.debug("another program wrote to the catalogue; opening it again", { data_dir: dataDir });
    file?.close();
    [file, isReady, hasNews, isSuspect] = [null, false, true, true];
    onFresh(null);
    openAndCatchUp();
    return null;
  }

  function checkFile(): "restored" | null {
    const change = file?.changed() ?? null;
    if (file === null || change === null) return null;
    const description = fileChanges[change];
    const isOnlyTouched = change === "touched";
    if (!isOnlyTouched) log.error(`the catalogue's file ${description}; writing it again`, { data_dir: dataDir });
    try {
      if (isOnlyTouched) return reopen();
      const content = isReady && change !== "overwritten" ? file.content() : null;
      if (content !== null) {
        clearPath(dataDir, false);
        file.close();
        [file, isReady] = [null, false];
        writeContent(dataDir, content);
        openAndCatchUp();
        return "restored";
      }
    } catch (error) {
      log.debug("cannot read the content of the catalogue's file any more", { reason: messageOf(error) });
    }
    abandonFile(description, change === "deleted");
    leave(new Error(`its file ${description}`));
    openAndCatchUp();
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
    markStale() {
      hasNews = true;
    },
    postpone(work) {
      // Too many changes: mark the catalogue incomplete, so that all archives are compared with it again.
      if (postponed.push(work) > mostMissed) postponed = [(tables) => tables.setFact("complete", "")];
    },
    follow(gap) {
      if (!isReady) mirror.tables.saveGaps([gap]);
      // While the file is away the gap is not queued: `catchUp` reads it from the journal. During `catchUp` it must be queued.
      if (isReady || isCatchingUp()) waitingGaps.set(`${gap.stream}/${gap.symbol}/${gap.from_us}`, gap);
      if (!isReady || isFlushDue) return;
      isFlushDue = true;
      queueMicrotask(flush);
    },
    start(listener) {
      onFresh = listener;
      openAndCatchUp();
    },
    tick() {
      const result = checkFile();
      flush();
      try {
        if (isReady) file?.tidy();
        else if (--retryIn <= 0) openAndCatchUp();
      } catch (error) {
        leave(error);
      }
      return result;
    },
    away: () => away,
    close() {
      flush();
      try {
        file?.close();
      } catch (error) {
        log.debug("cannot close the catalogue properly", { reason: messageOf(error) });
      }
      [file, isReady] = [null, false];
    },
  };
}
