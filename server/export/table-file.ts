import type { Cell } from "./column.ts";

/** Writes a table to an output, row by row. */
export type TableFile = {
  add(row: readonly Cell[]): void;
  /** True if the reader has not taken all bytes yet: await `taken` before adding rows. */
  waits(): boolean;
  taken(): Promise<void>;
  /** Completes the file and makes it visible; resolves with its size in bytes. */
  finish(): Promise<number>;
  /** Removes the unfinished file. Idempotent; has no effect after `finish`. */
  discard(): void;
};

/** Receives the bytes of a table. */
export type OutputFile = {
  write(bytes: Uint8Array): void;
  /** True if a reader may not have taken all written bytes yet. */
  waits(): boolean;
  /** Resolves when all written bytes were taken. */
  taken(): Promise<void>;
  /** Number of bytes written so far. */
  bytes(): number;
  /** Completes the output: a file replaces the file at its path; all bytes of a stream are passed on. */
  commit(): Promise<void>;
  /** Removes an unfinished file; ends a stream. Idempotent; has no effect after `commit`. */
  discard(): void;
};

/** Storage types of decimals in Parquet. `ticks`: whole multiples of the tick size (prices) and of the step size (quantities). */
export const numberForms = ["float64", "decimal", "ticks", "text"] as const;
export type NumberForm = (typeof numberForms)[number];

/** Compressions of Parquet. */
export const compressions = ["zstd", "snappy", "none"] as const;
export type Compression = (typeof compressions)[number];
