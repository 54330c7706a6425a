import { join } from "node:path";
import type { Day } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { BackfillStore } from "../domain/missing-ids.ts";
import type { NotificationStore } from "../domain/notification-state.ts";
import type { CatalogueEvent } from "../domain/queries.ts";
import { writeDurably } from "../platform/files/durable-files.ts";
import { existsSync } from "../platform/files/files.ts";
import { databaseFile, openDatabase } from "./file/database.ts";
import type { ArchiveDays } from "./tables/archive-days.ts";
import type { DashboardHistory } from "./tables/dashboard-history.ts";
import type { GapPages } from "./tables/gap-queries.ts";
import type { IncidentStore } from "./tables/incident-store.ts";
import { createTables } from "./tables/tables.ts";

/** What the recorder remembers between runs, in `rt-data.sqlite`. It can be made again from the files. */
export type Catalogue = {
  /** Where a damaged one that was in its place lies now. */
  readonly movedAsideTo: string | null;
  /** Somebody has noted a run; otherwise it is new, or was never made again in whole. */
  knowsRuns(): boolean;
  /** Some run has noted when it received something. */
  knowsRecords(): boolean;
  /**
   * Begins a run and tells how the last one ended: when it last received something, and whether it stopped of its own will.
   * Null at the first run.
   */
  beginRun(startedUs: number): { readonly lastRecvUs: number; readonly clean: boolean } | null;
  /** For a catalogue that knows of no record yet: when the files say that something was last received. */
  assumeRun(lastRecvUs: number): void;
  /** Notes how far this run has got; `clean` when it ends of its own will. */
  saveRun(lastRecvUs: number, clean: boolean): void;
  /** Notes gaps, or what is known now of those that begin at the same time; an end only ever moves later. All or none. */
  saveGaps(gaps: readonly Gap[]): void;
  /** Pauses of trade streams of which nobody found out what was missed, each with the start of the run that ended it. */
  unjudgedPauses(): readonly { readonly gap: Gap; readonly resumedUs: number }[];
  /** So many more of the gap's missing records have been refetched. */
  addBackfilled(gap: Pick<Gap, "stream" | "symbol" | "from_us">, records: number): void;
  /** Gaps of a day, clipped to it, in order. */
  gapsOf(day: Day): readonly Gap[];
  readonly holes: BackfillStore;
  /** Remembers what happened; the newest ten thousand are kept. */
  noteEvent(event: CatalogueEvent): void;
  /** The newest events, newest first. */
  events(most: number): readonly CatalogueEvent[];
  /** Does many changes at once: all of them or none, and much faster. */
  together(work: () => void): void;
  /** Writes the file again if it was deleted under us, with all that it held; true if so. Throws the system's error. */
  restoreFile(): boolean;
  /** Made anew by `restoreFile`: ask for them each time. */
  readonly gapPages: GapPages;
  readonly archiveDays: ArchiveDays;
  readonly memory: DashboardHistory;
  readonly outgoing: NotificationStore;
  readonly incidents: IncidentStore;
  close(): void;
};

/** Opens (and creates) the catalogue of a data folder; throws with the path where SQLite cannot. */
export function openCatalogue(dataDir: string): Catalogue {
  const path = join(dataDir, databaseFile);
  const { movedAsideTo, ...opened } = openDatabase(dataDir);
  let { database } = opened;
  let tables = createTables(database);
  let run: number | null = null;

  return {
    movedAsideTo,
    knowsRuns: () => database.query("select 1 from run limit 1").get() !== null,
    knowsRecords: () => database.query("select 1 from run where last_recv_us is not null limit 1").get() !== null,
    beginRun(startedUs) {
      const last = database
        .query<{ last_recv_us: number; clean: number }, []>(
          "select last_recv_us, clean from run where last_recv_us is not null order by id desc limit 1",
        )
        .get();
      run = Number(database.query("insert into run (started_us) values (?)").run(startedUs).lastInsertRowid);
      return last === null ? null : { lastRecvUs: last.last_recv_us, clean: last.clean === 1 };
    },
    assumeRun(lastRecvUs) {
      database.query("insert into run (started_us, last_recv_us) values (?, ?)").run(lastRecvUs, lastRecvUs);
    },
    saveRun(lastRecvUs, clean) {
      database.query("update run set last_recv_us = ?, clean = ? where id = ?").run(lastRecvUs, clean ? 1 : 0, run);
    },
    saveGaps: (gaps) => tables.saveGaps(gaps),
    unjudgedPauses: () => tables.unjudgedPauses(),
    addBackfilled: (gap, records) => tables.addBackfilled(gap, records),
    holes: {
      all: () => tables.holes.all(),
      save: (hole) => tables.holes.save(hole),
      remove: (hole) => tables.holes.remove(hole),
    },
    gapsOf: (day) => tables.gapsOf(day),
    noteEvent: (event) => tables.noteEvent(event),
    events: (most) => tables.events(most),
    together: (work) => tables.together(work),
    restoreFile() {
      if (existsSync(path)) return false;
      // The open descriptor still holds it.
      writeDurably(path, database.serialize());
      database.close();
      ({ database } = openDatabase(dataDir));
      tables = createTables(database);
      return true;
    },
    get gapPages() {
      return tables.gapPages;
    },
    get archiveDays() {
      return tables.archiveDays;
    },
    get memory() {
      return tables.memory;
    },
    get outgoing() {
      return tables.outgoing;
    },
    get incidents() {
      return tables.incidents;
    },
    close: () => database.close(),
  };
}
