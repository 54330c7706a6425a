import type { GapCause } from "./gap.ts";
import type { StreamFolder } from "./stream.ts";

/** A range of trades that is being backfilled by id. Everything before `nextId` is done. */
export type StoredBackfill = {
  /** Folder name of the stream. */
  readonly stream: StreamFolder;
  readonly symbol: string;
  readonly fromId: number;
  readonly toId: number;
  /** The gap that the missing trades belong to, µs. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly cause: GapCause;
  readonly nextId: number;
  readonly fetched: number;
};

/** Stores ranges of missing ids across runs. */
export type BackfillStore = {
  /** Returns all ranges, oldest first. */
  all(): readonly StoredBackfill[];
  save(backfill: StoredBackfill): void;
  remove(backfill: Pick<StoredBackfill, "stream" | "symbol" | "fromId">): void;
};
