import { isDeepStrictEqual } from "node:util";
import type { Day } from "../domain/day.ts";
import { type FactTable, newFactFile } from "./dataset-paths.ts";
import type { AddFile } from "./delta/actions.ts";
import type { TableColumn } from "./delta/columns.ts";
import type { Table } from "./delta/commit.ts";
import type { Snapshot } from "./delta/table-state.ts";
import type { TableStore } from "./delta/table-store.ts";
import { decodeFacts, encodeFacts } from "./fact-file.ts";
import { coverageRow, type FactDay, type FactRow, gapRows } from "./fact-rows.ts";

/** The rows that a day has from now on in a table of facts; empty if the day is gone. */
export type DayRows = { readonly day: Day; readonly rows: readonly FactRow[] };

/** Returns a day's rows in a table of facts. */
export function rowsOf(table: FactTable, day: FactDay): DayRows {
  return { day: day.day, rows: table === "coverage" ? [coverageRow(day)] : gapRows(day) };
}

/**
 * Replaces the rows of these days in a table of facts, in one commit. A date has one file with the rows of all streams, so it is read
 * and written again; rows of other streams and other recorders stay. There is no commit if no row changes.
 */
export async function writeFacts(
  name: FactTable,
  days: readonly DayRows[],
  deps: { readonly table: Table; readonly store: TableStore; readonly nowMs: () => number },
): Promise<void> {
  const { table, store, nowMs } = deps;
  const dates = Map.groupBy(days, ({ day }) => day.date);
  /** Files of attempts for which another writer was faster. */
  let written: string[] = [];

  const after = await table.commit(async (snapshot) => {
    const attempt: AddFile[] = [];
    const remove: string[] = [];
    let columns: readonly TableColumn[] = [];
    for (const [date, changed] of dates) {
      const files = filesOfDate(snapshot, date);
      const before = (await Promise.all(files.map(({ path }) => readRows(name, path, store)))).flat();
      const rows = merged(before, changed);
      if (isDeepStrictEqual(rows, before) && files.length <= 1) continue;
      remove.push(...files.map(({ path }) => path));
      if (rows.length === 0) continue;
      const { bytes, facts } = encodeFacts(name, rows);
      const path = newFactFile(name, date);
      if (!(await store.create(path, bytes))) throw new Error(`${store.name}/${path} exists already`);
      written.push(path);
      columns = facts.columns;
      const sizes = { size: bytes.length, modificationTime: nowMs(), stats: facts.stats };
      attempt.push({ path, partitionValues: { date }, ...sizes, tags: {} });
    }
    if (attempt.length === 0 && remove.length === 0) return null;
    return { operation: "WRITE", add: attempt, remove, columns: [...columns, { name: "date", type: "date" }] };
  });
  written = written.filter((path) => !after.files.has(path));
  for (const path of written) await store.remove(path);
}

/** Reads all rows of a date in a table of facts; empty if the table does not exist. */
export async function factsOfDate(
  name: FactTable,
  date: string,
  snapshot: Snapshot,
  store: TableStore,
): Promise<FactRow[]> {
  return (await Promise.all(filesOfDate(snapshot, date).map(({ path }) => readRows(name, path, store)))).flat();
}

function filesOfDate({ files }: Snapshot, date: string): AddFile[] {
  return [...files.values()].filter(({ partitionValues }) => partitionValues.date === date);
}

/** A file that is gone has lost its rows; the next look finds the days without them. */
async function readRows(name: FactTable, path: string, store: TableStore): Promise<FactRow[]> {
  const bytes = await store.read(path);
  return bytes === null ? [] : decodeFacts(name, bytes);
}

function merged(before: readonly FactRow[], changed: readonly DayRows[]): FactRow[] {
  const replaced = new Set(changed.map(({ day }) => keyOf(day)));
  const kept = before.filter((row) => !replaced.has(keyOf(row)));
  return [...kept, ...changed.flatMap(({ rows }) => rows)].toSorted(byKeyThenTime);
}

function keyOf({ stream, symbol }: FactRow | Day): string {
  return `${stream}/${symbol}`;
}

function byKeyThenTime(a: FactRow, b: FactRow): number {
  if (keyOf(a) !== keyOf(b)) return keyOf(a) < keyOf(b) ? -1 : 1;
  return Number(a.from_us ?? 0) - Number(b.from_us ?? 0);
}
