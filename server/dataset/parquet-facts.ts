import { type FileMetaData, parquetMetadata, type SchemaElement } from "hyparquet";
import { FileError } from "../platform/errors.ts";
import { closeSync, fstatSync, openSync, readSync } from "../platform/files/files.ts";
import type { ColumnType, TableColumn } from "./delta/columns.ts";

/** The facts in the footer of a Parquet file that a table's log states. */
export type ParquetFacts = {
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly TableColumn[];
  /** Statistics as the log wants them, JSON. */
  readonly stats: string;
};

/** The last bytes of a Parquet file: the length of the footer, and `PAR1`. */
const endBytes = 8;

/** Reads the footer of a complete Parquet file. @throws FileError if it is not one */
export function readParquetFacts(path: string): ParquetFacts {
  const fd = openSync(path, "r");
  try {
    const bytes = fstatSync(fd).size;
    const end = readAt(fd, bytes - endBytes, endBytes);
    const footerBytes = end.readUInt32LE(0) + endBytes;
    const footer = parquetMetadata(Uint8Array.from(readAt(fd, bytes - footerBytes, footerBytes)).buffer);
    return { bytes, ...factsOf(footer) };
  } catch (error) {
    throw new FileError("read", path, error);
  } finally {
    closeSync(fd);
  }
}

/** Returns the facts of a footer. */
export function factsOf(footer: FileMetaData): Omit<ParquetFacts, "bytes"> {
  const rows = Number(footer.num_rows);
  return { rows, columns: columnsOf(footer.schema), stats: JSON.stringify({ numRecords: rows, ...rangesOf(footer) }) };
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(Math.max(0, length));
  if (readSync(fd, buffer, 0, buffer.length, Math.max(0, position)) < Math.max(endBytes, length))
    throw new Error("it is too short for a Parquet file");
  return buffer;
}

function columnsOf(schema: readonly SchemaElement[]): TableColumn[] {
  const columns: TableColumn[] = [];
  for (let at = 1; at < schema.length; ) {
    const element = schema[at] as SchemaElement;
    const list = element.num_children === undefined ? null : (schema[at + 2] as SchemaElement);
    columns.push({ name: element.name, type: list === null ? typeOf(element) : listOf(list) });
    at += list === null ? 1 : 3;
  }
  return columns;
}

function listOf(element: SchemaElement): ColumnType {
  return { type: "array", elementType: typeOf(element), containsNull: element.repetition_type !== "REQUIRED" };
}

/** Returns the Delta type of a column that is not a list. Sources: "Primitive Types" of PROTOCOL.md; LogicalTypes.md of parquet-format. */
function typeOf({ name, type, converted_type, logical_type, precision, scale }: SchemaElement): string {
  const logical = logical_type?.type ?? converted_type ?? "";
  if (logical === "DECIMAL") return `decimal(${precision ?? 10},${scale ?? 0})`;
  if (logical.startsWith("TIMESTAMP")) return "timestamp";
  if (logical === "DATE") return "date";
  if (type === "BYTE_ARRAY" && (logical === "UTF8" || logical === "STRING")) return "string";
  const types: Readonly<Record<string, string>> = { INT64: "long", INT32: "integer", DOUBLE: "double", FLOAT: "float" };
  const plain = type === "BOOLEAN" ? "boolean" : types[type ?? ""];
  if (plain === undefined)
    throw new Error(`column ${name} has the type ${type} ${logical}, which a Delta table cannot have`);
  return plain;
}

/** Returns the range and the nulls of each whole-number and timestamp column that has statistics in every row group. */
function rangesOf({ schema, row_groups }: FileMetaData): object {
  const minValues: Record<string, number | string> = {};
  const maxValues: Record<string, number | string> = {};
  const nullCount: Record<string, number> = {};
  for (const element of schema.slice(1)) {
    if (element.num_children !== undefined || element.type !== "INT64" || element.converted_type === "DECIMAL")
      continue;
    const chunks = row_groups.map(({ columns }) =>
      columns.find(({ meta_data }) => meta_data?.path_in_schema.join(".") === element.name),
    );
    const parts = chunks.map((chunk) => chunk?.meta_data?.statistics);
    const least = parts.map((part) => wholeOf(part?.min_value ?? part?.min)).filter((value) => value !== null);
    const greatest = parts.map((part) => wholeOf(part?.max_value ?? part?.max)).filter((value) => value !== null);
    const nulls = parts.map((part) => (part?.null_count === undefined ? null : Number(part.null_count)));
    if (parts.length === 0 || least.length < parts.length || greatest.length < parts.length) continue;
    const isTime = parts[0]?.min_value instanceof Date || parts[0]?.min instanceof Date;
    const [low, high] = [Math.min(...least), Math.max(...greatest)];
    minValues[element.name] = isTime ? new Date(low).toISOString() : low;
    // Statistics of a timestamp have whole ms, which must not be less than the greatest value.
    maxValues[element.name] = isTime ? new Date(high + 1).toISOString() : high;
    if (!nulls.includes(null)) nullCount[element.name] = nulls.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  }
  return { minValues, maxValues, nullCount };
}

/** Whole number or ms of a time; null for anything else. */
function wholeOf(value: unknown): number | null {
  if (value instanceof Date) return Math.floor(value.getTime());
  const number = typeof value === "bigint" ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : null;
}
