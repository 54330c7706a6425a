import { OperatorError } from "../../platform/errors.ts";
import type { Cell, ExportColumn } from "../column.ts";
import { decimalScale, scaledDecimal } from "../decimal.ts";
import type { NumberForm } from "../table-file.ts";
import type { TickSizes } from "../ticks.ts";
import { physical, physicalOf } from "./schema.ts";

/**
 * The values of a row group until they are written. Values of 64 bits (numbers, times, booleans as 0 and 1) lie in one buffer, one column
 * after the other, as Parquet stores them: column `c` of row `r` is at `c × stride + r`. Three views share the buffer.
 */
export type RowGroup = {
  readonly columns: readonly ExportColumn[];
  readonly numbers: NumberForm;
  /** For `ticks`: the unit of each column, in 10⁻⁸; 1 for columns without. */
  readonly units: readonly number[];
  readonly capacity: number;
  readonly stride: number;
  readonly doubles: Float64Array;
  /** Low and high half of each value. */
  readonly words: Int32Array;
  readonly bigs: BigInt64Array;
  /** Values of list columns; null for other columns. */
  readonly lists: readonly (ListValues | null)[];
  readonly allLists: readonly ListValues[];
  /** Values of text columns; null for other columns. */
  readonly texts: readonly ((string | null)[] | null)[];
  rows: number;
};

/** Values of a list column. The list of row `r` ends before `ends[r]`. */
export type ListValues = {
  doubles: Float64Array;
  words: Int32Array;
  bigs: BigInt64Array;
  /** Only for numbers as text. */
  readonly texts: string[];
  readonly ends: Int32Array;
  length: number;
};

/** High half of a missing value (the low half is 0): a NaN, and more than any integer or decimal of 18 digits. */
export const nullHigh = 0x7ff80000;

/** Limits of a row group: about 16 MB of values, and no more rows than one page of a column may have. */
const mostValues = 2_000_000;
const mostRows = 122_880;

/** Spreads the columns over the sets of the processor's cache. */
const spread = 8;

export function createRowGroup(
  columns: readonly ExportColumn[],
  numbers: NumberForm,
  ticks: TickSizes | null = null,
): RowGroup {
  const capacity = Math.max(1, Math.min(mostRows, Math.floor(mostValues / columns.length)));
  const stride = capacity + spread;
  const lists = columns.map(({ kind }) => (kind === "numbers" ? createList(capacity) : null));
  return {
    columns,
    numbers,
    units: columns.map(({ name, kind }) =>
      ticks === null || (kind !== "number" && kind !== "numbers")
        ? 1
        : Number(scaledDecimal(isPrice(name) ? ticks.price : ticks.quantity)),
    ),
    capacity,
    stride,
    ...viewsOf(new ArrayBuffer(columns.length * stride * 8)),
    lists,
    allLists: lists.filter((list) => list !== null),
    texts: columns.map(({ kind }) =>
      physicalOf(kind, numbers) === physical.byteArray && kind !== "numbers" ? [] : null,
    ),
    rows: 0,
  };
}

/** Tests whether a column of numbers holds prices, not quantities. */
function isPrice(name: string): boolean {
  return /(^|_)(price|px)(_|$)/.test(name);
}

function viewsOf(buffer: ArrayBuffer) {
  return { doubles: new Float64Array(buffer), words: new Int32Array(buffer), bigs: new BigInt64Array(buffer) };
}

function createList(capacity: number): ListValues {
  return { ...viewsOf(new ArrayBuffer(8 * 1024)), texts: [], ends: new Int32Array(capacity), length: 0 };
}

/** Makes room for more values of a list. */
export function growList(list: ListValues, more: number): void {
  if (list.length + more <= list.doubles.length) return;
  const words = list.words;
  Object.assign(list, viewsOf(new ArrayBuffer(8 * Math.max(list.length + more, 2 * list.doubles.length))));
  list.words.set(words.subarray(0, 2 * list.length));
}

/** Tests whether the group must be written before another row is added. */
export function isFull({ rows, capacity, allLists }: RowGroup): boolean {
  if (rows === capacity) return true;
  let values = 0;
  for (const { length } of allLists) values += length;
  return values >= mostValues;
}

export function clearGroup(group: RowGroup): void {
  group.rows = 0;
  for (const list of group.allLists) {
    list.length = 0;
    list.texts.length = 0;
  }
  for (const texts of group.texts) if (texts !== null) texts.length = 0;
}

/** Sets the value of a column in the group's next row (`group.rows`). @throws OperatorError if the number does not fit */
export function setCell(group: RowGroup, column: number, cell: Cell): void {
  const { kind } = group.columns[column] as ExportColumn;
  const texts = group.texts[column] ?? null;
  const list = group.lists[column] ?? null;
  const at = column * group.stride + group.rows;
  if (texts !== null) texts[group.rows] = cell as string | null;
  else if (list !== null) setList(group, column, list, cell as readonly string[]);
  else if (cell === null) setNull(group.words, at);
  else if (kind === "number") setNumber(group, column, group, at, cell as string);
  else if (kind === "integer" || kind === "timestamp") setInteger(group.words, at, cell as number);
  else group.doubles[at] = Number(cell);
}

function setList(group: RowGroup, column: number, list: ListValues, cells: readonly string[]): void {
  // A row that was begun and given up may have left values.
  list.length = group.rows === 0 ? 0 : (list.ends[group.rows - 1] as number);
  growList(list, cells.length);
  for (const text of cells) {
    if (group.numbers === "text") list.texts[list.length] = text;
    else setNumber(group, column, list, list.length, text);
    list.length++;
  }
  list.ends[group.rows] = list.length;
}

export function setNull(words: Int32Array, at: number): void {
  words[2 * at] = 0;
  words[2 * at + 1] = nullHigh;
}

/** Stores a safe integer as 64 bits. */
export function setInteger(words: Int32Array, at: number, value: number): void {
  words[2 * at] = value | 0;
  words[2 * at + 1] = Math.floor(value / 4_294_967_296);
}

type Views = Pick<RowGroup, "doubles" | "bigs">;

function setNumber(
  { numbers, units, columns }: RowGroup,
  column: number,
  views: Views,
  at: number,
  text: string,
): void {
  if (numbers === "float64") views.doubles[at] = Number(text);
  else if (numbers === "decimal") views.bigs[at] = scaledDecimal(text);
  else {
    const unit = BigInt(units[column] ?? 1);
    const scaled = scaledDecimal(text);
    if (scaled % unit !== 0n) {
      const size = `${Number(unit) / 10 ** decimalScale}`;
      throw new OperatorError(
        `${columns[column]?.name} ${text} is not a multiple of its unit ${size}; use --numbers decimal`,
      );
    }
    views.bigs[at] = scaled / unit;
  }
}
