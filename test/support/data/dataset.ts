import { join } from "node:path";
import { createDatasetWork, type DatasetSettings } from "../../../server/app/dataset/dataset-order.ts";
import type { DatasetSite, RunDatasetJob } from "../../../server/dataset/dataset-jobs.ts";
import { readFileSync } from "../../../server/platform/files/files.ts";
import { namesIn } from "../../../server/platform/files/names-in.ts";
import { type ReadTable, readDeltaTable, type TableFiles } from "./delta-reader.ts";

/** The work on the dataset of a data folder in this thread, with the code of the worker. */
export function datasetHere(dataDir: string, settings: Partial<DatasetSettings> = {}): RunDatasetJob {
  const { signal: stop } = new AbortController();
  const all = { numbers: "float64" as const, upload: null, recorderId: null, ...settings };
  return createDatasetWork({ dataDir, ...all }, { stop, onProgress() {}, maySend: async () => {} });
}

/** Writes every day that the dataset lacks, then the facts, as the recorder does. */
export async function writeDueDays(run: RunDatasetJob, site: DatasetSite = "disk"): Promise<void> {
  const look = await run({ kind: "look", keepFrom: null });
  if (look.kind !== "look") throw new Error(look.kind);
  for (const day of look.due.days) await run({ kind: "day", site, day });
  await run({ kind: "facts", site, days: [...look.due.days, ...look.due.facts] });
}

/** The files of a table on this disk. */
export function tableOnDisk(dataDir: string, name: string): TableFiles {
  const root = join(dataDir, "dataset", name);
  return {
    log: () => namesIn(join(root, "_delta_log")),
    read(path) {
      try {
        return readFileSync(join(root, path));
      } catch {
        return null;
      }
    },
  };
}

/** Reads a table on this disk by the strict reader; null if it does not exist. */
export function readTable(dataDir: string, name: string): Promise<ReadTable | null> {
  return readDeltaTable(tableOnDisk(dataDir, name));
}

/** Paths of the files that the newest version of a table names, as a list in SQL. */
export function filesInSql(dataDir: string, name: string, table: ReadTable): string {
  return `[${table.files.map(({ path }) => `'${join(dataDir, "dataset", name, path)}'`).join(", ")}]`;
}
