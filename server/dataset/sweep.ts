import type { ConfirmedTime } from "../platform/time/confirmed-time.ts";
import { isDataFile } from "./dataset-paths.ts";
import type { AddFile } from "./delta/actions.ts";
import type { Table } from "./delta/commit.ts";
import type { TableStore } from "./delta/table-store.ts";

/** Limit of dates that a sweep removes from a table. More dates mean that the setting was lowered: people get time to notice. */
const mostDates = 7;

/**
 * Takes the days before `keepFrom` out of a table, at most seven dates at a time. Their files stay for readers of the old version until
 * `removeReplaced`. `mayGo` decides by the tags of a day's file. Returns how many files left the table.
 */
export async function expireDays(
  table: Table,
  { keepFrom, mayGo }: { readonly keepFrom: string; readonly mayGo: (file: AddFile) => boolean },
): Promise<number> {
  let expired = 0;
  await table.commit(({ files }) => {
    const old = [...files.values()].filter((file) => (file.partitionValues.date ?? keepFrom) < keepFrom && mayGo(file));
    const dates = [...new Set(old.map(({ partitionValues }) => partitionValues.date))].sort().slice(0, mostDates);
    const remove = old.filter(({ partitionValues }) => dates.includes(partitionValues.date)).map(({ path }) => path);
    expired = remove.length;
    return remove.length === 0 ? null : { operation: "DELETE", add: [], remove, columns: [] };
  });
  return expired;
}

/**
 * Removes the files of a table that were replaced at least `keepHours` ago by a confirmed time, so that no reader of an older version
 * needs them. A file that the newest version names is never touched. Returns how many files were removed.
 */
export async function removeReplaced(
  table: Table,
  store: TableStore,
  { time, keepHours }: { readonly time: ConfirmedTime; readonly keepHours: number },
): Promise<number> {
  if (time.kind === "unconfirmed") return 0;
  const { removed, files } = await table.newest();
  const dueMs = time.us / 1000 - keepHours * 3_600_000;
  const due = [...removed.values()].filter(
    ({ path, deletionTimestamp }) => deletionTimestamp <= dueMs && !files.has(path) && isDataFile(path),
  );
  for (const { path } of due) {
    await store.remove(path);
    table.forget(path);
  }
  return due.length;
}
