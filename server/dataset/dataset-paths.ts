import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { type Day, dayPath } from "../domain/day.ts";
import { streamTypeOfFolder } from "../domain/stream.ts";
import { streamKinds } from "../domain/stream-kinds.ts";
import { namesIn } from "../platform/files/names-in.ts";

/*
 * The dataset, in the data folder and below the prefix of the bucket:
 *
 *   dataset/stream=depth20/_delta_log/…                                      one Delta table for each stream
 *   dataset/stream=depth20/symbol=BTCUSDT/date=2026-11-21/….parquet
 *   dataset/coverage/_delta_log/… and date=2026-11-21/….parquet              a row for each archived day
 *   dataset/gaps/_delta_log/… and date=2026-11-21/….parquet                  a row for each gap
 *
 * A table has one set of columns, and the streams differ in theirs: hence a table for each stream. Partition columns are symbol and date,
 * for coverage and gaps date alone. The names of data files end with random letters, so no file ever replaces another.
 */

/** Name of the folder of the dataset. */
export const datasetName = "dataset";

/** Returns the folder of the dataset. */
export function datasetFolder(dataDir: string): string {
  return join(dataDir, datasetName);
}

/** DatasetTables with facts about the archived days. */
export const factTables = ["coverage", "gaps"] as const;
export type FactTable = (typeof factTables)[number];

/** Tells whether the days of a stream have a table. Facts about symbols have no columns; an unknown stream is a newer version's. */
export function hasTable({ stream }: Pick<Day, "stream">): boolean {
  const type = streamTypeOfFolder(stream);
  return type !== null && !streamKinds[type.kind].isFacts;
}

/** Returns the name of a day's table, its path below the dataset: `stream=depth20`. */
export function tableOf(day: Day): string {
  return dirname(dirname(dayPath(day)));
}

/** Lists the tables of streams that are on this disk. */
export function streamTables(dataDir: string): string[] {
  return namesIn(datasetFolder(dataDir)).filter((name) => name.startsWith("stream="));
}

/** Returns the folder of a day below its table: `symbol=BTCUSDT/date=2026-11-21`. */
export function partitionPath(day: Day): string {
  return dayPath(day).slice(tableOf(day).length + 1);
}

/** Returns a new path for a day's data file below its table. */
export function newDayFile(day: Day): string {
  return `${partitionPath(day)}/${day.symbol}-${day.stream}-${day.date}-${unique()}.parquet`;
}

/** Returns a new path for a date's file below the table of facts. */
export function newFactFile(table: FactTable, date: string): string {
  return `date=${date}/${table}-${date}-${unique()}.parquet`;
}

/** Returns true for the name or path of a data file of ours. */
export function isDataFile(path: string): boolean {
  return !path.includes("..") && /-\d{4}-\d\d-\d\d-[0-9a-f]{12}\.parquet$/.test(path);
}

function unique(): string {
  return randomUUID().replaceAll("-", "").slice(0, 12);
}
