import type { Cell } from "./column.ts";

/** A table that is being written to a file, row by row. */
export type TableFile = {
  add(row: readonly Cell[]): void;
  /** Completes the file and makes it visible; returns its bytes. */
  finish(): number;
  /** Leaves nothing behind. Idempotent, and nothing after `finish`. */
  discard(): void;
};

/** How decimals are stored in Parquet. */
export const numberForms = ["float64", "decimal", "text"] as const;
export type NumberForm = (typeof numberForms)[number];

/** How Parquet is compressed. */
export const compressions = ["zstd", "snappy", "none"] as const;
export type Compression = (typeof compressions)[number];
