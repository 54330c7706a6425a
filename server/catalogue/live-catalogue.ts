import type { Day } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { StoredBackfill } from "../domain/missing-ids.ts";
import type { NotificationStore } from "../domain/notification-state.ts";
import type { CatalogueEvent } from "../domain/queries.ts";
import { Unavailable } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { createAttachment } from "./file/attachment.ts";
import { createGuardedTables } from "./file/guarded-tables.ts";
import type { GapSource } from "./gap-source.ts";
import type { ArchiveDays } from "./tables/archive-days.ts";
import type { DashboardHistory } from "./tables/dashboard-history.ts";
import type { GapPages } from "./tables/gap-queries.ts";
import type { IncidentStore } from "./tables/incident-store.ts";
import type { NotedRun, Tables } from "./tables/tables.ts";

/** Stores the data that the recorder shows to people. Writes never fail and never wait; reads may throw `Unavailable`. */
export type LiveCatalogue = {
  /** Opens the file, or continues without it. `onFresh`: the file is new and lacks all archives (the reason), or some (null). */
  start(onFresh: (why: string | null) => void): void;
  /** Checks the file; call it once a second. "restored": the file had been deleted or replaced. */
  tick(): "restored" | null;
  /** Why the file cannot be used, and since when, µs; null while it can be used. */
  away(): { readonly reason: string; readonly sinceUs: number } | null;
  /** Marks the file as complete: it lists every archive on disk. */
  setComplete(): void;
  /** Saves a gap that the journal recorded. */
  follow(gap: Gap): void;
  /** Returns the rows that a version without a journal left in the file; null if the file cannot be read. */
  inherited(): InheritedRows | null;
  addEvent(event: CatalogueEvent): void;
  /** The newest events, newest first. */
  events(most: number): readonly CatalogueEvent[];
  /** Recorded gaps of a day, clipped to it, in order. */
  gapsOf(day: Day): readonly Gap[];
  /** Changes archived days and the gaps of their manifests in one transaction; false if that is not possible now. */
  changeArchives(work: (days: ArchiveDays, noteDayGaps: (gaps: readonly Gap[]) => void) => void): boolean;
  readonly gapPages: GapPages;
  readonly archiveDays: ArchiveDays;
  readonly memory: DashboardHistory;
  readonly outgoing: NotificationStore;
  readonly incidents: IncidentStore;
  close(): void;
};

/** Rows that earlier versions kept only in SQLite. */
export type InheritedRows = {
  readonly lastRun: NotedRun | null;
  readonly gaps: readonly Gap[];
  readonly holes: readonly StoredBackfill[];
};

/** Start of 2026. New ids count seconds from here while the file cannot be read, so that they are higher than all ids in it. */
const epochS = 1_767_225_600;

/** Creates the catalogue of a data folder; the file is opened by `start`. */
export function createLiveCatalogue(
  dataDir: string,
  source: GapSource,
  deps: { nowUs: () => number; log: Log },
): LiveCatalogue {
  const file = createAttachment(dataDir, source, deps);
  const { read, write, readFile, writeFile, writeNow } = createGuardedTables(file);
  const newId = () => Math.floor(deps.nowUs() / 1e6) - epochS;
  let lastEventId = 0;

  /** Reads rows from the file, if possible, and from memory. Rows in memory are newer and replace rows with the same key. */
  function readBoth<T>(rowsOf: (tables: Tables) => readonly T[], key: (row: T) => string): T[] {
    const rows = new Map<string, T>();
    try {
      for (const row of readFile(rowsOf)) rows.set(key(row), row);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
    if (file.away() !== null) for (const row of rowsOf(file.mirror.tables)) rows.set(key(row), row);
    return [...rows.values()];
  }

  const keyOf = ({ stream, symbol, from_us }: Gap) => `${stream}/${symbol}/${from_us}`;

  function* pieces(fromUs: number, toUs: number): Generator<readonly Gap[]> {
    const steps = read((tables) => tables.gapPages.pieces(fromUs, toUs)[Symbol.iterator]());
    for (;;) {
      // The file may become unavailable between two pieces. Then the rest is read from memory, and some gaps come twice.
      const step = read((tables) =>
        file.away() === null
          ? steps.next()
          : { done: false as const, value: [...tables.gapPages.pieces(fromUs, toUs)].flat() },
      );
      if (step.done === true) return;
      yield step.value;
      if (file.away() !== null) return;
    }
  }

  return {
    start: file.start,
    tick: file.tick,
    away: file.away,
    setComplete: () => writeFile((tables) => tables.setFact("complete", "1")),
    follow: file.follow,
    inherited() {
      try {
        return readFile((tables) => ({ lastRun: tables.lastRun(), gaps: tables.allGaps(), holes: tables.holes.all() }));
      } catch {
        return null;
      }
    },
    addEvent(event) {
      const inUse = read((tables) => tables.lastEventId());
      lastEventId = Math.max(lastEventId, inUse, file.away() === null ? 0 : newId()) + 1;
      const id = lastEventId;
      write((tables) => tables.addNumberedEvent(id, event));
    },
    events: (most) => read((tables) => tables.events(most)),
    gapsOf(day) {
      const known = new Map(readBoth((tables) => tables.gapsOf(day), keyOf).map((gap) => [gap.from_us, gap]));
      for (const gap of source.gapsOf(day)) known.set(gap.from_us, gap);
      return [...known.values()].sort((a, b) => a.from_us - b.from_us);
    },
    changeArchives: (work) => writeNow((tables) => work(tables.archiveDays, tables.saveDayGaps)),
    gapPages: {
      page(filter, limit, after) {
        if (file.away() === null) return read((tables) => tables.gapPages.page(filter, limit, after));
        const gaps = readBoth((tables) => tables.gapPages.page(filter, limit + 1, after).items, keyOf).sort(
          newestFirst,
        );
        const last = gaps.length > limit ? gaps[limit - 1] : undefined;
        const next = last === undefined ? null : `${last.from_us}/${last.stream}/${last.symbol}`;
        return { items: gaps.slice(0, limit), next };
      },
      between: (fromUs, toUs) =>
        readBoth((tables) => tables.gapPages.between(fromUs, toUs), keyOf).sort((a, b) => a.from_us - b.from_us),
      pieces,
      count: (fromUs, toUs) => read((tables) => tables.gapPages.count(fromUs, toUs)),
    },
    archiveDays: {
      save: (day, manifestMs) => writeFile((tables) => tables.archiveDays.save(day, manifestMs)),
      remove: (day) => writeFile((tables) => tables.archiveDays.remove(day)),
      saveVerified: (day, atUs) => writeFile((tables) => tables.archiveDays.saveVerified(day, atUs)),
      known: () => readFile((tables) => tables.archiveDays.known()),
      manifestMs: (day) => readFile((tables) => tables.archiveDays.manifestMs(day)),
      after: (day) => readFile((tables) => tables.archiveDays.after(day)),
      all: () => readFile((tables) => tables.archiveDays.all()),
      get: (day) => readFile((tables) => tables.archiveDays.get(day)),
      page: (filter, limit, after) => readFile((tables) => tables.archiveDays.page(filter, limit, after)),
      coverage: (stream, from, to) => readFile((tables) => tables.archiveDays.coverage(stream, from, to)),
      series: (stream) => readFile((tables) => tables.archiveDays.series(stream)),
      dates: (limit, after) => readFile((tables) => tables.archiveDays.dates(limit, after)),
      totals: () => readFile((tables) => tables.archiveDays.totals()),
    },
    memory: {
      events: (limit, after) => read((tables) => tables.memory.events(limit, after)),
      keepSeries: (rows) => write((tables) => tables.memory.keepSeries(rows)),
      series: (fromUs) => read((tables) => tables.memory.series(fromUs)),
      keepMinutes: (key, day) => write((tables) => tables.memory.keepMinutes(key, day)),
      minutes: () => read((tables) => tables.memory.minutes()),
      keepMids: (symbol, hour) => write((tables) => tables.memory.keepMids(symbol, hour)),
      mids: () => read((tables) => tables.memory.mids()),
    },
    outgoing: {
      all: () => read((tables) => tables.outgoing.all()),
      save: (row) => write((tables) => tables.outgoing.save(row)),
      remove: (row) => write((tables) => tables.outgoing.remove(row)),
      readValue: (name) => read((tables) => tables.outgoing.readValue(name)),
      saveValue: (name, value) => write((tables) => tables.outgoing.saveValue(name, value)),
    },
    incidents: {
      open: () => read((tables) => tables.incidents.open()),
      endedSince: (sinceUs) => read((tables) => tables.incidents.endedSince(sinceUs)),
      lastId: () =>
        Math.max(
          read((tables) => tables.incidents.lastId()),
          file.away() === null ? 0 : newId(),
        ),
      save: (incident) => write((tables) => tables.incidents.save(incident)),
      get: (id) => read((tables) => tables.incidents.get(id)),
      page: (limit, after) => read((tables) => tables.incidents.page(limit, after)),
      mutes: () => read((tables) => tables.incidents.mutes()),
      saveMute: (mute) => write((tables) => tables.incidents.saveMute(mute)),
      removeMute: (id) => write((tables) => tables.incidents.removeMute(id)),
      costs: (causes, fromUs, toUs) => read((tables) => tables.incidents.costs(causes, fromUs, toUs)),
    },
    close: file.close,
  };
}

function newestFirst(a: Gap, b: Gap): number {
  return b.from_us - a.from_us || (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.symbol < b.symbol ? -1 : 1);
}
