import { parquetWriteBuffer, type SchemaElement } from "hyparquet-writer";
import { awaitsBackfill, type Gap } from "../domain/gap.ts";

/** A gap as data. JSON, CSV and Parquet have these members in this order. */
export type GapRow = {
  readonly stream: string;
  readonly symbol: string;
  readonly cause: string;
  /** µs since the Unix epoch. */
  readonly from_us: number;
  readonly to_us: number;
  /** The same in UTC, with µs: `2026-11-21T15:00:00.114000Z`. In Parquet these are timestamps. */
  readonly from_time: string;
  readonly to_time: string;
  readonly seconds: number;
  /** Number of records that the ids prove to be absent; null if ids cannot give it. */
  readonly missing: number | null;
  /** Number of them that were backfilled. */
  readonly repaired: number;
  /** False while records of the gap are absent. */
  readonly settled: boolean;
};

/** Converts a gap. */
export function gapRow({ stream, symbol, cause, from_us, to_us, missing, repaired }: Gap): GapRow {
  return {
    ...{ stream, symbol, cause, from_us, to_us },
    from_time: timeText(from_us),
    to_time: timeText(to_us),
    seconds: (to_us - from_us) / 1e6,
    ...{ missing, repaired },
    settled: !awaitsBackfill({ cause, missing, repaired }),
  };
}

/** Encodes gaps as CSV (RFC 4180; column names in the first line). Null is empty. No value needs quotes. */
export function gapCsv(rows: readonly GapRow[]): string {
  const lines = rows.map((row) => names.map((name) => row[name] ?? "").join(","));
  return [names.join(","), ...lines].map((line) => `${line}\n`).join("");
}

/** Encodes gaps as a Parquet file. */
export function gapParquet(rows: readonly GapRow[], createdBy: string): Uint8Array {
  const columnData = columns.map(([name, , read]) => ({ name, data: rows.map(read) }));
  const schema = [
    { name: "root", num_children: columns.length },
    ...columns.map(([name, type]) => ({ name, ...type })),
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, createdBy }));
}

const text = { type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" } as const;
const integer = { type: "INT64", repetition_type: "REQUIRED" } as const;
const time = {
  ...integer,
  converted_type: "TIMESTAMP_MICROS",
  logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
} as const;

type Column = readonly [
  name: keyof GapRow,
  type: Omit<SchemaElement, "name">,
  read: (row: GapRow) => string | bigint | number | boolean | null,
];

const columns: readonly Column[] = [
  ["stream", text, ({ stream }) => stream],
  ["symbol", text, ({ symbol }) => symbol],
  ["cause", text, ({ cause }) => cause],
  ["from_us", integer, ({ from_us }) => BigInt(from_us)],
  ["to_us", integer, ({ to_us }) => BigInt(to_us)],
  ["from_time", time, ({ from_us }) => BigInt(from_us)],
  ["to_time", time, ({ to_us }) => BigInt(to_us)],
  ["seconds", { type: "DOUBLE", repetition_type: "REQUIRED" }, ({ seconds }) => seconds],
  [
    "missing",
    { ...integer, repetition_type: "OPTIONAL" },
    ({ missing }) => (missing === null ? null : BigInt(missing)),
  ],
  ["repaired", integer, ({ repaired }) => BigInt(repaired)],
  ["settled", { type: "BOOLEAN", repetition_type: "REQUIRED" }, ({ settled }) => settled],
];

const names = columns.map(([name]) => name);

function timeText(us: number): string {
  const second = Math.floor(us / 1e6);
  return `${new Date(second * 1000).toISOString().slice(0, 19)}.${String(us - second * 1e6).padStart(6, "0")}Z`;
}
