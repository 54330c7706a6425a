import type { GapCause } from "./gap.ts";

/** Trades that are being refetched by their ids; everything before `nextId` is done. */
export type StoredHole = {
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
export type HoleStore = {
  /** Oldest first. */
  all(): readonly StoredHole[];
  save(hole: StoredHole): void;
  remove(hole: Pick<StoredHole, "stream" | "symbol" | "fromId">): void;
};
