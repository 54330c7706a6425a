import { join } from "node:path";
import type { Day } from "../domain/day.ts";
import { rmSync } from "../platform/files/files.ts";
import type { ConfirmedTime } from "../platform/time/confirmed-time.ts";
import { type BucketSite, uploadDatasetDay } from "./bucket-day.ts";
import { datasetFolder, factTables, streamTables, tableOf } from "./dataset-paths.ts";
import { dataFilesOf } from "./day-commit.ts";
import { type DueDays, findDueDays } from "./due-days.ts";
import type { FactDay } from "./fact-rows.ts";
import { expireDays, removeReplaced } from "./sweep.ts";
import { type DatasetTables, localTables } from "./tables.ts";
import { type DatasetNumbers, readArchivedDay, type WriteParquet, writeDay } from "./write-day.ts";
import { rowsOf, writeFacts } from "./write-facts.ts";

/** The place of a table: this disk, or the bucket. */
export type DatasetSite = "disk" | "bucket";

/** Work on the dataset, done in a worker thread. */
export type DatasetJob =
  /** Finds days that the dataset on this disk lacks. */
  | { readonly kind: "look"; readonly keepFrom: string | null }
  /** Writes a day to its table. */
  | { readonly kind: "day"; readonly site: DatasetSite; readonly day: Day }
  /** Writes the rows of these days to the tables `coverage` and `gaps`. */
  | { readonly kind: "facts"; readonly site: DatasetSite; readonly days: readonly Day[] }
  /** Takes days before `keepFrom` out of the tables, and removes files that were replaced at least `keepHours` ago. */
  | {
      readonly kind: "sweep";
      readonly site: DatasetSite;
      readonly keepFrom: string | null;
      readonly keepHours: number;
      readonly time: ConfirmedTime;
    };

/** "waits": the archive in the bucket is being replaced; try again later. */
export type DayDone =
  | { readonly kind: "current" | "gone" | "waits" }
  | { readonly kind: "written"; readonly rows: number; readonly bytes: number };

export type DatasetResult =
  | { readonly kind: "look"; readonly due: DueDays }
  | { readonly kind: "day"; readonly done: DayDone }
  | { readonly kind: "facts" }
  | { readonly kind: "sweep"; readonly expired: number; readonly removed: number };

export type DatasetJobsDeps = {
  readonly dataDir: string;
  readonly numbers: DatasetNumbers;
  readonly writeParquet: WriteParquet;
  /** Null: the dataset stays on this disk. */
  readonly bucket: BucketSite | null;
  readonly nowMs: () => number;
  /** Called now and then during long work. */
  readonly alive: () => void;
};

/** Does one job after another. @throws FileError or a store's error */
export type RunDatasetJob = (job: DatasetJob) => Promise<DatasetResult>;

/** Creates the work on the dataset of a data folder. Its tables stay open from job to job. */
export function createDatasetJobs(deps: DatasetJobsDeps): RunDatasetJob {
  const { dataDir, numbers, writeParquet, nowMs, alive } = deps;
  const local = localTables(dataDir, nowMs);

  function tablesOf(site: DatasetSite): DatasetTables {
    return site === "disk" ? local : bucketOf().tables;
  }

  function bucketOf(): BucketSite {
    if (deps.bucket === null) throw new Error("the dataset has no bucket");
    return deps.bucket;
  }

  async function writeTo(site: DatasetSite, day: Day): Promise<DayDone> {
    if (site === "bucket") return uploadDatasetDay(day, { ...deps, bucket: bucketOf(), local });
    return writeDay(day, { dataDir, numbers, table: local.of(tableOf(day)).table, writeParquet, nowMs });
  }

  /** Returns a day with its data file; null without a data file: the day then has no rows either. */
  async function factDay(site: DatasetSite, day: Day): Promise<FactDay | null> {
    const [file] = dataFilesOf(await tablesOf(site).of(tableOf(day)).table.newest(), day);
    const archived = site === "disk" ? readArchivedDay(dataDir, day) : await bucketOf().archivedDay(day);
    return file === undefined || archived === null ? null : { ...archived, file };
  }

  async function writeAllFacts(site: DatasetSite, days: readonly Day[]): Promise<void> {
    const found: FactDay[] = [];
    for (const day of days) {
      const facts = await factDay(site, day);
      if (facts !== null) found.push(facts);
    }
    for (const name of factTables) {
      const rows = found.map((day) => rowsOf(name, day));
      await writeFacts(name, rows, { ...tablesOf(site).of(name), nowMs });
    }
  }

  return async (job) => {
    switch (job.kind) {
      case "look":
        rmSync(join(datasetFolder(dataDir), ".work"), { recursive: true, force: true });
        return { kind: "look", due: await findDueDays(dataDir, local, { numbers, keepFrom: job.keepFrom, alive }) };
      case "day":
        return { kind: "day", done: await writeTo(job.site, job.day) };
      case "facts":
        await writeAllFacts(job.site, job.days);
        return { kind: "facts" };
      case "sweep": {
        const { site, keepFrom, keepHours, time } = job;
        const streams = streamTables(dataDir);
        let [expired, removed] = [0, 0];
        for (const name of [...streams, ...factTables]) {
          const { table, store } = tablesOf(site).of(name);
          const isStream = streams.includes(name);
          const mayGo = site === "disk" ? () => true : bucketOf().mayExpire;
          if (keepFrom !== null && isStream && time.kind === "confirmed")
            expired += await expireDays(table, { keepFrom, mayGo });
          removed += await removeReplaced(table, store, { time, keepHours });
        }
        return { kind: "sweep", expired, removed };
      }
    }
  };
}
