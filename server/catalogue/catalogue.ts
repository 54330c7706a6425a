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

/** Stores the recorder's state between runs in `rt-data.sqlite`. It can be rebuilt from the files. */
export type Catalogue = {
  /** New path of a damaged catalogue file; null if the file was not damaged. */
  readonly movedAsideTo: string | null;
  /** True if a run is stored. Else the catalogue is new, or was never rebuilt completely. */
  knowsRuns(): boolean;
  /** True if a stored run has received a record. */
  knowsRecords(): boolean;
  /** Saves the start of a run. Returns when the last run received its last record, and if it was stopped cleanly; null at first. */
  beginRun(startedUs: number): { readonly lastRecvUs: number; readonly clean: boolean } | null;
  /** Adds a run to a catalogue without records: the time of the last record found in the files. */
  assumeRun(lastRecvUs: number): void;
  /** Saves the time of the last record of this run; `clean`: the run was stopped cleanly. */
  saveRun(lastRecvUs: number, clean: boolean): void;
  /** Saves gaps in one transaction. A gap with the same start is updated; its end never moves back. */
  saveGaps(gaps: readonly Gap[]): void;
  /** Gaps of backfilled streams whose missing records were not counted yet, each with the start of the next run. */
  unjudgedPauses(): readonly { readonly gap: Gap; readonly resumedUs: number }[];
  /** Adds backfilled records to a gap. */
  addBackfilled(gap: Pick<Gap, "stream" | "symbol" | "from_us">, records: number): void;
  /** Gaps of a day, clipped to it, in order. */
  gapsOf(day: Day): readonly Gap[];
  readonly holes: BackfillStore;
  /** Saves an event; the newest ten thousand are kept. */
  addEvent(event: CatalogueEvent): void;
  /** The newest events, newest first. */
  events(most: number): readonly CatalogueEvent[];
  /** Runs many changes in one transaction. */
  together(work: () => void): void;
  /** Writes the file again, with all its content, if it was deleted; true if so. @throws the system's error */
  restoreFile(): boolean;
  /** `restoreFile` replaces these objects: read the properties each time. */
  readonly gapPages: GapPages;
  readonly archiveDays: ArchiveDays;
  readonly memory: DashboardHistory;
  readonly outgoing: NotificationStore;
  readonly incidents: IncidentStore;
  close(): void;
};

/** Opens the catalogue of a data folder; creates it if needed. @throws an error with the path if SQLite fails */
export function openCatalogue(dataDir: string): Catalogue {
  const path = join(dataDir, databaseFile);
  const { movedAsideTo, ...opened } = openDatabase(dataDir);
  let { database } = opened;
  let tables = createTables(database);
  let runId: number | null = null;

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
      runId = Number(database.query("insert into run (started_us) values (?)").run(startedUs).lastInsertRowid);
      return last === null ? null : { lastRecvUs: last.last_recv_us, clean: last.clean === 1 };
    },
    assumeRun(lastRecvUs) {
      database.query("insert into run (started_us, last_recv_us) values (?, ?)").run(lastRecvUs, lastRecvUs);
    },
    saveRun(lastRecvUs, clean) {
      database.query("update run set last_recv_us = ?, clean = ? where id = ?").run(lastRecvUs, clean ? 1 : 0, runId);
    },
    saveGaps: (gaps) => tables.saveGaps(gaps),
    unjudgedPauses: () => tables.unjudgedPauses(),
    addBackfilled: (gap, records) => tables.addBackfilled(gap, records),
    holes: {
      all: () => tables.holes.all(),
      save: (backfill) => tables.holes.save(backfill),
      remove: (backfill) => tables.holes.remove(backfill),
    },
    gapsOf: (day) => tables.gapsOf(day),
    addEvent: (event) => tables.noteEvent(event),
    events: (most) => tables.events(most),
    together: (work) => tables.together(work),
    restoreFile() {
      if (existsSync(path)) return false;
      // The open file descriptor still reads the deleted file.
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
