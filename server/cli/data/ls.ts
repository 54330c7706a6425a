import { takeInventory } from "../../archive/data-inventory.ts";
import { formatTime, type TimeZone } from "../../platform/time/time-parser.ts";
import type { Command } from "../framework/command.ts";
import { createProgress } from "../terminal/progress.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { type Listed, listDays, listStream, withInstruments } from "./ls-report.ts";
import { openGapList, requireLayout, selectionFlags, selectionOf, selectStreams } from "./selection.ts";

/** `rt-data ls` */
export const ls: Command = {
  name: "ls",
  summary: "list recorded data, with coverage and gaps",
  flags: {
    ...selectionFlags,
    days: { value: null, help: "a line per day instead of a line per stream and symbol" },
    quick: { value: null, help: "do not count the rows of unmerged days" },
    json: { value: null, help: "print JSON" },
  },
  examples: [
    ["rt-data ls", "every stream and symbol of ./data"],
    ["rt-data ls --last 1h", "the last hour"],
    ["rt-data ls --days --symbol BTCUSDT --from 2026-11-01", "day by day"],
    ["rt-data ls --json | jq '.[] | select(.coverage < 0.999)'", "entries that are not nearly complete"],
  ],
  notes: [
    "Coverage is the share of time in which the stream was received, from its very first to its last record; with --days, of that time on",
    "each UTC day. These times are not covered: recorded gaps, unless all missing records were backfilled or the exchange had halted the",
    "symbol; minutes of a book without a record; and days without a record. State: verified (an archive that was read back after it was",
    "written; rt-data verify reads it again), live (segments that are not merged yet), damaged (a file has a problem; rt-data verify finds it too), absent (a",
    "day without files between days with files).",
    "A range bounds rows, times, coverage and gaps; each UTC minute that it touches counts with all its rows. Bytes are those of the files",
    "of its days, whole.",
  ],
  async run(flags, terminal) {
    const selection = selectionOf(flags);
    const tracks = selectStreams(selection);
    requireLayout(selection.dataDir, tracks);
    const progress = createProgress(terminal);
    const warn = (line: string) => process.stderr.write(`rt-data: ${line}\n`);
    const gapsOf = openGapList(selection.dataDir, (reason) => warn(`${reason}; gaps of live days are unknown`));
    const inventory = await takeInventory(tracks, gapsOf, {
      dataDir: selection.dataDir,
      quick: flags.quick !== undefined,
      onProgress: progress.update,
    });
    progress.clear();
    const nowUs = Date.now() * 1000;
    const listed = inventory.flatMap((track) => {
      const around = tracks.find(({ stream }) => stream.name === track.stream.name) ?? {
        hasEarlier: false,
        hasLater: false,
      };
      if (flags.days !== undefined) return listDays(track, selection.range, around, nowUs);
      return [listStream(track, selection.range, around, nowUs)];
    });
    const text =
      flags.json === undefined
        ? tableOf(listed, selection.zone, process.stdout.columns ?? Number.POSITIVE_INFINITY)
        : JSON.stringify(withInstruments(listed, selection.dataDir), null, 2);
    await createStandardOutput(terminal.stop).write(`${text}\n`);
    if (flags.json === undefined)
      for (const { stream, invented } of inventory)
        for (const { date } of invented)
          warn(`${stream.name} ${date} was recorded by a wrong clock; it is kept but not counted`);
    const problems = listed.flatMap((row) => row.problems.map((problem) => `${row.stream} ${row.symbol} ${problem}`));
    for (const problem of problems) warn(problem);
    return problems.length > 0 ? 1 : 0;
  },
};

function tableOf(listed: readonly Listed[], zone: TimeZone, width: number): string {
  const byDay = listed.some(({ date }) => date !== undefined);
  const time = (us: number | null) =>
    us === null
      ? "–"
      : formatTime(us, zone)
          .slice(byDay ? 11 : 0, 16)
          .replace("T", " ");
  const columns: (Column & { cell: (row: Listed) => string })[] = [
    { heading: "STREAM", align: "left", dropped: 0, cell: ({ stream }) => stream },
    { heading: "SYMBOL", align: "left", dropped: 0, cell: ({ symbol }) => symbol },
    { heading: byDay ? "DATE" : "DAYS", align: "right", dropped: 0, cell: ({ date, days }) => date ?? String(days) },
    { heading: "FIRST", align: "left", dropped: 2, cell: ({ first_us }) => time(first_us) },
    { heading: "LAST", align: "left", dropped: 3, cell: ({ last_us }) => time(last_us) },
    { heading: "ROWS", align: "right", dropped: 5, cell: ({ rows }) => rows?.toLocaleString("en") ?? "–" },
    { heading: "BYTES", align: "right", dropped: 1, cell: ({ bytes }) => bytesText(bytes) },
    { heading: "COVERAGE", align: "right", dropped: 0, cell: ({ coverage }) => coverageText(coverage) },
    { heading: "STATE", align: "left", dropped: 4, cell: ({ states }) => stateText(states, byDay) },
    { heading: "GAPS", align: "left", dropped: 0, cell: gapText },
  ];
  return tableLines(
    columns,
    listed.map((row) => columns.map(({ cell }) => cell(row))),
    width,
  ).join("\n");
}

/** Formats a share, rounded down: only complete data is 100 %. */
function coverageText(share: number | null): string {
  if (share === null) return "–";
  return share === 1 ? "100 %" : `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

function gapText({ gaps, gaps_repaired }: Listed): string {
  const open = Object.entries(gaps).map(([cause, count]) => `${count} ${cause}`);
  return [...open, ...(gaps_repaired > 0 ? [`${gaps_repaired} closed`] : [])].join(", ");
}

function stateText(states: Listed["states"], byDay: boolean): string {
  const parts = Object.entries(states).map(([state, count]) => [state === "unverified" ? "damaged" : state, count]);
  return parts.map(([state, count]) => (byDay ? state : `${count} ${state}`)).join(", ");
}

function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
