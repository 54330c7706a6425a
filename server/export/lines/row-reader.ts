import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import { createStream, type StreamType } from "../../domain/stream.ts";
import { messageOf } from "../../platform/errors.ts";
import type { LineSource } from "../../storage/read/line-reader-sync.ts";
import { type Cell, type Members, rowShape } from "../column.ts";
import type { GapMarks } from "../gap-marks.ts";
import type { ParquetFile } from "../parquet/parquet-file.ts";
import { setCell } from "../parquet/row-group.ts";
import { createLineScanner } from "./line-scanner.ts";
import { lineTemplates } from "./line-template.ts";

export type RowReaderOptions = {
  readonly levels: "columns" | "list";
  readonly range: TimeSpan;
  /** Rows must be in order of receipt. */
  readonly marks: GapMarks;
  /** Called for a line that does not hold what its stream must hold. */
  readonly onDamaged: (line: string, problem: string) => void;
};

/** Reads lines of one stream and symbol into a Parquet file. */
export type RowReader = {
  /** Adds the rows of all whole lines that a source holds, and consumes them. */
  read(lines: LineSource): void;
  /** Number of rows so far. */
  rows(): number;
};

const newline = 10;

/**
 * Creates a reader of lines. Lines in the form in which Binance sends them are read straight from their bytes; all others are parsed as
 * JSON, with the same result.
 */
export function createRowReader(
  file: ParquetFile,
  type: StreamType,
  symbol: string,
  { levels, range, marks, onDamaged }: RowReaderOptions,
): RowReader {
  const { group } = file;
  const shape = rowShape(type, { levels, symbol: null });
  const hasTexts = group.numbers === "text";
  const templates = hasTexts ? [] : lineTemplates(createStream(symbol, type), shape.columns);
  const scanner = createLineScanner(group, templates);
  const sinceGapAt = group.columns.findIndex(({ name }) => name === "since_gap");
  let rows = 0;

  function endRow(recvUs: number): void {
    if (recvUs < range.fromUs || recvUs >= range.toUs) return;
    group.doubles[sinceGapAt * group.stride + group.rows] = marks(recvUs) ? 1 : 0;
    rows++;
    file.endRow();
  }

  function parse(line: string): void {
    if (line === "") return;
    let cells: readonly Cell[];
    let recvUs: number;
    try {
      const members = JSON.parse(line) as Members;
      cells = shape.row(members);
      recvUs = members.recv_us as number;
    } catch (error) {
      onDamaged(line, messageOf(error));
      return;
    }
    for (let column = 0; column < cells.length; column++) setCell(group, column, cells[column] as Cell);
    endRow(recvUs);
  }

  return {
    read(lines) {
      const { bytes, to } = lines;
      scanner.use(bytes);
      for (let at = lines.from; at < to; ) {
        const next = scanner.scan(at);
        if (next >= 0) endRow(scanner.recvUs());
        else {
          const end = bytes.indexOf(newline, at);
          parse(bytes.toString("utf8", at, end));
          at = end + 1;
          continue;
        }
        at = next;
      }
      lines.from = to;
    },
    rows: () => rows,
  };
}
