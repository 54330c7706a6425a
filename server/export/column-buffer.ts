import type { Cell, ExportColumn } from "./column.ts";
import { scaledDecimal } from "./decimal.ts";
import type { NumberForm } from "./table-file.ts";

/** Buffers the values of one column until they are written. */
export type ColumnBuffer = {
  add(cell: Cell): void;
  /** The added values; null for a missing value. Valid until the next `add`. */
  values(): readonly unknown[] | Float64Array | BigInt64Array;
  clear(): void;
};

/** Creates a buffer for at most `rows` values. Numbers are stored as 64 bits; as objects they would need many times the memory. */
export function createColumnBuffer({ kind }: ExportColumn, numbers: NumberForm, rows: number): ColumnBuffer {
  if (kind === "integer") return numeric(new BigInt64Array(rows), (cell) => BigInt(cell as number));
  if (kind === "delay") return numeric(new Float64Array(rows), Number);
  if (kind === "number" && numbers === "float64") return numeric(new Float64Array(rows), Number);
  if (kind === "number" && numbers === "decimal")
    return numeric(new BigInt64Array(rows), (cell) => scaledDecimal(cell as string));
  if (kind !== "numbers" || numbers === "text") return plain((cell) => cell);
  const convert = numbers === "float64" ? Number : scaledDecimal;
  return plain((cell) => (cell as readonly string[]).map((text) => convert(text)));
}

function numeric<N extends number | bigint>(
  held: { [at: number]: N; readonly length: number; subarray(from: number, to: number): Float64Array | BigInt64Array },
  convert: (cell: Exclude<Cell, null>) => N,
): ColumnBuffer {
  let length = 0;
  let nulls: number[] = [];

  return {
    add(cell) {
      if (cell === null) nulls.push(length);
      else held[length] = convert(cell);
      length++;
    },
    values() {
      const values = held.subarray(0, length);
      if (nulls.length === 0) return values;
      const withNulls: unknown[] = Array.from(values as ArrayLike<unknown>);
      for (const index of nulls) withNulls[index] = null;
      return withNulls;
    },
    clear() {
      length = 0;
      nulls = [];
    },
  };
}

function plain(convert: (cell: Exclude<Cell, null>) => unknown): ColumnBuffer {
  let held: unknown[] = [];
  return {
    add: (cell) => void held.push(cell === null ? null : convert(cell)),
    values: () => held,
    clear: () => {
      held = [];
    },
  };
}
