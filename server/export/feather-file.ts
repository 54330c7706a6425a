import type { Data, DataType, Field } from "apache-arrow";
import type { Cell, ColumnKind, ExportColumn } from "./column.ts";
import type { OutputFile, TableFile } from "./table-file.ts";

/** The library that encodes Arrow. */
export type Arrow = typeof import("apache-arrow");

/** Loads the library. Only Feather needs it, and loading it takes time at every start. */
export function loadArrow(): Promise<Arrow> {
  return import("apache-arrow");
}

/** Rows of a record batch. */
const batchRows = 65_536;

/**
 * Creates a Feather file (version 2: an Arrow IPC file, not compressed), which pandas, Polars and freqtrade read. Integers are Int64, times
 * Timestamp(µs, UTC), or ms for a column of `millisecondColumns`, decimals the nearest Float64. `metadata` is the schema's and is read when
 * the file is finished. Memory is bounded by one record batch.
 */
export function createFeatherFile(
  arrow: Arrow,
  file: OutputFile,
  columns: readonly ExportColumn[],
  options: { readonly metadata: Readonly<Record<string, string>>; readonly millisecondColumns?: readonly string[] },
): TableFile {
  const isMs = columns.map(({ name }) => options.millisecondColumns?.includes(name) === true);
  const types = columns.map(({ kind }, at) => typeOf(kind, isMs[at] === true));
  const fields: Field[] = columns.map(
    ({ name, nullable }, at) => new arrow.Field(name, types[at] as DataType, nullable),
  );
  const metadata = new Map<string, string>();
  const schema = new arrow.Schema(fields, metadata);
  const writer = new arrow.RecordBatchFileWriter();
  let rows: (readonly Cell[])[] = [];
  let problem: unknown = null;
  let isFinished = false;
  const written = pass().catch((error: unknown) => {
    problem ??= error;
  });

  function typeOf(kind: ColumnKind, hasMs: boolean): DataType {
    if (kind === "integer") return new arrow.Int64();
    if (kind === "boolean") return new arrow.Bool();
    if (kind === "text") return new arrow.Utf8();
    if (kind !== "timestamp") return new arrow.Float64();
    return hasMs ? new arrow.TimestampMillisecond("UTC") : new arrow.TimestampMicrosecond("UTC");
  }

  /** Passes the library's bytes on to the file. After a failure it drops them: the library's own error would hide the failure. */
  async function pass(): Promise<void> {
    for await (const bytes of writer) {
      try {
        if (problem === null) file.write(bytes);
      } catch (error) {
        problem = error;
      }
    }
  }

  function dataOf(at: number): Data {
    const type = types[at] as DataType;
    const cells = rows.map((row) => row[at] ?? null);
    if (arrow.DataType.isUtf8(type)) return arrow.vectorFromArray(cells as (string | null)[], type).data[0] as Data;
    const length = rows.length;
    const nullBitmap = bitsOf(cells.map((cell) => cell !== null));
    const nullCount = cells.filter((cell) => cell === null).length;
    const valid = nullCount === 0 ? { nullCount } : { nullCount, nullBitmap };
    if (arrow.DataType.isBool(type))
      return arrow.makeData({ type, length, ...valid, data: bitsOf(cells.map((cell) => cell === true)) });
    if (arrow.DataType.isFloat(type))
      return arrow.makeData({ type, length, ...valid, data: Float64Array.from(cells, Number) });
    const divisor = isMs[at] ? 1000 : 1;
    const data = BigInt64Array.from(cells, (cell) => BigInt(Math.floor(Number(cell) / divisor)));
    return arrow.makeData({ type: type as InstanceType<typeof arrow.Int64>, length, ...valid, data });
  }

  function writeBatch(): void {
    const children = columns.map((_, at) => dataOf(at));
    const type = new arrow.Struct(fields);
    writer.write(new arrow.RecordBatch(schema, arrow.makeData({ type, length: rows.length, nullCount: 0, children })));
    rows = [];
  }

  return {
    add(row) {
      rows.push(row);
      if (rows.length === batchRows) writeBatch();
    },
    waits: () => file.waits() || problem !== null,
    async taken() {
      if (problem !== null) throw problem;
      await file.taken();
    },
    async finish() {
      for (const [key, value] of Object.entries(options.metadata)) metadata.set(key, value);
      if (rows.length > 0) writeBatch();
      writer.finish();
      isFinished = true;
      await written;
      if (problem !== null) throw problem;
      await file.commit();
      return file.bytes();
    },
    discard() {
      problem ??= new Error("the file was discarded");
      file.discard();
      if (!isFinished) writer.abort();
      isFinished = true;
    },
  };
}

/** Packs bits, the first in the lowest bit. */
function bitsOf(values: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (const [at, value] of values.entries()) if (value) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
  return bits;
}
