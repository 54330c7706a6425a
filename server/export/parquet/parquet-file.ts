import type { Cell, ExportColumn } from "../column.ts";
import type { Compression, NumberForm, OutputFile, TableFile } from "../table-file.ts";
import type { TickSizes } from "../ticks.ts";
import { encodeChunk } from "./column-chunk.ts";
import { clearGroup, createRowGroup, isFull, type RowGroup, setCell } from "./row-group.ts";
import { schemaOf } from "./schema.ts";
import { integerOf } from "./statistics.ts";
import { binary, bool, encodeThrift, i32, i64, list, struct, type ThriftValue } from "./thrift.ts";

export type ParquetOptions = {
  readonly numbers: NumberForm;
  /** Units for `numbers: "ticks"`. */
  readonly ticks?: TickSizes | null;
  readonly compression: Compression;
  readonly createdBy: string;
  /** Key-value metadata of the file. */
  readonly metadata?: Readonly<Record<string, string>>;
};

/** A column of a written file with statistics of its values. */
export type WrittenColumn = ExportColumn & {
  readonly nulls: number;
  /** Least and greatest value of an integer or timestamp column; null for other columns. */
  readonly least: number | null;
  readonly greatest: number | null;
};

/** A Parquet file whose rows may also be written directly into the buffers of its row group. */
export type ParquetFile = TableFile & {
  readonly group: RowGroup;
  /** Ends the row that was written directly into `group`, at position `group.rows`. */
  endRow(): void;
  /** All columns with their statistics. Complete after `finish`. */
  columns(): readonly WrittenColumn[];
};

const magic = Buffer.from("PAR1");

/**
 * Creates a Parquet file. `recv_us` and ids are INT64, times also TIMESTAMP(µs, UTC); decimals are DOUBLE, DECIMAL(18, 8), INT64 (ticks) or
 * text; lists are LIST. Times and ids are stored as differences, everything else as it is; each page is compressed. Memory is bounded by
 * one row group, whatever the size of the file. Source of the format: github.com/apache/parquet-format.
 */
export function createParquetFile(
  file: OutputFile,
  columns: readonly ExportColumn[],
  options: ParquetOptions,
): ParquetFile {
  const group = createRowGroup(columns, options.numbers, options.ticks);
  const groups: ThriftValue[] = [];
  const nulls = columns.map(() => 0);
  const least = columns.map(() => Number.POSITIVE_INFINITY);
  const greatest = columns.map(() => Number.NEGATIVE_INFINITY);
  const timeAt = columns.findIndex(({ name }) => name === "recv_us");
  let rows = 0;
  let offset = 0;

  function write(bytes: Uint8Array): void {
    file.write(bytes);
    offset += bytes.length;
  }

  function writeGroup(): void {
    if (group.rows === 0) return;
    if (offset === 0) write(magic);
    const start = offset;
    let unpackedBytes = 0;
    const chunks: ThriftValue[] = [];
    for (let at = 0; at < columns.length; at++) {
      const chunk = encodeChunk(group, at, options.compression);
      chunks.push(chunk.metadata(offset));
      for (const part of chunk.parts) if (part.length > 0) write(part);
      unpackedBytes += chunk.unpackedBytes;
      nulls[at] = (nulls[at] ?? 0) + chunk.nulls;
      const { kind } = columns[at] as ExportColumn;
      if (chunk.range === null || (kind !== "integer" && kind !== "timestamp")) continue;
      least[at] = Math.min(least[at] ?? 0, integerOf(chunk.range.least));
      greatest[at] = Math.max(greatest[at] ?? 0, integerOf(chunk.range.greatest));
    }
    const byTime = struct({ 1: i32(timeAt), 2: bool(false), 3: bool(false) });
    groups.push(
      struct({
        1: list(chunks),
        2: i64(unpackedBytes),
        3: i64(group.rows),
        4: timeAt >= 0 && isRising(group, timeAt) ? list([byTime]) : null,
        5: i64(start),
        6: i64(offset - start),
      }),
    );
    rows += group.rows;
    clearGroup(group);
  }

  function writeFooter(): void {
    const metadata = Object.entries(options.metadata ?? {});
    const leaves = columns.map(() => struct({ 1: struct({}) }));
    const footer = encodeThrift({
      1: i32(2),
      2: list(schemaOf(columns, options.numbers)),
      3: i64(rows),
      4: list(groups),
      5:
        metadata.length === 0
          ? null
          : list(metadata.map(([key, value]) => struct({ 1: binary(key), 2: binary(value) }))),
      6: binary(options.createdBy),
      7: list(leaves),
    });
    if (offset === 0) write(magic);
    write(footer);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    write(Buffer.concat([length, magic]));
  }

  function endRow(): void {
    group.rows++;
    if (isFull(group)) writeGroup();
  }

  return {
    group,
    endRow,
    add(row) {
      for (let at = 0; at < row.length; at++) setCell(group, at, row[at] as Cell);
      endRow();
    },
    waits: file.waits,
    taken: file.taken,
    async finish() {
      writeGroup();
      writeFooter();
      await file.commit();
      return file.bytes();
    },
    discard: file.discard,
    columns: () =>
      columns.map((column, at) => ({
        ...column,
        nulls: nulls[at] ?? 0,
        least: Number.isFinite(least[at]) ? (least[at] ?? null) : null,
        greatest: Number.isFinite(greatest[at]) ? (greatest[at] ?? null) : null,
      })),
  };
}

/** Tests whether a column of integers never falls. */
function isRising({ words, stride, rows }: RowGroup, column: number): boolean {
  const first = column * stride;
  let before = Number.NEGATIVE_INFINITY;
  for (let at = first; at < first + rows; at++) {
    const value = integerOf([words[2 * at] as number, words[2 * at + 1] as number]);
    if (value < before) return false;
    before = value;
  }
  return true;
}
