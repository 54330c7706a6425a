import { ReaderGone } from "../../export/stream-file.ts";
import { createSourceCheck } from "../../storage/read/source-check.ts";
import type { Command } from "../framework/command.ts";
import { createProgress } from "../terminal/progress.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import { exportOne } from "./export-job.ts";
import { exportSettings, planExport } from "./export-plan.ts";
import { selectionFlags, selectionOf, selectStreams } from "./selection.ts";

/** `rt-data export` */
export const exportCommand: Command = {
  name: "export",
  summary: "what is recorded as CSV or Parquet, with typed columns",
  flags: {
    out: {
      value: "FILE|DIR",
      help: "one file, - for standard output, or a folder that gets stream=…/symbol=…/date=…/ with a file a day",
    },
    format: { value: "csv|parquet", help: "default: what --out ends with" },
    ...selectionFlags,
    numbers: { value: "float64|decimal|text", help: "prices and quantities in Parquet (default float64)" },
    levels: {
      value: "columns|list",
      help: "of depth5, 10 and 20: bid_px_1 … ask_sz_20, or four lists (default columns)",
    },
    compression: { value: "zstd|snappy|none", help: "of Parquet (default zstd)" },
    "with-symbol": { value: null, help: "a first column symbol; needed for one file of several symbols" },
    "skip-damaged": { value: null, help: "write the rest if a source is damaged (default: write nothing)" },
    json: { value: null, help: "what was written, as JSON" },
  },
  examples: [
    ["rt-data export --stream depth20 --symbol BTCUSDT --from 2026-11-22 --to 2026-11-23 --out btc.parquet", "a day"],
    ["rt-data export --format parquet --out ./parquet", "everything, a file a stream, symbol and day"],
    ["rt-data export --stream aggTrade --with-symbol --numbers decimal --out trades.parquet", "exact decimals"],
    ["rt-data export --stream trade --symbol BTCUSDT --out trades.csv", "CSV, decimals as the exchange wrote them"],
    ["rt-data export --stream trade --symbol BTCUSDT --format csv --out - | head", "the same on standard output"],
  ],
  notes: [
    "Columns: recv_us (µs), net_delay_ms, then last_update_id and bid_px_1, bid_sz_1 … ask_px_20, ask_sz_20, the best level first, null where a",
    "book has fewer; trades: repaired, event_time_ms, trade_time_ms, ids, price, quantity, is_buyer_maker; depth and depthSnapshot: lists",
    "bid_px, bid_sz, ask_px, ask_sz. decimal is DECIMAL(18, 8), exact; text is for what does not fit into it. A file is written under a",
    "temporary name and replaces what was there when it is whole; a FIFO, a device or standard output is written to. Sources are checked",
    "before the first row goes out. Exit code 1: a source is damaged; it is named, and its file is not written (see --skip-damaged).",
  ],
  async run(flags, terminal) {
    const settings = exportSettings(flags);
    const selection = selectionOf(flags);
    const jobs = planExport(selectStreams(selection), selection.range, settings);
    const progress = createProgress(terminal);
    const warn = (line: string) => {
      progress.clear();
      process.stderr.write(`rt-data: ${line}\n`);
    };
    const named = new Set<string>();
    const onDamage = (path: string, problem: string) => {
      if (!named.has(path)) warn(`${path}: ${problem}`);
      named.add(path);
    };
    const check = createSourceCheck(terminal.stop);
    const written: Written[] = [];
    for (const [at, job] of jobs.entries()) {
      const onProgress = (share: number) => progress.update((at + share) / jobs.length, job.path);
      const result = await exportOne(job, settings, { check, onDamage, onProgress, stop: terminal.stop }).catch(
        (error: unknown) => {
          // As of `cat`: whoever reads standard output may have enough.
          if (error instanceof ReaderGone && isStandardOutput(job.path)) return null;
          throw error;
        },
      );
      if (result === null) return 0;
      if (result.kind === "written") written.push({ path: job.path, rows: result.rows, bytes: result.bytes });
      if (result.kind === "damaged")
        warn(`${job.path} was not written, since a source is damaged; --skip-damaged exports the rest`);
    }
    progress.clear();
    const report = flags.json !== undefined ? JSON.stringify(written, null, 2) : written.map(lineOf).join("\n");
    if (jobs.some(({ path }) => isStandardOutput(path))) {
      // Beside rows on standard output a script wants to hear of problems alone.
      if (report !== "" && (terminal.isInteractive || flags.json !== undefined)) process.stderr.write(`${report}\n`);
    } else if (report !== "") await createStandardOutput(terminal.stop).write(`${report}\n`);
    if (written.length === 0 && named.size === 0) warn("nothing was received in this range");
    return named.size > 0 || written.length === 0 ? 1 : 0;
  },
};

type Written = { readonly path: string; readonly rows: number; readonly bytes: number };

function lineOf({ path, rows, bytes }: Written): string {
  return `${path}: ${rows.toLocaleString("en")} rows, ${bytes.toLocaleString("en")} bytes`;
}

/** The report must not get among the rows. */
function isStandardOutput(path: string): boolean {
  return ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].includes(path);
}
