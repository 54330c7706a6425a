import type { Cell } from "./column.ts";

/** A table that is being written to a file, row by row. */
export type TableFile = {
  add(row: readonly Cell[]): void;
  /** True if a reader should take what was written before more is added: await `taken`. */
  waits(): boolean;
  taken(): Promise<void>;
  /** Completes the file and makes it visible; resolves with its bytes. */
  finish(): Promise<number>;
  /** Leaves nothing behind. Idempotent, and nothing after `finish`. */
  discard(): void;
};

/** Where the bytes of a table go. */
export type OutputFile = {
  write(bytes: Uint8Array): void;
  /** True once something was written that a reader may not have taken. */
  waits(): boolean;
  /** Resolves once all that was written is taken. */
  taken(): Promise<void>;
  bytes(): number;
  /** Completes it: a file is put in place of what has its name, of a stream all is handed over. */
  commit(): Promise<void>;
  /** Leaves nothing of a file behind; a stream just ends. Nothing after `commit`. Idempotent. */
  discard(): void;
};

/** How decimals are stored in Parquet. */
export const numberForms = ["float64", "decimal", "text"] as const;
export type NumberForm = (typeof numberForms)[number];

/** How Parquet is compressed. */
export const compressions = ["zstd", "snappy", "none"] as const;
export type Compression = (typeof compressions)[number];
