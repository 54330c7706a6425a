import type { GapCause } from "./gap.ts";

/** Trades that are being refetched by their ids; everything before `nextId` is done. */
export type StoredBackfill = {
  /** Folder name of the stream. */
  readonly stream: string;
  readonly symbol: string;
  readonly fromId: number;
  readonly toId: number;
  /** The gap that it belongs to, µs. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly cause: GapCause;
  readonly nextId: number;
  readonly fetched: number;
};

/** Keeps ranges of missing ids from one run to the next. */
export type BackfillStore = {
  /** Oldest first. */
  all(): readonly StoredBackfill[];
  save(hole: StoredBackfill): void;
  remove(hole: Pick<StoredBackfill, "stream" | "symbol" | "fromId">): void;
};
