import { manifestPath } from "../../domain/day.ts";
import { createCompressedFile, packingOf } from "../../export/compressed-file.ts";
import { type GapRow, gapCsv, gapParquet, gapRow } from "../../export/gap-rows.ts";
import { openOutput } from "../../export/output-file.ts";
import { ReaderGone } from "../../export/stream-file.ts";
import { targetOf } from "../../export/target.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import { existsSync } from "../../platform/files/files.ts";
import { version } from "../../platform/process/version.ts";
import { formatTime, type TimeZone } from "../../platform/time/time-parser.ts";
import { latestDate } from "../../storage/list/invented-day.ts";
import { gapsOfDays } from "../../storage/recorded-gaps.ts";
import { refuseRecorded } from "../export/export-place.ts";
import type { Command, Flags } from "../framework/command.ts";
import { createProgress } from "../terminal/progress.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import {
  openGapList,
  requireLayout,
  type SelectedStream,
  selectionFlags,
  selectionOf,
  selectRecords,
} from "./selection.ts";

const formats = ["table", "csv", "json", "parquet"] as const;
type Format = (typeof formats)[number];

/** `rt-data gaps` */
export const listGaps: Command = {
  name: "gaps",
  summary: "list the gaps of a selection, as a table or as data",
  flags: {
    ...selectionFlags,
    format: { value: "table|csv|json|parquet", help: "format (default: by the ending of --out, else table)" },
    out: { value: "FILE", help: "a file (.csv.gz, .json.zst: compressed) instead of standard output (-)" },
    json: { value: null, help: "the same as --format json" },
  },
  examples: [
    ["rt-data gaps --last 1d", "the last day"],
    [
      "rt-data gaps --symbol BTCUSDT --from 2026-11-01 --to 2026-12-01 --out gaps.parquet",
      "a month, to join with rows",
    ],
    ["rt-data gaps --json | jq 'map(select(.settled | not)) | length'", "gaps with records that are still absent"],
    ["rt-data gaps --format csv --out - | sort -t, -k8 -n | tail", "the longest gaps"],
  ],
  notes: [
    "Gaps that overlap the range are listed whole. They come from the manifests of merged days, for other days from the recorder's journal,",
    "also while it is running: a gap that has not ended reaches to its last saved moment. missing: records that the ids prove to be absent,",
    "empty if ids cannot tell (books, diffs). repaired: how many of them were backfilled. settled: nothing is absent any more, since all of",
    "them were backfilled or the exchange had halted the symbol. A bar or feature that touches a gap that is not settled has lost records.",
    "Exit codes: 0 done, with or without gaps; 1 the gaps of some days are unknown; 2 a flag is invalid or there are no such records.",
  ],
  async run(flags, terminal) {
    const { format, out } = settingsOf(flags);
    const selection = selectionOf(flags);
    // A gap may reach beyond the range, or cover a day without any file.
    const everything = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };
    const streams = selectRecords({ ...selection, range: everything });
    requireLayout(selection.dataDir, streams);
    refuseRecorded(out, selection.dataDir);
    if (format === "parquet" && out === "-" && process.stdout.isTTY)
      throw new OperatorError("Parquet is binary and does not go to a terminal; give a file as --out, or a pipe");
    const progress = createProgress(terminal);
    let isUncertain = false;
    const warn = (line: string) => {
      isUncertain = true;
      progress.clear();
      process.stderr.write(`rt-data: ${line}\n`);
    };
    const gapsOf = openGapList(selection.dataDir, (reason) => warn(`${reason}; gaps of live days are unknown`));
    const rows: GapRow[] = [];
    const { fromUs, toUs } = selection.range;
    for (const [at, stream] of streams.entries()) {
      if (terminal.stop.aborted) throw new Error("the listing of gaps was stopped");
      progress.update(at / streams.length, stream.stream.name);
      for (const path of unreadableManifests(selection.dataDir, stream))
        warn(`${path} cannot be read; the gaps of its day may be incomplete`);
      const { gaps } = gapsOfDays(withToday(stream), gapsOf);
      rows.push(...gaps.filter(({ from_us, to_us }) => to_us > fromUs && from_us < toUs).map(gapRow));
    }
    progress.clear();
    rows.sort((a, b) => a.from_us - b.from_us);
    const width = out === "-" ? (process.stdout.columns ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    await write(out, contentOf(format, rows, selection.zone, width), terminal.stop);
    if (targetOf(out).kind === "file")
      terminal.print(`${out}: ${rows.length === 1 ? "1 gap" : `${rows.length.toLocaleString("en")} gaps`}`);
    return isUncertain ? 1 : 0;
  },
};

function settingsOf(flags: Flags): { readonly format: Format; readonly out: string } {
  const problems: string[] = [];
  const out = flags.out ?? "-";
  const ending = /\.(csv|json|parquet)(?:\.(?:gz|zst))?$/.exec(out)?.[1];
  const asked = flags.format ?? (flags.json === undefined ? undefined : "json");
  const format = formats.find((known) => known === (asked ?? ending ?? "table")) ?? null;
  if (format === null)
    problems.push(`--format "${asked}" is not accepted${didYouMean(asked ?? "", formats)}; give ${formats.join(", ")}`);
  if (flags.json !== undefined && format !== null && format !== "json")
    problems.push(`--json and --format ${format} contradict each other; leave out either`);
  if (out === "") problems.push("--out is empty; give a file, or - for standard output");
  if (format === "parquet" && packingOf(out) !== null)
    problems.push(`Parquet is compressed inside; give an --out without .${packingOf(out)}`);
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  return { format: format ?? "table", out };
}

/** Adds today, for which the recorder may know a gap before there is any file. */
function withToday({ stream, days }: SelectedStream): SelectedStream["days"] {
  const date = latestDate(Date.now());
  const last = days.at(-1)?.date;
  if (last === undefined || last >= date || date.startsWith("9999")) return days;
  return [...days, { stream: stream.type.folder, symbol: stream.symbol, date, gaps: null }];
}

/** Lists manifests of the stream that exist but tell no gaps. */
function unreadableManifests(dataDir: string, { days }: SelectedStream): readonly string[] {
  return days.flatMap(({ gaps, ...day }) => {
    const path = manifestPath(dataDir, day);
    return gaps === null && existsSync(path) ? [path] : [];
  });
}

function contentOf(format: Format, rows: readonly GapRow[], zone: TimeZone, width: number): string | Uint8Array {
  switch (format) {
    case "csv":
      return gapCsv(rows);
    case "json":
      return rows.length === 0 ? "[]\n" : `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(",\n")}\n]\n`;
    case "parquet":
      return gapParquet(rows, `rt-data version ${version}`);
    case "table":
      return tableText(rows, zone, width);
  }
}

function tableText(rows: readonly GapRow[], zone: TimeZone, width: number): string {
  if (rows.length === 0) return "no gaps\n";
  const time = (us: number) => formatTime(us, zone).slice(0, 23).replace("T", " ");
  const count = (value: number | null) => value?.toLocaleString("en") ?? "–";
  const columns: (Column & { cell: (row: GapRow) => string })[] = [
    { heading: "STREAM", align: "left", dropped: 0, cell: ({ stream }) => stream },
    { heading: "SYMBOL", align: "left", dropped: 0, cell: ({ symbol }) => symbol },
    { heading: "FROM", align: "left", dropped: 0, cell: ({ from_us }) => time(from_us) },
    { heading: "TO", align: "left", dropped: 1, cell: ({ to_us }) => time(to_us) },
    { heading: "SECONDS", align: "right", dropped: 0, cell: ({ seconds }) => seconds.toFixed(3) },
    { heading: "CAUSE", align: "left", dropped: 0, cell: ({ cause }) => cause },
    { heading: "MISSING", align: "right", dropped: 2, cell: ({ missing }) => count(missing) },
    { heading: "BACKFILLED", align: "right", dropped: 3, cell: ({ repaired }) => count(repaired) },
    { heading: "SETTLED", align: "left", dropped: 4, cell: ({ settled }) => (settled ? "yes" : "no") },
  ];
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  return `${tableLines(columns, cells, width).join("\n")}\n`;
}

async function write(out: string, content: string | Uint8Array, stop: AbortSignal): Promise<void> {
  const output = openOutput(out, {
    stop,
    write: (fd, bytes, name) => createStandardOutput(stop, fd, name).write(bytes),
  });
  const packing = packingOf(out);
  const file = packing === null ? output : createCompressedFile(output, packing);
  try {
    file.write(typeof content === "string" ? Buffer.from(content) : content);
    await file.commit();
  } catch (error) {
    // A reader may close the pipe when it has enough.
    if (!(error instanceof ReaderGone) || stop.aborted) throw error;
  } finally {
    file.discard();
  }
}
