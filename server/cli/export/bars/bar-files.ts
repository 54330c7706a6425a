import { join } from "node:path";
import type { TimeSpan } from "../../../domain/coverage/coverage.ts";
import { dateOf, dateStartUs, dayUs } from "../../../domain/day.ts";
import { computed } from "../../../export/bars/bar.ts";
import { columnsOfBars, columnsOfIntervals } from "../../../export/bars/bar-table.ts";
import type { OmissionReason } from "../../../export/bars/time-bars.ts";
import type { Cell, ExportColumn } from "../../../export/column.ts";
import { createCompressedFile } from "../../../export/compressed-file.ts";
import { createCsvFile } from "../../../export/csv.ts";
import { type Arrow, createFeatherFile } from "../../../export/feather-file.ts";
import { gapsText } from "../../../export/file-facts.ts";
import type { MarkedGap } from "../../../export/gap-marks.ts";
import { openOutput } from "../../../export/output-file.ts";
import { createParquetFile } from "../../../export/parquet/parquet-file.ts";
import type { TableFile } from "../../../export/table-file.ts";
import { version } from "../../../platform/process/version.ts";
import { createStandardOutput } from "../../terminal/standard-output.ts";
import type { BarSettings } from "./bar-settings.ts";
import type { BarSources } from "./bar-sources.ts";

/** How many rows were left out, by reason. */
export type LeftOutCounts = Record<OmissionReason, number>;

/** A complete file. */
export type BarFile = {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly left_out: LeftOutCounts;
};

/** Writes rows to files: a single file, a file a symbol and day, or a file a pair. */
export type BarFiles = {
  /** Begins the rows of a symbol. `gaps`: all gaps of its streams. */
  begin(sources: BarSources, gaps: readonly MarkedGap[]): void;
  add(startUs: number, cells: readonly Cell[]): void;
  leaveOut(startUs: number, reason: OmissionReason): void;
  /** Waits for slow readers of the output. Resolves with the files that are complete. */
  flush(): Promise<BarFile[]>;
  /** Ends the rows of a symbol. */
  end(): Promise<BarFile[]>;
  /** Ends all rows. */
  finish(): Promise<BarFile[]>;
  /** Removes the unfinished file. */
  discard(): void;
};

/** The file that is being written. `key`: its date if there is a file a day, else empty. */
type OpenFile = {
  readonly key: string;
  readonly path: string;
  readonly file: TableFile;
  readonly metadata: Record<string, string>;
  rows: number;
};

/** The columns that freqtrade reads, by their name in our tables. */
const candleColumns: readonly (readonly [name: string, own: string])[] = [
  ["date", "start_us"],
  ...["open", "high", "low", "close", "volume"].map((name) => [name, name] as const),
];

/** Creates the files. `arrow`: the library for Feather, else null. `pairOf`: the name of a symbol's pair, for freqtrade. */
export function createBarFiles(
  settings: BarSettings,
  deps: {
    readonly range: TimeSpan;
    readonly arrow: Arrow | null;
    readonly pairOf: (symbol: string) => string;
    readonly stop: AbortSignal;
    readonly onLeftOut: (reason: OmissionReason) => void;
  },
): BarFiles {
  const { target, format, out, withSymbol } = settings;
  const isCandles = format === "freqtrade";
  const perDay = settings.isFolder && !isCandles;
  const rowName = `${target.kind}=${target.text.replace("$", "q")}`;
  let sources: BarSources | null = null;
  let gaps: readonly MarkedGap[] = [];
  let open: OpenFile | null = null;
  const closing: Promise<BarFile>[] = [];
  /** Counts by file: by date if there is a file a day. */
  let counts = new Map<string, LeftOutCounts>();

  const keyOf = (startUs: number) => (perDay ? dateOf(startUs) : "");

  function pathOf(startUs: number): string {
    const symbol = sources?.symbol ?? "";
    if (isCandles) return join(out, `${deps.pairOf(symbol)}-${target.text}.feather`);
    if (!settings.isFolder) return out;
    const date = dateOf(startUs);
    const ending = settings.packing === null ? format : `${format}.${settings.packing}`;
    const folder = join(out, rowName, `symbol=${symbol}`, `date=${date}`);
    return join(folder, `${symbol}-${target.text.replace("$", "q")}-${date}.${ending}`);
  }

  function columns(): readonly ExportColumn[] {
    if (isCandles) return candleColumns.map(([name]) => computed(name, name === "date" ? "timestamp" : "number"));
    const { trades = null, book = null } = sources ?? {};
    const own =
      target.kind === "bars" ? columnsOfBars : columnsOfIntervals({ book: book !== null, trades: trades !== null });
    return withSymbol ? [computed("symbol", "text"), ...own] : own;
  }

  function cellsOf(cells: readonly Cell[]): readonly Cell[] {
    if (isCandles)
      return candleColumns.map(([, own]) => cells[columnsOfBars.findIndex(({ name }) => name === own)] ?? null);
    return withSymbol ? [sources?.symbol ?? "", ...cells] : cells;
  }

  function factsOf(startUs: number): Record<string, string> {
    const { trades = null, book = null, levels = 0, symbol = "" } = sources ?? {};
    const dayUsOf = dateStartUs(dateOf(startUs));
    const span = perDay ? { fromUs: dayUsOf, toUs: dayUsOf + dayUs } : deps.range;
    return {
      [`rt_data.${target.kind}`]: target.text,
      "rt_data.stream": [book, trades].flatMap((source) => source?.type.folder ?? []).join(","),
      "rt_data.symbol": withSymbol ? "" : symbol,
      ...(book === null ? {} : { "rt_data.levels": String(levels) }),
      "rt_data.gaps": gapsText(gaps.filter(({ from_us, to_us }) => to_us > span.fromUs && from_us < span.toUs)),
      "rt_data.version": version,
    };
  }

  function createFile(key: string, startUs: number): OpenFile {
    const path = pathOf(startUs);
    const output = openOutput(path, {
      stop: deps.stop,
      write: (fd, bytes, name) => createStandardOutput(deps.stop, fd, name).write(bytes),
    });
    const target = settings.packing === null ? output : createCompressedFile(output, settings.packing);
    const metadata = factsOf(startUs);
    const { numbers, compression } = settings;
    const create = () => {
      if (format === "csv") return createCsvFile(target, columns());
      if (deps.arrow !== null)
        return createFeatherFile(deps.arrow, target, columns(), { metadata, millisecondColumns: ["date"] });
      return createParquetFile(target, columns(), {
        numbers,
        compression,
        createdBy: `rt-data version ${version}`,
        metadata,
      });
    };
    return { key, path, file: create(), rows: 0, metadata };
  }

  /** Begins to complete the open file. Its rows are encoded at once; `flush` waits for the rest. */
  function close(): void {
    if (open === null) return;
    const { path, file, rows, metadata, key } = open;
    open = null;
    const left_out = counts.get(key) ?? noneLeftOut();
    counts.delete(key);
    metadata["rt_data.left_out"] = JSON.stringify(left_out);
    const complete = file.finish().then((bytes): BarFile => ({ path, rows, bytes, left_out }));
    // `flush` reports the failure.
    complete.catch(() => file.discard());
    closing.push(complete);
  }

  async function flush(): Promise<BarFile[]> {
    if (open?.file.waits()) await open.file.taken();
    return Promise.all(closing.splice(0));
  }

  return {
    begin(next, nextGaps) {
      sources = next;
      gaps = nextGaps;
      if (settings.isFolder) counts = new Map();
    },
    add(startUs, cells) {
      const key = keyOf(startUs);
      if (open !== null && open.key !== key) close();
      open ??= createFile(key, startUs);
      open.file.add(cellsOf(cells));
      open.rows++;
    },
    leaveOut(startUs, reason) {
      const key = keyOf(startUs);
      const count = counts.get(key) ?? noneLeftOut();
      count[reason]++;
      deps.onLeftOut(reason);
      counts.set(key, count);
    },
    flush,
    end() {
      if (settings.isFolder) close();
      return flush();
    },
    finish() {
      close();
      return flush();
    },
    discard() {
      open?.file.discard();
      open = null;
    },
  };
}

function noneLeftOut(): LeftOutCounts {
  return { gap: 0, start: 0, end: 0 };
}
