import type { Database } from "bun:sqlite";
import type { Gap } from "../../domain/gap.ts";
import { openInMemory } from "../file/database.ts";
import { createTables, type Tables } from "./tables.ts";

/**
 * The small tables of the catalogue in memory: incidents, mutes, what is to be told, events, what the dashboard remembers. Every change
 * goes here as well as to the file, so that the file may vanish; while it is away, gaps are here too.
 */
export type Mirror = {
  readonly tables: Tables;
  /** Takes over what a file holds; what is here already stays. */
  load(file: Database): void;
  /** Writes everything into a file. `isKnown`: the file's rows were loaded before, so that what is not here was removed. */
  store(file: Database, isKnown: boolean): void;
  /** Replaces the gaps. */
  setGaps(gaps: readonly Gap[]): void;
  dropGaps(): void;
};

/** What is copied; `rows` bounds what is loaded, the newest first. A `list` is replaced as a whole, in others rows only come. */
const copied = [
  { table: "incident", order: "id desc", rows: 2100, isList: false },
  { table: "event", order: "id desc", rows: 1000, isList: false },
  { table: "mute", order: "id", rows: 1000, isList: true },
  { table: "outgoing", order: "incident desc", rows: 10_000, isList: true },
  { table: "notice", order: "name", rows: 1000, isList: false },
  { table: "series", order: "from_us desc", rows: 10_000, isList: false },
  { table: "minute_rows", order: "key", rows: 10_000, isList: false },
] as const;

/** An empty mirror. */
export function createMirror(): Mirror {
  const own = openInMemory();
  const tables = createTables(own);

  function copy(from: Database, to: Database, { table, order, rows }: (typeof copied)[number], verb: string): void {
    const found = from.query(`select * from ${table} order by ${order} limit ${rows}`).values();
    const [first] = found;
    if (first === undefined) return;
    const insert = to.query(`insert or ${verb} into ${table} values (${first.map(() => "?").join(", ")})`);
    for (const row of found) insert.run(...(row as (string | number | null | Uint8Array)[]));
  }

  return {
    tables,
    load(file) {
      own.transaction(() => {
        for (const one of copied) copy(file, own, one, "ignore");
      })();
    },
    store(file, isKnown) {
      for (const one of copied) {
        if (one.isList && isKnown) file.run(`delete from ${one.table}`);
        copy(own, file, one, "replace");
      }
    },
    setGaps(gaps) {
      own.run("delete from gap");
      tables.saveGaps(gaps);
    },
    dropGaps: () => void own.run("delete from gap"),
  };
}
