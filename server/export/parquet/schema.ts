import type { ColumnKind, ExportColumn } from "../column.ts";
import { decimalPrecision, decimalScale } from "../decimal.ts";
import type { NumberForm } from "../table-file.ts";
import { binary, bool, i32, struct, type ThriftValue } from "./thrift.ts";

/** Physical types, by their number in Parquet's format. */
export const physical = { boolean: 0, int64: 2, double: 5, byteArray: 6 } as const;
export type Physical = (typeof physical)[keyof typeof physical];

const repetition = { required: 0, optional: 1, repeated: 2 } as const;
const converted = { utf8: 0, list: 3, decimal: 5, timestampMicros: 10 } as const;

/** Returns the physical type of a column's values. */
export function physicalOf(kind: ColumnKind, numbers: NumberForm): Physical {
  if (kind === "number" || kind === "numbers")
    return numbers === "float64" ? physical.double : numbers === "text" ? physical.byteArray : physical.int64;
  if (kind === "integer" || kind === "timestamp") return physical.int64;
  if (kind === "delay") return physical.double;
  return kind === "boolean" ? physical.boolean : physical.byteArray;
}

/** Path of a column's values in the schema. A list has two levels more. */
export function pathOf({ name, kind }: ExportColumn): readonly string[] {
  return kind === "numbers" ? [name, "list", "element"] : [name];
}

/** Returns the schema: the root, then each column with the groups around its values. */
export function schemaOf(columns: readonly ExportColumn[], numbers: NumberForm): ThriftValue[] {
  return [
    struct({ 4: binary("schema"), 5: i32(columns.length) }),
    ...columns.flatMap((column) => elementsOf(column, numbers)),
  ];
}

function elementsOf({ name, kind, nullable }: ExportColumn, numbers: NumberForm): ThriftValue[] {
  const repeats = i32(nullable ? repetition.optional : repetition.required);
  if (kind !== "numbers") return [struct({ 3: repeats, 4: binary(name), ...typeOf(kind, numbers) })];
  const isList = { 6: i32(converted.list), 10: struct({ 3: struct({}) }) };
  return [
    struct({ 3: repeats, 4: binary(name), 5: i32(1), ...isList }),
    struct({ 3: i32(repetition.repeated), 4: binary("list"), 5: i32(1) }),
    struct({ 3: i32(repetition.required), 4: binary("element"), ...typeOf(kind, numbers) }),
  ];
}

/** Returns the members of a schema element that say what its values are. */
function typeOf(kind: ColumnKind, numbers: NumberForm) {
  const type = physicalOf(kind, numbers);
  const base = { 1: i32(type) };
  if (type === physical.byteArray) return { ...base, 6: i32(converted.utf8), 10: struct({ 1: struct({}) }) };
  if (kind === "timestamp") {
    const micros = struct({ 2: struct({}) });
    return { ...base, 6: i32(converted.timestampMicros), 10: struct({ 8: struct({ 1: bool(true), 2: micros }) }) };
  }
  if (numbers !== "decimal" || (kind !== "number" && kind !== "numbers")) return base;
  const sizes = { scale: i32(decimalScale), precision: i32(decimalPrecision) };
  const logical = struct({ 5: struct({ 1: sizes.scale, 2: sizes.precision }) });
  return { ...base, 6: i32(converted.decimal), 7: sizes.scale, 8: sizes.precision, 10: logical };
}
