import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import type { Cell, ExportColumn } from "./column.ts";
import { decimalPrecision, decimalScale, scaledDecimal } from "./decimal.ts";
import { createDraftFile } from "./draft-file.ts";
import type { Compression, NumberForm, TableFile } from "./table-file.ts";

/** Values of a row group; all of them are in memory before they are written. */
const mostValues = 2_000_000;
const zstdLevel = 3;

/**
 * A Parquet file. `recv_us`, ids and times are INT64; decimals DOUBLE, DECIMAL(18, 8) or text; lists LIST. Memory is bounded by a row
 * group, whatever the file's size.
 */
export function createParquetFile(
  path: string,
  columns: readonly ExportColumn[],
  options: { numbers: NumberForm; compression: Compression; createdBy: string },
): TableFile {
  const file = createDraftFile(path);
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
  const values = columns.map((): unknown[] => []);
  const converters = columns.map((column) => converterOf(column, options.numbers));
  let rows = 0;
  let held = 0;

  /** Hands over what has been encoded; offsets go on counting from the file's beginning. */
  function drain(): void {
    file.write(bytes.getBytes());
    bytes.index = 0;
  }

  function writeGroup(): void {
    if (rows === 0) return;
    const columnData = columns.map(({ name }, at) => ({ name, data: values[at] as ColumnSource["data"] }));
    writer.write({ columnData, rowGroupSize: rows });
    drain();
    for (const column of values) column.length = 0;
    rows = 0;
    held = 0;
  }

  return {
    add(row) {
      for (let at = 0; at < row.length; at++) {
        const cell = row[at] as Cell;
        (values[at] as unknown[]).push(cell === null ? null : (converters[at] as Convert)(cell));
        held += typeof cell === "object" && cell !== null ? cell.length : 1;
      }
      rows++;
      if (held >= mostValues) writeGroup();
    },
    finish() {
      writeGroup();
      writer.finish();
      drain();
      file.commit();
      return file.bytes();
    },
    discard: file.discard,
  };
}

type Convert = (cell: Exclude<Cell, null>) => unknown;

function converterOf({ kind }: ExportColumn, numbers: NumberForm): Convert {
  const one = numbers === "float64" ? Number : numbers === "decimal" ? scaledDecimal : String;
  if (kind === "integer") return (cell) => BigInt(cell as number);
  if (kind === "number") return (cell) => one(cell as string);
  if (kind === "numbers") return (cell) => (cell as readonly string[]).map((text) => one(text));
  return (cell) => cell;
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
