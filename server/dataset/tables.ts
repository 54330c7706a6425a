import { join } from "node:path";
import { datasetFolder, type FactTable, factTables } from "./dataset-paths.ts";
import { partitionColumns } from "./day-commit.ts";
import { createTable, type Table } from "./delta/commit.ts";
import { createLocalStore } from "./delta/local-store.ts";
import type { TableStore } from "./delta/table-store.ts";

/** A table of the dataset, and its files. */
export type OpenTable = { readonly table: Table; readonly store: TableStore };

/** The tables of a dataset by name: `stream=depth20`, `coverage`, `gaps`. Each is opened once. */
export type DatasetTables = { of(name: string): OpenTable };

/** Creates the access to the tables of a dataset. `storeOf` opens the files of one table. */
export function createDatasetTables(storeOf: (name: string) => TableStore, nowMs: () => number): DatasetTables {
  const opened = new Map<string, OpenTable>();
  return {
    of(name) {
      let open = opened.get(name);
      if (open === undefined) {
        const store = storeOf(name);
        const columns = factTables.includes(name as FactTable) ? ["date"] : partitionColumns;
        open = { store, table: createTable(store, { name, partitionColumns: columns, nowMs }) };
        opened.set(name, open);
      }
      return open;
    },
  };
}

/** Creates the access to the tables in the data folder, for their only writer. */
export function localTables(dataDir: string, nowMs: () => number): DatasetTables {
  return createDatasetTables((name) => createLocalStore(join(datasetFolder(dataDir), name), { writes: true }), nowMs);
}

/** Creates the access to the tables in the data folder for a program that only reads, beside a recorder. */
export function readOnlyTables(dataDir: string): DatasetTables {
  return createDatasetTables(
    (name) => createLocalStore(join(datasetFolder(dataDir), name), { writes: false }),
    Date.now,
  );
}
