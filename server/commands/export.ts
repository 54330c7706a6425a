import { type Cell, type Members, rowShape } from "../export/column.ts";
import { createCsvFile } from "../export/csv.ts";
import { createParquetFile } from "../export/parquet.ts";
import type { TableFile } from "../export/table-file.ts";
import { createMergedReader } from "../merged-reader.ts";
import type { RecordedTrack } from "../recorded-track.ts";
import type { LineTrack, Received } from "../track-head.ts";
import { version } from "../version.ts";
import type { Command } from "./command.ts";
import { type ExportJob, type ExportSettings, exportSettings, planExport } from "./export-plan.ts";
import { createProgress, type Progress } from "./progress.ts";
import { endOfReading, selectionFlags, selectionOf, selectTracks } from "./selection.ts";
import { createStandardOutput } from "./standard-output.ts";

/** `rt-data export` */
export const exportCommand: Command = {
  name: "export",
  summary: "what is recorded as CSV or Parquet, with typed columns",
  flags: {
    out: { value: "FILE|DIR", help: "one file, or a folder that gets stream=…/symbol=…/date=…/ with a file a day" },
    format: { value: "csv|parquet", help: "default: what --out ends with" },
    ...selectionFlags,
    numbers: { value: "float64|decimal|text", help: "prices and quantities in Parquet (default float64)" },
    levels: {
      value: "columns|list",
      help: "of depth5, 10 and 20: bid_px_1 … ask_sz_20, or four lists (default columns)",
    },
    compression: { value: "zstd|snappy|none", help: "of Parquet (default zstd)" },
    "with-symbol": { value: null, help: "a first column symbol; needed for one file of several symbols" },
    json: { value: null, help: "what was written, as JSON" },
  },
  examples: [
    ["rt-data export --stream depth20 --symbol BTCUSDT --from 2026-11-22 --to 2026-11-23 --out btc.parquet", "a day"],
    ["rt-data export --format parquet --out ./parquet", "everything, a file a stream, symbol and day"],
    ["rt-data export --stream aggTrade --with-symbol --numbers decimal --out trades.parquet", "exact decimals"],
    ["rt-data export --stream trade --symbol BTCUSDT --out trades.csv", "CSV, decimals as the exchange wrote them"],
  ],
  notes: [
    "Columns: recv_us (µs), net_delay_ms, then last_update_id and bid_px_1, bid_sz_1 … ask_px_20, ask_sz_20, the best level first, null where a",
    "book has fewer; trades: repaired, event_time_ms, trade_time_ms, ids, price, quantity, is_buyer_maker; depth and depthSnapshot: lists",
    "bid_px, bid_sz, ask_px, ask_sz. decimal is DECIMAL(18, 8), exact; text is for what does not fit into it. Files are written under a",
    "temporary name and replace what was there. Exit code 1: something could not be read; it is named, the rest is written.",
  ],
  async run(flags, terminal) {
    const settings = exportSettings(flags);
    const selection = selectionOf(flags);
    const jobs = planExport(selectTracks(selection), selection.range, settings);
    const progress = createProgress(terminal);
    const damaged = new Set<string>();
    const onDamage = (path: string, problem: string) => {
      damaged.add(path);
      progress.clear();
      process.stderr.write(`rt-data: ${path}: ${problem}\n`);
    };
    const written: { path: string; rows: number; bytes: number }[] = [];
    for (const [at, job] of jobs.entries()) {
      const overall: Progress = {
        ...progress,
        update: (share) => progress.update((at + share) / jobs.length, job.path),
      };
      const rows = await writeFile(job, settings, { onDamage, progress: overall, stop: terminal.stop });
      if (rows !== null) written.push({ path: job.path, ...rows });
    }
    progress.clear();
    const text =
      flags.json !== undefined
        ? JSON.stringify(written, null, 2)
        : written
            .map(
              ({ path, rows, bytes }) =>
                `${path}: ${rows.toLocaleString("en")} rows, ${bytes.toLocaleString("en")} bytes`,
            )
            .join("\n");
    if (text !== "") await createStandardOutput(terminal.stop).write(`${text}\n`);
    if (written.length === 0) process.stderr.write("rt-data: nothing was received in this range\n");
    return damaged.size > 0 || written.length === 0 ? 1 : 0;
  },
};

type Reading = {
  readonly onDamage: (path: string, problem: string) => void;
  readonly progress: Progress;
  readonly stop: AbortSignal;
};

/** Resolves with what was written; null if there was no row, and no file. */
async function writeFile(
  job: ExportJob,
  settings: ExportSettings,
  { onDamage, progress, stop }: Reading,
): Promise<{ rows: number; bytes: number } | null> {
  const { range } = job;
  const endUs = endOfReading(job.tracks, range);
  const reader = createMergedReader(
    job.tracks.map((track) => rowTrack(track, job, settings)),
    { fromUs: range.fromUs, onDamage },
  );
  let file: TableFile | null = null;
  let rows = 0;
  let firstUs = 0;
  try {
    for (;;) {
      const next = reader.peek();
      if (next === undefined) {
        if (stop.aborted) throw new Error(`export was stopped; ${job.path} was not written`);
        if (await reader.fill()) continue;
        break;
      }
      if (next.recvUs >= range.toUs) break;
      if (file === null) {
        file = createFile(job, settings);
        firstUs = next.recvUs;
      }
      file.add(next.cells);
      rows++;
      if (rows % 1000 === 0) progress.update((next.recvUs - firstUs) / (endUs - firstUs), job.path);
      reader.skip();
    }
    return file === null ? null : { rows, bytes: file.finish() };
  } finally {
    reader.close();
    file?.discard();
  }
}

function createFile({ path, type, withSymbol }: ExportJob, settings: ExportSettings): TableFile {
  const { columns } = rowShape(type, { levels: settings.levels, symbol: withSymbol ? "" : null });
  if (settings.format === "csv") return createCsvFile(path, columns);
  const { numbers, compression } = settings;
  return createParquetFile(path, columns, { numbers, compression, createdBy: `rt-data version ${version}` });
}

type RowLine = Received & { readonly cells: readonly Cell[] };

function rowTrack({ files, stream }: RecordedTrack, job: ExportJob, settings: ExportSettings): LineTrack<RowLine> {
  const shape = rowShape(stream.type, { levels: settings.levels, symbol: job.withSymbol ? stream.symbol : null });
  return {
    files,
    createParser: () => (text, from, to) => {
      try {
        const members = JSON.parse(text.slice(from, to)) as Members;
        const recvUs = members.recv_us;
        return typeof recvUs === "number" ? { recvUs, cells: shape.row(members) } : "damaged";
      } catch {
        return "damaged";
      }
    },
  };
}
