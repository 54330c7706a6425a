import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Day } from "../domain/day.ts";
import { existsSync } from "../platform/files/files.ts";
import { archivedDays } from "../storage/list/listing.ts";
import { datasetFolder, hasTable, tableOf } from "./dataset-paths.ts";
import { dataFilesOf, isCurrent, markOf } from "./day-commit.ts";
import type { FactRow } from "./fact-rows.ts";
import type { DatasetTables } from "./tables.ts";
import { readArchivedDay } from "./write-day.ts";
import { factsOfDate, rowsOf } from "./write-facts.ts";

/** Days that the dataset lacks, oldest first. */
export type DueDays = {
  /** Days whose data file is missing, or was made from an earlier archive or other settings. */
  readonly days: readonly Day[];
  /** Days that have their data file, but not their rows in the tables of facts. */
  readonly facts: readonly Day[];
};

export type LookOptions = {
  readonly numbers: string;
  readonly keepFrom: string | null;
  /** Called for each day: with a hundred thousand days a look takes minutes. */
  readonly alive?: () => void;
};

/**
 * Compares the dataset with the archives on this disk. Days before `keepFrom` are left out: they have expired. A manifest that cannot be
 * read makes its day due, so that the failure is reported.
 */
export async function findDueDays(
  dataDir: string,
  tables: DatasetTables,
  { numbers, keepFrom, alive = () => {} }: LookOptions,
): Promise<DueDays> {
  const days: Day[] = [];
  const facts: Day[] = [];
  const coverage = tables.of("coverage");
  const coverageVersion = await coverage.table.newest();
  let rows: { readonly date: string; readonly rows: readonly FactRow[] } = { date: "", rows: [] };
  for (const day of await archivedDays(dataDir)) {
    alive();
    if (!hasTable(day) || (keepFrom !== null && day.date < keepFrom)) continue;
    const archived = orNull(() => readArchivedDay(dataDir, day));
    const snapshot = await tables.of(tableOf(day)).table.newest();
    const [file] = dataFilesOf(snapshot, day);
    const isThere = file !== undefined && existsSync(join(datasetFolder(dataDir), tableOf(day), file.path));
    if (archived === null || !isThere || !isCurrent(snapshot, day, markOf(archived, numbers))) {
      days.push(day);
      continue;
    }
    if (rows.date !== day.date)
      rows = { date: day.date, rows: await factsOfDate("coverage", day.date, coverageVersion, coverage.store) };
    const [row] = rowsOf("coverage", { ...archived, file }).rows;
    const stored = rows.rows.find(({ stream, symbol }) => stream === day.stream && symbol === day.symbol);
    if (!isDeepStrictEqual(row, stored)) facts.push(day);
  }
  return { days, facts };
}

function orNull<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
