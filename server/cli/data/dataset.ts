import { resolve } from "node:path";
import { createDatasetWork, datasetSettings } from "../../app/dataset/dataset-order.ts";
import type { RunDatasetJob } from "../../dataset/dataset-jobs.ts";
import { removeDataset, reportDataset, type TableReport } from "../../dataset/dataset-report.ts";
import { type Day, nameOfDay } from "../../domain/day.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import { isDemoFolder, takeDataFolder } from "../../storage/lock/data-folder.ts";
import type { Command, Terminal } from "../framework/command.ts";
import { configOf, settingFlags } from "../framework/config-flags.ts";
import { createProgress } from "../terminal/progress.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { requireFolder } from "./selection.ts";

const { config, "data-dir": dataDir } = settingFlags;

/** `rt-data dataset` */
export const dataset: Command = {
  name: "dataset",
  summary: "show the Parquet tables of the archived days, or make them again",
  flags: {
    ...(config && { config }),
    ...(dataDir && { "data-dir": dataDir }),
    status: { value: null, help: "list the tables, and the archived days that they lack (default)" },
    rebuild: { value: null, help: "remove the tables and make them again from the archives on this disk" },
    json: { value: null, help: "the list, or the result, as JSON" },
  },
  notes: [
    "With dataset.enabled a recorder writes each day after its merge and finds missing days at its start, so --rebuild is needed only after",
    "a change of dataset.numbers, or if the tables are damaged. Meanwhile readers see tables that grow. The recorder has to be stopped.",
    "Exit codes: 0 the tables have every archived day, 1 days are missing or failed, 2 wrong flags or a running recorder.",
  ],
  examples: [
    ["rt-data dataset", "tables, days, rows, sizes and missing days; a recorder may be running"],
    ["rt-data dataset --rebuild", "make all tables again"],
    ["RT_DATA_DATASET_NUMBERS=decimal rt-data dataset --rebuild", "the same with exact decimals"],
  ],
  async run(flags, terminal) {
    const settings = configOf(flags);
    const folder = resolve(settings.record.data_dir);
    requireFolder(folder);
    if (flags.status !== undefined && flags.rebuild !== undefined)
      throw new OperatorError("--status and --rebuild exclude each other; give only --status or --rebuild");
    if (flags.rebuild !== undefined) {
      const lock = takeDataFolder(folder, isDemoFolder(folder) ? "demo" : "record");
      try {
        removeDataset(folder);
        const onDisk = { ...datasetSettings(settings, { mode: "record", recorderId: null }), upload: null };
        const progress = createProgress(terminal);
        let onProgress = (_share: number) => {};
        const work = { maySend: async () => {}, onProgress: (share: number) => onProgress(share), stop: terminal.stop };
        const run = createDatasetWork(onDisk, work);
        const failed = await rebuild(run, terminal, (share, day) => {
          onProgress = (part) => progress.update(share(part), nameOfDay(day));
          onProgress(0);
        });
        progress.clear();
        for (const { day, problem } of failed) process.stderr.write(`rt-data: ${nameOfDay(day)}: ${problem}\n`);
      } finally {
        lock.release();
      }
    }
    const report = await reportDataset(folder, settings.dataset.numbers);
    if (flags.json !== undefined) {
      const { tables, due } = report;
      terminal.print(JSON.stringify({ enabled: settings.dataset.enabled, tables, missing: due.days }, null, 2));
    } else for (const line of linesOf(report.tables, report.due.days, settings.dataset.enabled)) terminal.print(line);
    return report.due.days.length + report.due.facts.length === 0 ? 0 : 1;
  },
};

/** Writes every day, newest first, then the facts. Returns the days that failed. */
async function rebuild(
  run: RunDatasetJob,
  { stop }: Terminal,
  begin: (share: (part: number) => number, day: Day) => void,
): Promise<{ day: Day; problem: string }[]> {
  const look = await run({ kind: "look", keepFrom: null });
  if (look.kind !== "look") return [];
  const days = look.due.days.toReversed();
  const failed: { day: Day; problem: string }[] = [];
  for (const [at, day] of days.entries()) {
    begin((part) => (at + part) / days.length, day);
    try {
      await run({ kind: "day", site: "disk", day });
    } catch (error) {
      if (stop.aborted)
        throw new OperatorError("stopped; the recorder, or the same command, writes the rest", { cause: error });
      failed.push({ day, problem: messageOf(error) });
    }
  }
  await run({ kind: "facts", site: "disk", days });
  return failed;
}

const columns: readonly Column[] = [
  { heading: "TABLE", align: "left", dropped: 0 },
  { heading: "FILES", align: "right", dropped: 0 },
  { heading: "FROM", align: "left", dropped: 0 },
  { heading: "TO", align: "left", dropped: 0 },
  { heading: "ROWS", align: "right", dropped: 0 },
  { heading: "MB", align: "right", dropped: 0 },
  { heading: "NUMBERS", align: "left", dropped: 2 },
  { heading: "VERSION", align: "right", dropped: 1 },
];

/** Missing days that are listed by name. */
const mostListed = 20;

function linesOf(tables: readonly TableReport[], missing: readonly Day[], isEnabled: boolean): string[] {
  const rows = tables.map(({ table, files, from, to, rows, bytes, numbers, version }) => [
    ...[table, files.toLocaleString("en"), from ?? "", to ?? "", rows.toLocaleString("en"), (bytes / 1e6).toFixed(1)],
    ...[numbers ?? "", String(version)],
  ]);
  const width = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
  const rest = missing.length > mostListed ? [`  and ${missing.length - mostListed} more`] : [];
  return [
    ...(tables.length === 0 ? ["no tables yet"] : tableLines(columns, rows, width)),
    ...(missing.length === 0 ? [] : [`${missing.length} archived days are missing from the tables:`]),
    ...missing.slice(0, mostListed).map((day) => `  ${nameOfDay(day)}`),
    ...rest,
    ...(isEnabled ? [] : ["dataset.enabled is false: the recorder does not write the tables"]),
  ];
}
