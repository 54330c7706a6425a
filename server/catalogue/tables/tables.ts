import type { Database } from "bun:sqlite";
import { dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import type { CatalogueEvent } from "../../domain/queries.ts";
import { foldersOf, streamKinds } from "../../domain/stream-kinds.ts";
import { createArchiveDays } from "./archive-days.ts";
import { createBackfillStore } from "./backfill-store.ts";
import { createDashboardHistory } from "./dashboard-history.ts";
import { createGapPages, createGapQuery } from "./gap-queries.ts";
import { createIncidentStore } from "./incident-store.ts";
import { createNotificationStore } from "./notification-store.ts";

/** All reads and writes of the catalogue's tables. */
export type Tables = ReturnType<typeof createTables>;

/** A run of the recorder; `last_recv_us` is null before its first record. */
export type NotedRun = { readonly started_us: number; readonly last_recv_us: number | null; readonly clean: boolean };

/** Number of events that are kept; the oldest are deleted. */
const mostEvents = 10_000;
const forgetEvery = 50;

/** Prepares all statements of an open database. */
export function createTables(database: Database) {
  const insertGap = database.query(
    "insert into gap (stream, symbol, from_us, to_us, cause, missing, repaired) values (?, ?, ?, ?, ?, ?, ?) " +
      "on conflict do update set to_us = max(to_us, excluded.to_us), cause = excluded.cause, " +
      "missing = excluded.missing, repaired = excluded.repaired",
  );
  const insertGaps = database.transaction((gaps: readonly Gap[]) => {
    for (const { stream, symbol, from_us, to_us, cause, missing, repaired } of gaps)
      insertGap.run(stream, symbol, from_us, to_us, cause, missing, repaired);
  });
  const backfilledFolders = foldersOf((kind) => streamKinds[kind].backfill !== null).map((folder) => `'${folder}'`);
  const selectPauses = database.query<Gap & { resumed_us: number }, []>(
    "select stream, symbol, from_us, to_us, cause, missing, repaired, " +
      "(select min(started_us) from run where started_us > from_us) as resumed_us from gap " +
      "where missing is null and cause in ('restart', 'crash') " +
      `and stream in (${backfilledFolders}) ` +
      "and resumed_us is not null order by from_us",
  );
  const repairGap = database.query(
    "update gap set repaired = coalesce(min(missing, repaired + ?), repaired) where stream = ? and symbol = ? and from_us = ?",
  );
  const insertEvent = database.query("insert into event (at_us, kind, message) values (?, ?, ?)");
  const forgetEvents = database.query(
    `delete from event where id <= (select id from event order by id desc limit 1 offset ${mostEvents})`,
  );
  const insertNumbered = database.query("insert or ignore into event (id, at_us, kind, message) values (?, ?, ?, ?)");
  const lastEvent = database.query<{ id: number | null }, []>("select max(id) as id from event");
  const selectFact = database.query<{ value: string }, [string]>("select value from fact where name = ?");
  const upsertFact = database.query("insert or replace into fact values (?, ?)");
  const updateRun = database.query("update run set last_recv_us = ?, clean = ? where started_us = ?");
  const insertRun = database.query("insert into run (started_us, last_recv_us, clean) values (?, ?, ?)");
  const selectRun = database.query("select 1 from run limit 1");
  const selectLastRun = database.query<{ started_us: number; last_recv_us: number; clean: number }, []>(
    "select started_us, last_recv_us, clean from run where last_recv_us is not null order by id desc limit 1",
  );
  const selectGaps = database.query<Gap, []>(
    "select stream, symbol, from_us, to_us, cause, missing, repaired from gap order by from_us desc limit 50000",
  );
  const selectEvents = database.query<CatalogueEvent, [number]>(
    "select at_us, kind, message from event order by id desc limit ?",
  );

  let eventsSaved = 0;

  /** Deletes old events. Not at each event, because the statement reads the whole table. */
  function forgetOldEvents(): void {
    if (++eventsSaved % forgetEvery === 0) forgetEvents.run();
  }

  const extendGap = database.query(
    "update gap set to_us = max(to_us, ?) where stream = ? and symbol = ? and cause = ? and from_us < ? and to_us >= ?",
  );

  return {
    /** Saves the gaps of a manifest. A gap that begins at midnight extends the gap of the day before, if there is one. */
    saveDayGaps(gaps: readonly Gap[]): void {
      insertGaps(
        gaps.filter(({ stream, symbol, cause, from_us, to_us }) => {
          if (from_us % dayUs !== 0) return true;
          return extendGap.run(to_us, stream, symbol, cause, from_us, from_us).changes === 0;
        }),
      );
    },
    saveGaps: (gaps: readonly Gap[]) => void insertGaps(gaps),
    unjudgedPauses: () =>
      selectPauses.all().map(({ resumed_us, ...gap }) => ({ gap: gap as Gap, resumedUs: resumed_us })),
    addBackfilled({ stream, symbol, from_us }: Pick<Gap, "stream" | "symbol" | "from_us">, records: number): void {
      repairGap.run(records, stream, symbol, from_us);
    },
    holes: createBackfillStore(database),
    gapsOf: createGapQuery(database),
    gapPages: createGapPages(database),
    archiveDays: createArchiveDays(database),
    memory: createDashboardHistory(database),
    outgoing: createNotificationStore(database),
    incidents: createIncidentStore(database),
    noteEvent({ at_us, kind, message }: CatalogueEvent): void {
      insertEvent.run(at_us, kind, message);
      forgetOldEvents();
    },
    /** Saves an event with a given id, so that file and mirror use the same id. */
    addNumberedEvent(id: number, { at_us, kind, message }: CatalogueEvent): void {
      insertNumbered.run(id, at_us, kind, message);
      forgetOldEvents();
    },
    hasRuns: () => selectLastRun.get() !== null || selectRun.get() !== null,
    lastRun(): NotedRun | null {
      const run = selectLastRun.get();
      return run === null ? null : { ...run, clean: run.clean === 1 };
    },
    allGaps: () => selectGaps.all(),
    lastEventId: () => lastEvent.get()?.id ?? 0,
    fact: (name: string) => selectFact.get(name)?.value ?? null,
    setFact: (name: string, value: string) => void upsertFact.run(name, value),
    /** Saves a run or updates it; a run is identified by its start. */
    saveRun({ started_us, last_recv_us, clean }: NotedRun): void {
      const { changes } = updateRun.run(last_recv_us, clean ? 1 : 0, started_us);
      if (changes === 0) insertRun.run(started_us, last_recv_us, clean ? 1 : 0);
    },
    events: (most: number): readonly CatalogueEvent[] => selectEvents.all(most),
    together: (work: () => void) => database.transaction(work)(),
  };
}
