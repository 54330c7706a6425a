import type { Database } from "bun:sqlite";
import type { CatalogueEvent } from "../archived-day.ts";
import type { Gap } from "../gap.ts";
import { createArchiveDays } from "./archive-days.ts";
import { createGapPages } from "./gap-page.ts";
import { createGapQuery } from "./gap-query.ts";
import { createHoleStore } from "./hole-store.ts";
import { createIncidentStore } from "./incident-store.ts";
import { createMemory } from "./memory.ts";
import { createOutgoingStore } from "./outgoing-store.ts";

/** What is asked of the tables, and written to them. */
export type Tables = ReturnType<typeof createTables>;

/** Events beyond so many are forgotten, oldest first. */
const mostEvents = 10_000;

/** Statements over one open database. */
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
  const selectPauses = database.query<Gap & { resumed_us: number }, []>(
    "select stream, symbol, from_us, to_us, cause, missing, repaired, " +
      "(select min(started_us) from run where started_us > from_us) as resumed_us from gap " +
      "where missing is null and cause in ('restart', 'crash') and stream in ('aggTrade', 'trade') " +
      "and resumed_us is not null order by from_us",
  );
  const repairGap = database.query(
    "update gap set repaired = min(missing, repaired + ?) where stream = ? and symbol = ? and from_us = ?",
  );
  const insertEvent = database.query("insert into event (at_us, kind, message) values (?, ?, ?)");
  const forgetEvents = database.query("delete from event where id <= ?");
  const selectEvents = database.query<CatalogueEvent, [number]>(
    "select at_us, kind, message from event order by id desc limit ?",
  );

  return {
    noteGaps: (gaps: readonly Gap[]) => void insertGaps(gaps),
    unjudgedPauses: () =>
      selectPauses.all().map(({ resumed_us, ...gap }) => ({ gap: gap as Gap, resumedUs: resumed_us })),
    noteRepair({ stream, symbol, from_us }: Pick<Gap, "stream" | "symbol" | "from_us">, records: number): void {
      repairGap.run(records, stream, symbol, from_us);
    },
    holes: createHoleStore(database),
    gapsOf: createGapQuery(database),
    gapPages: createGapPages(database),
    archiveDays: createArchiveDays(database),
    memory: createMemory(database),
    outgoing: createOutgoingStore(database),
    incidents: createIncidentStore(database),
    noteEvent({ at_us, kind, message }: CatalogueEvent): void {
      const { lastInsertRowid } = insertEvent.run(at_us, kind, message);
      forgetEvents.run(Number(lastInsertRowid) - mostEvents);
    },
    events: (most: number): readonly CatalogueEvent[] => selectEvents.all(most),
    together: (work: () => void) => database.transaction(work)(),
  };
}
