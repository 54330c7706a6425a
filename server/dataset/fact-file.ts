import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer, type SchemaElement } from "hyparquet-writer";
import type { FactTable } from "./dataset-paths.ts";
import { type FactKind, type FactRow, type FactValue, factColumns } from "./fact-rows.ts";
import { factsOf, type ParquetFacts } from "./parquet-facts.ts";

/** Encodes rows as a Parquet file. */
export function encodeFacts(table: FactTable, rows: readonly FactRow[]): { bytes: Uint8Array; facts: ParquetFacts } {
  const columns = Object.entries(factColumns[table]);
  const buffer = parquetWriteBuffer({
    schema: [{ name: "root", num_children: columns.length }, ...columns.map(([name, kind]) => schemaOf(name, kind))],
    columnData: columns.map(([name, kind]) => ({ name, data: rows.map((row) => stored(row[name] ?? null, kind)) })),
    rowGroupSize: Math.max(1, rows.length),
    createdBy: "rt-data",
  });
  return { bytes: new Uint8Array(buffer), facts: { bytes: buffer.byteLength, ...factsOf(parquetMetadata(buffer)) } };
}

/** Decodes a file that `encodeFacts` wrote. Columns that it lacks are null. @throws if it is not Parquet */
export async function decodeFacts(table: FactTable, bytes: Uint8Array): Promise<FactRow[]> {
  const rows = await parquetReadObjects({
    file: Uint8Array.from(bytes).buffer,
    parsers: { timestampFromMicroseconds: Number },
  });
  const names = Object.keys(factColumns[table]);
  return rows.map((row) => Object.fromEntries(names.map((name) => [name, factValue(row[name])])));
}

function stored(value: FactValue, kind: FactKind): FactValue | bigint {
  return (kind === "whole" || kind === "time") && value !== null ? BigInt(value) : value;
}

function factValue(value: unknown): FactValue {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  return null;
}

function schemaOf(name: string, kind: FactKind): SchemaElement {
  const repetition_type = "OPTIONAL";
  switch (kind) {
    case "text":
      return { name, repetition_type, type: "BYTE_ARRAY", converted_type: "UTF8" };
    case "whole":
      return { name, repetition_type, type: "INT64" };
    case "share":
      return { name, repetition_type, type: "DOUBLE" };
    case "truth":
      return { name, repetition_type, type: "BOOLEAN" };
    case "time": {
      const logical_type = { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" } as const;
      return { name, repetition_type, type: "INT64", converted_type: "TIMESTAMP_MICROS", logical_type };
    }
  }
}
