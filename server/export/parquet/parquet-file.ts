import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import type { Cell, ExportColumn } from "../column.ts";
import { type ColumnBuffer, createColumnBuffer } from "../column-buffer.ts";
import { decimalPrecision, decimalScale } from "../decimal.ts";
import type { Compression, NumberForm, OutputFile, TableFile } from "../table-file.ts";

/** Most values of a row group. A whole row group is held in memory before it is written. */
const mostValues = 2_000_000;
const zstdLevel = 3;

/**
 * Creates a Parquet file. `recv_us`, ids and times are INT64; decimals are DOUBLE, DECIMAL(18, 8) or text; lists are LIST. Memory is
 * bounded by one row group, whatever the size of the file.
 */
export function createParquetFile(
  file: OutputFile,
  columns: readonly ExportColumn[],
  options: { numbers: NumberForm; compression: Compression; createdBy: string },
): TableFile {
  const bytes = new ByteWriter(1 << 20);
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [
      { name: "root", num_children: columns.length },
      ...columns.flatMap((column) => schemaOf(column, options.numbers)),
    ],
    codec: options.compression === "none" ? "UNCOMPRESSED" : options.compression === "zstd" ? "ZSTD" : "SNAPPY",
    compressors: { ZSTD: (page) => Bun.zstdCompressSync(page, { level: zstdLevel }) },
    createdBy: options.createdBy,
  });
  const mostRows = Math.max(1, Math.floor(mostValues / columns.length));
  const buffers = columns.map((column) => createColumnBuffer(column, options.numbers, mostRows));
  let rows = 0;
  let valuesHeld = 0;

  /** Passes the encoded bytes to the file. Offsets still count from the beginning of the file. */
  function drain(): void {
    file.write(bytes.getBytes());
    bytes.index = 0;
  }

  function writeGroup(): void {
    if (rows === 0) return;
    const data = (at: number) => (buffers[at] as ColumnBuffer).values() as ColumnSource["data"];
    writer.write({ columnData: columns.map(({ name }, at) => ({ name, data: data(at) })), rowGroupSize: rows });
    drain();
    for (const buffer of buffers) buffer.clear();
    rows = 0;
    valuesHeld = 0;
  }

  return {
    add(row) {
      for (let at = 0; at < row.length; at++) {
        const cell = row[at] as Cell;
        (buffers[at] as ColumnBuffer).add(cell);
        valuesHeld += typeof cell === "object" && cell !== null ? cell.length : 1;
      }
      rows++;
      if (rows === mostRows || valuesHeld >= mostValues) writeGroup();
    },
    waits: file.waits,
    taken: file.taken,
    async finish() {
      writeGroup();
      writer.finish();
      drain();
      await file.commit();
      return file.bytes();
    },
    discard: file.discard,
  };
}

function schemaOf({ name, kind, nullable }: ExportColumn, numbers: NumberForm): SchemaElement[] {
  const repetition_type = nullable ? "OPTIONAL" : "REQUIRED";
  if (kind === "numbers") {
    return [
      { name, repetition_type, num_children: 1, converted_type: "LIST", logical_type: { type: "LIST" } },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", repetition_type: "REQUIRED", ...numberType(numbers) },
    ];
  }
  if (kind === "integer") return [{ name, repetition_type, type: "INT64" }];
  if (kind === "delay") return [{ name, repetition_type, type: "DOUBLE" }];
  if (kind === "boolean") return [{ name, repetition_type, type: "BOOLEAN" }];
  if (kind === "text") return [{ name, repetition_type, type: "BYTE_ARRAY", converted_type: "UTF8" }];
  return [{ name, repetition_type, ...numberType(numbers) }];
}

function numberType(numbers: NumberForm): Partial<SchemaElement> {
  if (numbers === "float64") return { type: "DOUBLE" };
  if (numbers === "text") return { type: "BYTE_ARRAY", converted_type: "UTF8" };
  const sizes = { precision: decimalPrecision, scale: decimalScale };
  return { type: "INT64", converted_type: "DECIMAL", ...sizes, logical_type: { type: "DECIMAL", ...sizes } };
}
