import type { ExportColumn } from "../column.ts";
import type { Compression } from "../table-file.ts";
import { encodeDeltas } from "./delta.ts";
import { equalLevels, packedLevels, setBits } from "./levels.ts";
import { type ListValues, nullHigh, type RowGroup } from "./row-group.ts";
import { type Physical, pathOf, physical, physicalOf } from "./schema.ts";
import { compressSnappy } from "./snappy.ts";
import { statisticsOf, type ValueFacts, type ValueRange, valueFacts } from "./statistics.ts";
import { binary, bool, encodeThrift, i32, i64, list, struct, type ThriftValue } from "./thrift.ts";

/** A column of a row group, ready to be written. */
export type ColumnChunk = {
  /** Headers and bodies of the pages. */
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly nulls: number;
  /** Least and greatest value; null for text and without a value. */
  readonly range: ValueRange | null;
  /** Returns the chunk's entry in the file's metadata, if it begins at this place of the file. */
  metadata(offset: number): ThriftValue;
};

const encodings = { plain: 0, rle: 3, delta: 5 } as const;
const codecs: Readonly<Record<Compression, number>> = { none: 0, snappy: 1, zstd: 6 };
const dataPageV2 = 3;

/** Higher levels save 10 % of the file for a third more CPU. */
const zstdLevel = 1;

/** Most values of a page in a column of lists. */
const pageValues = 131_072;

/** The values of a page: encoded, with their levels. */
type Page = {
  readonly rows: number;
  readonly values: number;
  readonly nulls: number;
  readonly repetition: Uint8Array;
  readonly definition: Uint8Array;
  readonly body: Uint8Array;
};

/** Encodes and compresses a column of a row group. */
export function encodeChunk(group: RowGroup, at: number, compression: Compression): ColumnChunk {
  const column = group.columns[at] as ExportColumn;
  const type = physicalOf(column.kind, group.numbers);
  const values = group.lists[at] ?? null;
  const encoding = column.kind === "integer" || column.kind === "timestamp" ? encodings.delta : encodings.plain;
  const { nulls, range } = factsOf(group, at, type);
  const pages = values === null ? [flatPage(group, at, type, nulls)] : listPages(values, group.rows, type);
  const parts: Uint8Array[] = [];
  let unpackedBytes = 0;
  let bytes = 0;
  for (const page of pages) {
    const pageParts = partsOf(page, encoding, compression);
    parts.push(...pageParts);
    const [head] = pageParts as [Uint8Array];
    unpackedBytes += head.length + page.repetition.length + page.definition.length + page.body.length;
    bytes += pageParts.reduce((sum, part) => sum + part.length, 0);
  }
  const count = pages.reduce((sum, page) => sum + page.values, 0);
  return {
    ...{ parts, bytes, unpackedBytes, nulls, range },
    metadata: (offset) =>
      struct({
        2: i64(offset),
        3: struct({
          1: i32(type),
          2: list([i32(encoding), i32(encodings.rle)]),
          3: list(pathOf(column).map(binary)),
          4: i32(codecs[compression]),
          5: i64(count),
          6: i64(unpackedBytes),
          7: i64(bytes),
          9: i64(offset),
          12: statisticsOf(nulls, range, type),
        }),
      }),
  };
}

function partsOf(page: Page, encoding: number, compression: Compression): Uint8Array[] {
  const { rows, values, nulls, repetition, definition, body } = page;
  const packed = pack(body, compression);
  const levelBytes = repetition.length + definition.length;
  const head = encodeThrift({
    1: i32(dataPageV2),
    2: i32(levelBytes + body.length),
    3: i32(levelBytes + packed.length),
    8: struct({
      1: i32(values),
      2: i32(nulls),
      3: i32(rows),
      4: i32(encoding),
      5: i32(definition.length),
      6: i32(repetition.length),
      7: bool(compression !== "none"),
    }),
  });
  return [head, repetition, definition, packed];
}

function pack(body: Uint8Array, compression: Compression): Uint8Array {
  if (compression === "zstd") return Bun.zstdCompressSync(body, { level: zstdLevel });
  // A page that is not compressed is written before the group's buffer is used again.
  return compression === "snappy" ? compressSnappy(body) : body;
}

const noLevels = new Uint8Array(0);

function flatPage(group: RowGroup, at: number, type: Physical, nulls: number): Page {
  const { rows, texts } = group;
  const { kind, nullable } = group.columns[at] as ExportColumn;
  const column = texts[at] ?? null;
  const words = group.words.subarray(2 * at * group.stride, 2 * (at * group.stride + rows));
  const isThere = (row: number) => (column === null ? !isNull(words, row) : column[row] !== null);
  const definition = nulls === 0 ? equalLevels(1, rows) : packedLevels(rows, isThere);
  const page = { rows, values: rows, nulls, repetition: noLevels, definition: nullable ? definition : noLevels };
  if (column !== null) return { ...page, body: plainTexts(column.filter((text) => text !== null)) };
  const present = nulls === 0 ? words : withoutNulls(words, rows - nulls);
  if (type === physical.boolean) return { ...page, body: plainBooleans(present) };
  if (kind === "integer" || kind === "timestamp") return { ...page, body: encodeDeltas(integersOf(present)) };
  return { ...page, body: bytesOf(present) };
}

function isNull(words: Int32Array, row: number): boolean {
  return words[2 * row + 1] === nullHigh && words[2 * row] === 0;
}

/** Cuts a column of lists into pages, at the borders of rows. */
function listPages(values: ListValues, rows: number, type: Physical): Page[] {
  const pages: Page[] = [];
  for (let from = 0; from < rows; ) {
    const first = startOf(values, from);
    let to = from + 1;
    while (to < rows && (values.ends[to] as number) - first <= pageValues) to++;
    pages.push(listPage(values, from, to, type));
    from = to;
  }
  return pages;
}

function listPage(values: ListValues, from: number, to: number, type: Physical): Page {
  const first = startOf(values, from);
  const end = values.ends[to - 1] as number;
  const continues: boolean[] = [];
  const isThere: boolean[] = [];
  for (let row = from; row < to; row++) {
    const length = (values.ends[row] as number) - startOf(values, row);
    continues.push(false);
    isThere.push(length > 0);
    for (let n = 1; n < length; n++) {
      continues.push(true);
      isThere.push(true);
    }
  }
  const count = continues.length;
  const nulls = count - (end - first);
  return {
    rows: to - from,
    values: count,
    nulls,
    repetition: packedLevels(count, (at) => continues[at] === true),
    definition: nulls === 0 ? equalLevels(1, count) : packedLevels(count, (at) => isThere[at] === true),
    body:
      type === physical.byteArray
        ? plainTexts(values.texts.slice(first, end))
        : bytesOf(values.words.subarray(2 * first, 2 * end)),
  };
}

function startOf({ ends }: ListValues, row: number): number {
  return row === 0 ? 0 : (ends[row - 1] as number);
}

function factsOf(group: RowGroup, at: number, type: Physical): ValueFacts {
  const { lists, texts, stride, rows } = group;
  const values = lists[at] ?? null;
  if (values !== null) {
    const nulls = emptyLists(values, rows);
    return type === physical.byteArray
      ? { nulls, range: null }
      : { ...valueFacts(values, 0, startOf(values, rows), type), nulls };
  }
  const column = texts[at] ?? null;
  if (column === null) return valueFacts(group, at * stride, at * stride + rows, type);
  return { nulls: column.reduce((sum, text) => sum + (text === null ? 1 : 0), 0), range: null };
}

/** An empty list counts as one missing value. */
function emptyLists(values: ListValues, rows: number): number {
  let empty = 0;
  for (let row = 0; row < rows; row++) if (values.ends[row] === startOf(values, row)) empty++;
  return empty;
}

function withoutNulls(words: Int32Array, count: number): Int32Array {
  const present = new Int32Array(2 * count);
  let to = 0;
  for (let row = 0; row < words.length / 2; row++) {
    if (isNull(words, row)) continue;
    present[to++] = words[2 * row] as number;
    present[to++] = words[2 * row + 1] as number;
  }
  return present;
}

function integersOf(words: Int32Array): Float64Array {
  const values = new Float64Array(words.length / 2);
  for (let n = 0; n < values.length; n++)
    values[n] = (words[2 * n + 1] as number) * 4_294_967_296 + ((words[2 * n] as number) >>> 0);
  return values;
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function plainBooleans(words: Int32Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(words.length / 16));
  // 1 as a double has a high half other than 0.
  setBits(out, 0, words.length / 2, (at) => words[2 * at + 1] !== 0);
  return out;
}

function plainTexts(texts: readonly (string | null)[]): Uint8Array {
  const encoded = texts.map((text) => Buffer.from(text ?? ""));
  const out = Buffer.allocUnsafe(encoded.reduce((sum, text) => sum + 4 + text.length, 0));
  let to = 0;
  for (const text of encoded) {
    to = out.writeUInt32LE(text.length, to);
    to += text.copy(out, to);
  }
  return out;
}
