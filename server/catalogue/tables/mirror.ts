import type { Database } from "bun:sqlite";
import type { Gap } from "../../domain/gap.ts";
import { openInMemory } from "../file/database.ts";
import { createTables, type Tables } from "./tables.ts";

/**
 * Holds the small tables of the catalogue in memory: incidents, mutes, notifications, events, the dashboard's history. Every change is
 * written here and to the file, so that the file may vanish. While the file is away, gaps are here too.
 */
export type Mirror = {
  readonly tables: Tables;
  /** Copies the rows of a file; rows that are already here stay. */
  load(file: Database): void;
  /** Writes all rows to a file. `isKnown`: the file's rows were loaded before, so a row that is missing here was removed. */
  store(file: Database, isKnown: boolean): void;
  /** Replaces the gaps. */
  setGaps(gaps: readonly Gap[]): void;
  dropGaps(): void;
};

/** The copied tables. At most `rows` rows are copied, in `order`. `isList`: rows may be removed; in other tables rows are only added. */
const copiedTables = [
  { table: "incident", order: "id desc", rows: 2100, isList: false },
  { table: "event", order: "id desc", rows: 1000, isList: false },
  { table: "mute", order: "id", rows: 1000, isList: true },
  { table: "outgoing", order: "incident desc", rows: 10_000, isList: true },
  { table: "notice", order: "name", rows: 1000, isList: false },
  { table: "series", order: "from_us desc", rows: 10_000, isList: false },
  { table: "minute_rows", order: "key", rows: 10_000, isList: false },
] as const;

/** Creates an empty mirror. */
export function createMirror(): Mirror {
  const memory = openInMemory();
  const tables = createTables(memory);

  function copy(
    from: Database,
    to: Database,
    { table, order, rows }: (typeof copiedTables)[number],
    verb: string,
  ): void {
    const copies = from.query(`select * from ${table} order by ${order} limit ${rows}`).values();
    const [first] = copies;
    if (first === undefined) return;
    const insert = to.query(`insert or ${verb} into ${table} values (${first.map(() => "?").join(", ")})`);
    for (const row of copies) insert.run(...(row as (string | number | null | Uint8Array)[]));
  }

  return {
    tables,
    load(file) {
      memory.transaction(() => {
        for (const entry of copiedTables) copy(file, memory, entry, "ignore");
      })();
    },
    store(file, isKnown) {
      for (const entry of copiedTables) {
        if (entry.isList && isKnown) file.run(`delete from ${entry.table}`);
        copy(memory, file, entry, "replace");
      }
    },
    setGaps(gaps) {
      memory.run("delete from gap");
      tables.saveGaps(gaps);
    },
    dropGaps: () => void memory.run("delete from gap"),
  };
}
