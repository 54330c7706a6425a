import { ReaderGone } from "../../export/stream-file.ts";
import { tardisTypes } from "../../export/tardis/tardis-types.ts";
import { OperatorError } from "../../platform/errors.ts";
import { createSourceCheck } from "../../storage/read/source-check.ts";
import { openGapList, selectionFlags, selectionOf, selectRecords } from "../data/selection.ts";
import type { Command, Flags } from "../framework/command.ts";
import { createProgress } from "../terminal/progress.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import { planBars } from "./bars/bar-plan.ts";
import { type BarSettings, barSettings } from "./bars/bar-settings.ts";
import { exportInThreads, exportInTurn, workersFor } from "./export-days.ts";
import { refuseRecorded } from "./export-place.ts";
import {
  type ExportJob,
  type ExportPlan,
  type ExportSettings,
  exportSettings,
  planExport,
  type WrittenFile,
} from "./export-plan.ts";
import { marketSettings, planMarket, settingsOfMarket } from "./market-plan.ts";

/** How Python opens a day for hftbacktest. */
const pythonLines = [
  "import json; from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest",
  'facts = json.load(open("hft/btcusdt_20261121.json"))',
  'asset = BacktestAsset().data(["hft/btcusdt_20261121.npz"]).initial_snapshot("hft/btcusdt_20261120_eod.npz").linear_asset(1.0)',
  'asset.intp_order_latency(["hft/btcusdt_20261121_latency.npz"]).power_prob_queue_model(2.0).no_partial_fill_exchange()',
  'hbt = HashMapMarketDepthBacktest([asset.trading_value_fee_model(0.001, 0.001).tick_size(facts["tick_size"]).lot_size(facts["lot_size"])])',
];

/** `rt-data export` */
export const exportCommand: Command = {
  name: "export",
  summary: "export recorded data, bars or features as CSV, Parquet or Feather, or for a backtester",
  flags: {
    out: {
      value: "FILE|DIR",
      help: "a file (.csv.gz or .csv.zst: compressed), - for standard output, or a folder for a file per day",
    },
    format: {
      value: "csv|parquet|feather|freqtrade|hftbacktest|tardis",
      help: "format (default: by the ending of --out); feather, freqtrade: bars; hftbacktest, tardis: a symbol's day",
    },
    bars: {
      value: "1m|1000t|50v|1Mq",
      help: "bars instead of records: of an interval, trades, volume or quote volume ('1M$' is 1Mq)",
    },
    every: {
      value: "INTERVAL",
      help: "a row per interval (1s, 5m) instead of records: the last book, and the bar of the trades",
    },
    ...selectionFlags,
    book: {
      value: "depth|depth20|depth10|depth5",
      help: "hftbacktest, tardis: the stream of the book (default depth if it is recorded, otherwise the deepest)",
    },
    types: { value: "A,B,…", help: "tardis: only these types of files (default all that the recorded streams give)" },
    "on-gap": {
      value: "keep|clear",
      help: "hftbacktest: in a gap the book stays as it was (default), or is cleared",
    },
    numbers: { value: "float64|decimal|ticks|text", help: "prices and quantities in Parquet (default float64)" },
    levels: {
      value: "columns|list|N",
      help: "layout of depth5, 10 and 20: bid_px_1 … ask_sz_20, or four lists (default columns); with --every: levels that count (default 10)",
    },
    compression: {
      value: "zstd|snappy|gzip|none",
      help: "Parquet: zstd (default) or snappy; CSV, also in a folder: gzip or zstd (default: by the ending of --out)",
    },
    "with-symbol": { value: null, help: "add a first column symbol; needed for several symbols in a single file" },
    "skip-damaged": { value: null, help: "write the rest if a source is damaged (default: do not write the file)" },
    json: { value: null, help: "print the written files as JSON" },
  },
  examples: [
    ["rt-data export --stream depth20 --symbol BTCUSDT --from 2026-11-22 --to 2026-11-23 --out btc.parquet", "a day"],
    ["rt-data export --format parquet --out ./parquet", "everything, a file per stream, symbol and day"],
    ["rt-data export --format csv --compression gzip --out ./csv", "everything as .csv.gz, a file per day"],
    ["rt-data export --stream aggTrade --with-symbol --numbers decimal --out trades.parquet", "exact decimals"],
    ["rt-data export --stream trade --symbol BTCUSDT --out trades.csv", "CSV, decimals as the exchange wrote them"],
    ["rt-data export --stream trade --symbol BTCUSDT --last 1h --out trades.csv.gz", "an hour, compressed"],
    ["rt-data export --bars 1m --symbol BTCUSDT --out bars.parquet", "minutes, as Binance's klines"],
    ["rt-data export --bars '1M$' --format parquet --out ./bars", "bars of a million of the quote asset"],
    ["rt-data export --every 1s --levels 10 --symbol BTCUSDT --out features.parquet", "book and trades each second"],
    ["rt-data export --bars 5m --format freqtrade --out user_data/data/binance", "candles for freqtrade"],
    ["rt-data export --stream trade --symbol BTCUSDT --format csv --out - | head", "the same on standard output"],
    [
      "rt-data export --format tardis --types trades,quotes --last 2d --out ./tardis",
      "CSV as Tardis' datasets have it",
    ],
    ["rt-data export --format hftbacktest --symbol BTCUSDT --out ./hft", "the files of hftbacktest, one set a day"],
  ],
  notes: [
    "Columns: recv_us (µs), net_delay_ms, then last_update_id and bid_px_1, bid_sz_1 … ask_px_20, ask_sz_20, best level first, null if the",
    "book has fewer levels; trades: repaired, event_time_ms, trade_time_ms, ids, price, quantity, is_buyer_maker; depth and depthSnapshot:",
    "lists bid_px, bid_sz, ask_px, ask_sz. Then recv_time, event_time and trade_time, the same times as timestamps (µs, UTC), and since_gap,",
    "true for the first row after a gap that was not backfilled in full. decimal is DECIMAL(18, 8), exact; ticks are whole multiples of the",
    "tick size (prices) and the step size (quantities); text is for values that do not fit. The metadata of a Parquet file names its stream,",
    "symbol, date, gaps, tick size, and for whole archived days coverage and SHA-256 of the archive. A file is written under a temporary name",
    "and replaces the old file once it is complete; a FIFO, a device or standard output is written directly. Sources are checked before",
    "the first row. The days of a folder are exported on all cores, at low priority. Exit code 1: a source is damaged; it is named, and its",
    "file is not written (see --skip-damaged).",
    "",
    "--format hftbacktest writes, for a symbol and day, btcusdt_20261121.npz (events in the order of hftbacktest 2), btcusdt_20261121_eod.npz (the",
    "book at the end of the day), btcusdt_20261121_latency.npz (order latencies, from the delay of the data) and btcusdt_20261121.json (tick and",
    "lot size, correction of the clock, gaps, archives). The book comes from one stream; trades from trade, otherwise from aggTrade, whose sums",
    "make queue positions coarser. Python loads them by:",
    ...pythonLines.map((line) => `  ${line}`),
    "",
    "--format tardis writes binance_TYPE_DATE_SYMBOL.csv.gz with the columns of Tardis' datasets. Types:",
    `${tardisTypes.join(", ")}. incremental_book_L2 needs depth, book_ticker needs bookTicker.`,
    "",
    "--bars and --every use aggTrade, or trade if that is not recorded, and the deepest book of depth20, depth10, depth5, or bookTicker; --stream",
    "chooses others. --bars goes by the exchange's trade time, --every by time of receipt. Intervals are aligned to UTC and divide a day; 1000t,",
    "50v and 1M$ are trades, base and quote volume, with k or M before the letter; 1Mq is 1M$. A row that touches a gap that was not backfilled,",
    "or from which trades are missing by their ids, is left out and counted, as are rows that begin before the recording or are not finished.",
    "Without a trade a bar has the close before and volume 0; a book is repeated for less than a minute. A folder gets a file per symbol and",
    "day. See the page on reading for the columns.",
  ],
  async run(flags, terminal) {
    const { plan, settings, dataDir } = planOf(flags);
    for (const path of plan.paths) refuseRecorded(path, dataDir);
    const isPiped = plan.paths.some(isStandardOutput);
    if (isPiped && process.stdout.isTTY && (settings.format !== "csv" || settings.packing !== null)) {
      const name = settings.format === "parquet" ? "Parquet" : settings.format === "csv" ? "compressed CSV" : "Feather";
      throw new OperatorError(`${name} is binary and does not go to a terminal; give a file as --out, or a pipe`);
    }
    // Rows and a progress line on one terminal would mix.
    const isVisible = terminal.isInteractive && !(isPiped && process.stdout.isTTY);
    const progress = createProgress({ isInteractive: isVisible });
    const warn = (line: string) => {
      progress.clear();
      process.stderr.write(`rt-data: ${line}\n`);
    };
    const damagedFiles = new Set<string>();
    const onDamage = (path: string, problem: string) => {
      if (!damagedFiles.has(path)) warn(`${path}: ${problem}`);
      damagedFiles.add(path);
    };
    const check = createSourceCheck(terminal.stop);
    const gapsOf = openGapList(dataDir, (reason) => warn(`${reason}; gaps of live days are unknown`));
    const written: WrittenFile[] = [];
    const deps = { check, gapsOf, onDamage, onProgress: progress.update, stop: terminal.stop };
    try {
      for await (const event of plan.run(deps)) {
        if (event.kind === "written") written.push(event.file);
        else warn(`did not write ${event.name}, as a source is damaged; --skip-damaged exports the rest`);
      }
    } catch (error) {
      // As in `cat`: a reader may close the pipe when it has enough.
      if (error instanceof ReaderGone && isPiped) return 0;
      throw error;
    }
    progress.clear();
    const isJson = flags.json !== undefined;
    const report = isJson ? JSON.stringify(written, null, 2) : [...written.map(lineOf), ...plan.summary()].join("\n");
    if (isPiped) {
      // With rows on standard output, scripts expect only problems on standard error.
      if (report !== "" && (terminal.isInteractive || isJson)) process.stderr.write(`${report}\n`);
    } else if (report !== "") await createStandardOutput(terminal.stop).write(`${report}\n`);
    if (written.length === 0 && damagedFiles.size === 0) warn(plan.emptyText);
    return damagedFiles.size > 0 || written.length === 0 ? 1 : 0;
  },
};

/** Plans what the flags ask for. @throws OperatorError if they are wrong or the selection does not fit */
function planOf(flags: Flags): {
  readonly plan: ExportPlan;
  readonly settings: Pick<ExportSettings | BarSettings, "format" | "packing">;
  readonly dataDir: string;
} {
  const bars = barSettings(flags);
  if (bars !== null) {
    const selection = selectionOf(flags);
    return { plan: planBars(bars, selection), settings: bars, dataDir: selection.dataDir };
  }
  const market = marketSettings(flags);
  const settings =
    market === null ? exportSettings(flags) : settingsOfMarket(market, flags["skip-damaged"] !== undefined);
  const selection = selectionOf(flags);
  const jobs =
    market === null ? planExport(selectRecords(selection), selection, settings) : planMarket(selection, market);
  return { plan: planJobs(jobs, settings), settings, dataDir: selection.dataDir };
}

/** Plans the export of records or of days for a backtester: each file is a job of its own. */
function planJobs(jobs: readonly ExportJob[], settings: ExportSettings): ExportPlan {
  return {
    paths: jobs.map(({ path }) => path),
    emptyText: "no records in this range",
    summary: () => [],
    async *run(deps) {
      const workers = settings.isFolder ? workersFor(jobs.length) : 1;
      const results =
        workers > 1 ? exportInThreads(jobs, settings, { ...deps, workers }) : exportInTurn(jobs, settings, deps);
      for await (const { job, result } of results) {
        const { path } = job;
        if (result.kind === "damaged") yield { kind: "damaged", name: path };
        if (result.kind !== "written") continue;
        for (const file of result.files ?? [{ path, rows: result.rows, bytes: result.bytes }])
          yield { kind: "written", file };
      }
    },
  };
}

function lineOf({ path, rows, bytes }: WrittenFile): string {
  return `${path}: ${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}, ${bytes.toLocaleString("en")} bytes`;
}

/** Tells whether the rows go to standard output: the report must not mix with them. */
function isStandardOutput(path: string): boolean {
  return ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].includes(path);
}
