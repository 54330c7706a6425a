import type { Day } from "../domain/day.ts";
import type { Manifest } from "../storage/manifest.ts";
import { sha256Of } from "../storage/manifest-mark.ts";
import type { AddFile } from "./delta/actions.ts";
import type { TableColumn } from "./delta/columns.ts";
import type { Table } from "./delta/commit.ts";
import type { Snapshot } from "./delta/table-state.ts";
import type { ParquetFacts } from "./parquet-facts.ts";

/** An archived day as its manifest states it. `startsAfterGap`: the archive of the day before ends in a gap. */
export type ManifestDay = { readonly day: Day; readonly manifest: Manifest; readonly startsAfterGap: boolean };

/** Version of the layout of data files. Days of another version are written again. */
const layout = 1;

/** Returns what a data file is made of: the archive with its gaps, and the form of its columns. Equal marks mean equal content. */
export function markOf({ manifest, startsAfterGap }: ManifestDay, numbers: string): string {
  const { compressed_sha256, gaps, since_us, instrument } = manifest;
  // Days without the mark keep the mark that earlier versions gave them.
  const since_gap = startsAfterGap || undefined;
  return sha256Of(JSON.stringify({ compressed_sha256, gaps, since_us, instrument, numbers, layout, since_gap }));
}

/** Returns the data files of a day in a version of its table: normally one file; empty before the first. */
export function dataFilesOf(snapshot: Snapshot, { symbol, date }: Day): AddFile[] {
  return [...snapshot.files.values()].filter(
    ({ partitionValues }) => partitionValues.symbol === symbol && partitionValues.date === date,
  );
}

/** Returns true if the table has a day in the form that `mark` describes. */
export function isCurrent(snapshot: Snapshot, day: Day, mark: string): boolean {
  const files = dataFilesOf(snapshot, day);
  return files.length === 1 && files[0]?.tags.made_of === mark;
}

/** Columns by which the tables of streams are partitioned. */
export const partitionColumns = ["symbol", "date"] as const;

const partitionTypes: readonly TableColumn[] = [
  { name: "symbol", type: "string" },
  { name: "date", type: "date" },
];

/** A complete data file that is to become a day's only file. */
export type DayFile = {
  readonly path: string;
  readonly facts: ParquetFacts;
  readonly mark: string;
  readonly archiveSha256: string;
  readonly sha256: string;
};

/**
 * Makes a file the only file of its day, in one commit: the earlier files leave the table in the same version. `mayCommit` is asked after
 * the newest version was read and before the commit; with false there is no commit. Resolves with the version that has the file, or null.
 */
export async function commitDay(
  table: Table,
  day: Day,
  file: DayFile,
  deps: {
    readonly nowMs: () => number;
    readonly mayCommit?: () => Promise<boolean>;
    /** Ids of the recorders' data folders; for the table in a bucket. */
    readonly recorders?: readonly string[];
  },
): Promise<Snapshot | null> {
  const { symbol, date } = day;
  const add: AddFile = {
    path: file.path,
    partitionValues: { symbol, date },
    size: file.facts.bytes,
    modificationTime: deps.nowMs(),
    stats: file.facts.stats,
    tags: {
      ...{ made_of: file.mark, archive_sha256: file.archiveSha256, sha256: file.sha256 },
      ...(deps.recorders && { recorders: deps.recorders.join(" ") }),
    },
  };
  const after = await table.commit(async (snapshot) => {
    // An earlier attempt has made the commit, although its answer was lost.
    if (snapshot.files.has(file.path)) return null;
    if ((await deps.mayCommit?.()) === false) return null;
    const remove = dataFilesOf(snapshot, day).map(({ path }) => path);
    return { operation: "WRITE", add: [add], remove, columns: [...file.facts.columns, ...partitionTypes] };
  });
  return after.files.has(file.path) ? after : null;
}
