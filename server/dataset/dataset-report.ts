import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { existsSync, mkdirSync, renameSync, rmSync } from "../platform/files/files.ts";
import { datasetFolder, factTables, streamTables } from "./dataset-paths.ts";
import { parseSchema } from "./delta/columns.ts";
import { type DueDays, findDueDays } from "./due-days.ts";
import { readOnlyTables } from "./tables.ts";

/** A table of the dataset on this disk. */
export type TableReport = {
  readonly table: string;
  /** Number of the newest version. */
  readonly version: number;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  /** Oldest and newest date; null without files. */
  readonly from: string | null;
  readonly to: string | null;
  /** Replaced files that are still on the disk or were removed lately. */
  readonly replaced: number;
  /** Type of prices; null for a table without prices. */
  readonly numbers: "float64" | "decimal" | null;
};

/** Lists the tables of the dataset on this disk, and the days that they lack. Reads only, so a recorder may be running. @throws FileError */
export async function reportDataset(
  dataDir: string,
  numbers: string,
): Promise<{ readonly tables: readonly TableReport[]; readonly due: DueDays }> {
  const tables = readOnlyTables(dataDir);
  const reports: TableReport[] = [];
  for (const name of [...streamTables(dataDir), ...factTables]) {
    const { version, files, removed, metadata } = await tables.of(name).table.newest();
    if (metadata === null) continue;
    const all = [...files.values()];
    const dates = all.map(({ partitionValues }) => partitionValues.date ?? "").sort();
    const types = parseSchema(metadata.schemaString).map(({ type }) =>
      typeof type === "string" ? type : type.elementType,
    );
    reports.push({
      ...{ table: name, version, files: all.length, replaced: removed.size },
      rows: all.reduce((sum, { stats }) => sum + rowsOf(stats), 0),
      bytes: all.reduce((sum, { size }) => sum + size, 0),
      from: dates[0] ?? null,
      to: dates.at(-1) ?? null,
      numbers: factTables.some((fact) => fact === name) ? null : numbersOf(types),
    });
  }
  return { tables: reports, due: await findDueDays(dataDir, tables, { numbers, keepFrom: null }) };
}

/** Takes the dataset of this disk away at once, so that it can be made again. A crash leaves the old dataset, or no dataset. */
export function removeDataset(dataDir: string): void {
  const folder = datasetFolder(dataDir);
  if (!existsSync(folder)) return;
  // Retention empties this folder too, so the rest of an interrupted removal does not stay.
  const removing = join(dataDir, "removing");
  mkdirSync(removing, { recursive: true });
  const target = join(removing, randomUUID());
  renameSync(folder, target);
  rmSync(target, { recursive: true, force: true });
}

function rowsOf(stats: string | null): number {
  return stats === null ? 0 : (JSON.parse(stats) as { numRecords: number }).numRecords;
}

function numbersOf(types: readonly string[]): TableReport["numbers"] {
  return types.some((type) => type.startsWith("decimal")) ? "decimal" : "float64";
}
